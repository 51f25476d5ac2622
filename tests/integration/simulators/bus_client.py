"""A client of the bus that shares nothing with the simulator: GLib's own D-Bus, for /usr/bin/python3.

Prints JSON: `get NAME PATH`, `text NAME PATH`, `items NAME`, `owner NAME`, `watch NAME PATH COUNT` (every signal of the
service until the path was signalled that often).
"""

from __future__ import annotations

import json
import sys
import time

from gi.repository import Gio, GLib

ITEM = "com.victronenergy.BusItem"
BUS = ("org.freedesktop.DBus", "/org/freedesktop/DBus", "org.freedesktop.DBus")
bus = Gio.bus_get_sync(Gio.BusType.SYSTEM)


def call(name, path, method, interface=ITEM, arguments=None):
    try:
        return bus.call_sync(name, path, interface, method, arguments, None, Gio.DBusCallFlags.NONE, 5000, None)
    except GLib.Error as error:
        return {"error": Gio.DBusError.get_remote_error(error)}


def get(name, path):
    reply = call(name, path, "GetValue")
    if isinstance(reply, dict):
        return reply
    value = reply.get_child_value(0).get_variant()
    return {"type": value.get_type_string(), "value": value.unpack()}


def text(name, path):
    reply = call(name, path, "GetText")
    return reply if isinstance(reply, dict) else reply.unpack()[0]


def items(name, path="/"):
    reply = call(name, path, "GetItems")
    return reply if isinstance(reply, dict) else reply.unpack()[0]


def owner(name):
    reply = call(*BUS[:2], "GetNameOwner", BUS[2], GLib.Variant("(s)", (name,)))
    return reply if isinstance(reply, dict) else reply.unpack()[0]


def watch(name, path, count):
    loop, seen = GLib.MainLoop(), []

    def on_signal(_bus, _sender, at, _interface, member, content):
        changes = content.unpack()[0]
        changes = changes if member == "ItemsChanged" else {at: changes}
        seen.append({"ns": time.time_ns(), "member": member, "changes": changes})
        if sum(path in signal["changes"] for signal in seen) >= int(count):
            loop.quit()

    bus.signal_subscribe(name, ITEM, None, None, None, Gio.DBusSignalFlags.NONE, on_signal)
    GLib.timeout_add_seconds(60, loop.quit)
    loop.run()
    return seen


print(json.dumps(globals()[sys.argv[1]](*sys.argv[2:])))
