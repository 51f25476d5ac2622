"""A device on the bus: the com.victronenergy.BusItem interface over its table, on a connection of its own."""

from __future__ import annotations

import math
from collections.abc import Callable

import dbus
import dbus.bus
import dbus.lowlevel
import dbus.service
from gi.repository import GLib

from simulators.gx.device import Device, Item, Value
from simulators.gx.rig import Instant

BUS_ITEM = "com.victronenergy.BusItem"
UNKNOWN_OBJECT = "org.freedesktop.DBus.Error.UnknownObject"
UNKNOWN_METHOD = "org.freedesktop.DBus.Error.UnknownMethod"
NOT_WRITABLE = 1

TYPES = {
    "b": dbus.Boolean,
    "n": dbus.Int16,
    "i": dbus.Int32,
    "u": dbus.UInt32,
    "q": dbus.UInt16,
    "y": dbus.Byte,
    "d": dbus.Double,
    "s": dbus.String,
    "ay": lambda value: dbus.Array(value, signature="y"),
}


class Service:
    """Publishes a device: reads its groups when they are due and tells what changed.

    `now` gives the scenario's time [s].
    """

    def __init__(self, address: str, device: Device, now: Callable[[], float]):
        self.device = device
        self._frozen = False
        self._invalid: set[str] = set()
        self._address = address
        self._now = now
        self._values: dict[str, Value] = {}
        self._connection: dbus.bus.BusConnection | None = None
        self.restore()
        for group in device.groups:
            self._schedule(group)

    @property
    def on_bus(self) -> bool:
        return self._connection is not None

    def restore(self) -> None:
        """Come back to the bus, under a new unique name and with every value fresh."""
        if self.on_bus:
            return
        instant = self._instant()
        self._values = {path: self._read(item, instant) for path, item in self.device.items.items()}
        self._connection = dbus.bus.BusConnection(self._address)
        self._connection.set_exit_on_disconnect(True)
        _Tree(self._connection, self)
        self._connection.request_name(self.device.name, dbus.bus.NAME_FLAG_DO_NOT_QUEUE)

    def drop(self) -> None:
        """Leave the bus, as a driver does whose device was unplugged."""
        if self.on_bus:
            self._connection.set_exit_on_disconnect(False)
            self._connection.close()
            self._connection = None

    def freeze(self) -> None:
        """Read nothing any more; every value stays as it is."""
        self._frozen = True

    def thaw(self) -> None:
        self._frozen = False

    def invalidate(self, path: str) -> None:
        """Leave the path without a value."""
        self._invalid.add(path)
        self.refresh([self.device.items[path]])

    def validate(self, path: str) -> None:
        self._invalid.discard(path)
        self.refresh([self.device.items[path]])

    def refresh(self, items: list[Item]) -> None:
        """Read the items now and signal those that changed."""
        if self._frozen:
            return
        changed, instant = [], self._instant()
        for item in items:
            value = self._read(item, instant)
            if value != self._values[item.path]:
                self._values[item.path] = value
                if item.signals:
                    changed.append(item)
        if changed and self.on_bus:
            self._signal(changed)

    def values_below(self, path: str) -> dict[str, Item]:
        """The items under a path, named relative to it; empty where there are none."""
        below = path.rstrip("/") + "/"
        return {name.removeprefix(below): item for name, item in self.device.items.items() if name.startswith(below)}

    def wire_value(self, item: Item):
        """The value as the bus carries it; invalid is an empty array of integers."""
        value = self._values[item.path]
        return dbus.Array([], signature="i") if value is None else TYPES[item.type](value)

    def text(self, item: Item) -> str:
        return item.as_text(self._values[item.path])

    def wire_item(self, item: Item) -> dbus.Dictionary:
        return dbus.Dictionary({"Value": self.wire_value(item), "Text": self.text(item)}, signature="sv")

    def _instant(self) -> Instant:
        return self.device.rig.at(self._now())

    def _read(self, item: Item, instant: Instant) -> Value:
        return None if item.path in self._invalid else item.value(instant)

    def _schedule(self, group: str) -> None:
        wait_s = self.device.groups[group].next(self._now()) - self._now()
        GLib.timeout_add(max(1, math.ceil(wait_s * 1000)), self._due, group)

    def _due(self, group: str) -> bool:
        self.refresh(self.device.group(group))
        self._schedule(group)
        return GLib.SOURCE_REMOVE

    def _signal(self, items: list[Item]) -> None:
        if self.device.signal == "items":
            changes = {item.path: self.wire_item(item) for item in items}
            self._send("/", "ItemsChanged", "a{sa{sv}}", changes)
        else:
            for item in items:
                self._send(item.path, "PropertiesChanged", "a{sv}", self.wire_item(item))

    def _send(self, path: str, name: str, signature: str, content: dict) -> None:
        message = dbus.lowlevel.SignalMessage(path, BUS_ITEM, name)
        message.append(content, signature=signature)
        self._connection.send_message(message)


class _Tree(dbus.service.FallbackObject):
    """Answers for `/` and everything below it."""

    def __init__(self, connection: dbus.bus.BusConnection, service: Service):
        super().__init__(connection, "/")
        self._service = service

    @dbus.service.method(BUS_ITEM, out_signature="v", path_keyword="path")
    def GetValue(self, path):
        return self._answer(path, self._service.wire_value)

    @dbus.service.method(BUS_ITEM, out_signature="v", path_keyword="path")
    def GetText(self, path):
        return self._answer(path, self._service.text)

    @dbus.service.method(BUS_ITEM, out_signature="a{sa{sv}}", path_keyword="path")
    def GetItems(self, path):
        if path != "/" or not self._service.device.has_get_items:
            raise dbus.DBusException(f"no GetItems at {path}", name=UNKNOWN_METHOD)
        return {path: self._service.wire_item(item) for path, item in self._service.device.items.items()}

    @dbus.service.method(BUS_ITEM, in_signature="v", out_signature="i")
    def SetValue(self, _value):
        return NOT_WRITABLE

    def _answer(self, path: str, of: Callable):
        item = self._service.device.items.get(path)
        if item:
            return of(item)
        below = self._service.values_below(path)
        if not below:
            raise dbus.DBusException(f"no object {path}", name=UNKNOWN_OBJECT)
        return dbus.Dictionary({name: of(item) for name, item in below.items()}, signature="sv")
