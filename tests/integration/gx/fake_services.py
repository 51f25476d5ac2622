"""Services on a bus that do what a test tells them, one JSON command a line; each has a connection of its own.

    {"do": "add", "service": NAME, "values": {PATH: [TYPE, VALUE]}, "answers": ["GetItems", "GetValue"]}
    {"do": "set", "service": NAME, "values": {PATH: [TYPE, VALUE]}, "signal": MEMBER}
    {"do": "drop", "service": NAME}

`answers` says which calls the root object understands, with `nothing` GetItems is empty. MEMBER is ItemsChanged,
PropertiesChanged or null. Type `-` is invalid: an empty array.
"""

from __future__ import annotations

import json
import sys

import dbus
import dbus.bus
import dbus.lowlevel
import dbus.mainloop.glib
import dbus.service
from gi.repository import GLib

BUS_ITEM = "com.victronenergy.BusItem"
TYPES = {
    "-": lambda _: dbus.Array([], signature="i"),
    "y": dbus.Byte,
    "b": dbus.Boolean,
    "n": dbus.Int16,
    "q": dbus.UInt16,
    "i": dbus.Int32,
    "u": dbus.UInt32,
    "d": dbus.Double,
    "s": dbus.String,
    "ay": lambda value: dbus.Array(value, signature="y"),
}


class Service(dbus.service.FallbackObject):
    def __init__(self, name: str, values: dict, answers: list[str]):
        self.bus = dbus.bus.BusConnection(dbus.bus.BusConnection.TYPE_SYSTEM)
        super().__init__(self.bus, "/")
        self.values = wire(values)
        self.answers = answers
        self.bus.request_name(name)

    def _value(self, path):
        if path == "/" and "GetValue" in self.answers:
            return dbus.Dictionary({name[1:]: value for name, value in self.values.items()}, signature="sv")
        if path not in self.values:
            raise dbus.DBusException("no such path", name="org.freedesktop.DBus.Error.UnknownObject")
        return self.values[path]

    @dbus.service.method(BUS_ITEM, out_signature="v", path_keyword="path")
    def GetValue(self, path):
        return self._value(path)

    @dbus.service.method(BUS_ITEM, out_signature="a{sa{sv}}")
    def GetItems(self):
        if "GetItems" not in self.answers:
            raise dbus.DBusException("no such method", name="org.freedesktop.DBus.Error.UnknownMethod")
        return {path: item(value) for path, value in self.values.items() if "nothing" not in self.answers}

    def set(self, values: dict, signal: str | None) -> None:
        changed = wire(values)
        self.values.update(changed)
        if signal == "ItemsChanged":
            self._send("/", signal, {path: item(value) for path, value in changed.items()}, "a{sa{sv}}")
        elif signal:
            for path, value in changed.items():
                self._send(path, signal, item(value), "a{sv}")

    def _send(self, path, member, content, signature):
        message = dbus.lowlevel.SignalMessage(path, BUS_ITEM, member)
        message.append(content, signature=signature)
        self.bus.send_message(message)

    def drop(self) -> None:
        self.bus.set_exit_on_disconnect(False)
        self.bus.close()


def wire(values: dict) -> dict:
    return {path: TYPES[kind](value) for path, (kind, value) in values.items()}


def item(value):
    return dbus.Dictionary({"Value": value, "Text": "text"}, signature="sv")


def main() -> None:
    dbus.mainloop.glib.DBusGMainLoop(set_as_default=True)
    services: dict[str, Service] = {}

    def command(*_):
        line = sys.stdin.readline()
        if not line:
            sys.exit(0)
        order = json.loads(line)
        name = order["service"]
        if order["do"] == "add":
            services[name] = Service(name, order["values"], order["answers"])
        elif order["do"] == "set":
            services[name].set(order["values"], order["signal"])
        else:
            services.pop(name).drop()
        print("ok", flush=True)
        return True

    GLib.io_add_watch(sys.stdin.fileno(), GLib.PRIORITY_DEFAULT, GLib.IO_IN | GLib.IO_HUP, command)
    GLib.MainLoop().run()


if __name__ == "__main__":
    main()
