"""A GX: the services of an off-grid rig on a system bus, following a load scenario.

Needs dbus-python and GLib: run it with the interpreter that Debian's python3-dbus belongs to (/usr/bin/python3).
"""

from __future__ import annotations

import argparse
import os
import sys

import dbus
import dbus.mainloop.glib
from gi.repository import GLib

from simulators import options as follow
from simulators.gx.control import Control, listen
from simulators.gx.rig import Rig
from simulators.gx.service import Service
from simulators.gx.services import devices
from simulators.scenario import ScenarioError

SYSTEM_BUS = "unix:path=/run/dbus/system_bus_socket"


def main() -> int:
    options = _options()
    try:
        rig = Rig(follow.scenario(options), options.system)
    except ScenarioError as error:
        print(error, file=sys.stderr)
        return 2
    dbus.mainloop.glib.DBusGMainLoop(set_as_default=True)
    try:
        services = [
            Service(options.bus, device, follow.clock(options)) for device in devices(rig, options.vebus_signals)
        ]
    except dbus.DBusException as error:
        print(f"no bus at {options.bus} ({error}): start one, or give its address with --bus", file=sys.stderr)
        return 1
    if options.control:
        listen(options.control, Control({service.device.name: service for service in services}))
    print(f"gx: {len(services)} services of {rig.system.id} on {options.bus}", flush=True)
    GLib.MainLoop().run()
    return 0


def _options() -> argparse.Namespace:
    parser = follow.parser("python -m simulators.gx", __doc__)
    parser.add_argument("--system", default="rig_01", metavar="ID", help="which of its systems this GX is")
    parser.add_argument(
        "--bus",
        default=os.environ.get("DBUS_SYSTEM_BUS_ADDRESS", SYSTEM_BUS),
        metavar="ADDRESS",
        help="D-Bus address; the system bus unless given",
    )
    parser.add_argument("--control", metavar="SOCKET", help="unix socket for faults (see simulators.gx.control)")
    parser.add_argument(
        "--vebus-signals",
        choices=("items", "properties"),
        default="items",
        help="ItemsChanged as newer, or PropertiesChanged as older mk2-dbus",
    )
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
