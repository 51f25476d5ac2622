"""What the services of a bus hold, by a client that shares nothing with the exporter: GLib's own D-Bus.

Run by /usr/bin/python3. For each line of input, a JSON list of services, one line of output: {service: {path: value}}.
A value is a number, or null where a reader must not see one: invalid, a blob, a text that is no number.
"""

from __future__ import annotations

import json
import sys

from gi.repository import Gio, GLib

ITEM = "com.victronenergy.BusItem"


def number(value) -> float | None:
    try:
        return float(value)
    except (TypeError, ValueError):
        return None


def values(bus: Gio.DBusConnection, service: str) -> dict[str, float | None]:
    reply = bus.call_sync(service, "/", ITEM, "GetValue", None, None, Gio.DBusCallFlags.NONE, 60_000, None)
    return {f"/{path}": number(value) for path, value in reply.unpack()[0].items()}


def main() -> None:
    bus = Gio.bus_get_sync(Gio.BusType.SYSTEM)
    for line in sys.stdin:
        try:
            print(json.dumps({service: values(bus, service) for service in json.loads(line)}), flush=True)
        except GLib.Error as error:
            sys.exit(f"cannot read the bus: {error.message}")


if __name__ == "__main__":
    main()
