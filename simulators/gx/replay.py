"""Put recordings of a GX's services on a bus, again and again: `/usr/bin/python3 -m simulators.gx.replay FILE...`.

Every other service signals with ItemsChanged, the rest with PropertiesChanged; a GPS has no GetItems. `/Replay/Batch`
of a service counts what it has played and is never signalled, so a reader can tell that nothing moved meanwhile.
"""

from __future__ import annotations

import argparse
import math
import os
import sys
from pathlib import Path

import dbus
import dbus.mainloop.glib
from gi.repository import GLib

from simulators.gx import recording
from simulators.gx.control import Control, listen
from simulators.gx.device import Device, Item
from simulators.gx.service import Service

COUNT = "/Replay/Batch"


class Still:
    """Stands for a rig where nothing is simulated."""

    def at(self, _t_s: float) -> None:
        return None


class Player:
    """One recording as a service; after its last change it begins again."""

    def __init__(self, address: str, played: recording.Recording, signal: str, speed: float):
        self.start, self.batches, self.speed = played.start, played.batches(), speed
        self.batch = self.played = 0
        count = Item(COUNT, "u", lambda _: self.played, signals=False)
        items = {**played.start, COUNT: count}
        has_get_items = ".gps" not in played.service
        device = Device(played.service, Still(), items, signal=signal, has_get_items=has_get_items)
        self.service = Service(address, device, lambda: 0.0)
        if self.batches and speed:
            self._wait(self.batches[0][0])

    def _wait(self, seconds: float) -> None:
        GLib.timeout_add(max(1, math.ceil(1000 * seconds / self.speed)), self._play)

    def _play(self) -> bool:
        """Show the next batch, or the start again after the last one, and wait for the one after it."""
        over = self.batch == len(self.batches)
        second, items = (0, list(self.start.values())) if over else self.batches[self.batch]
        self.batch = 0 if over else self.batch + 1
        self.played += 1
        table = self.service.device.items
        for item in items:
            table[item.path] = item
        # As one answer to one reading: what is read twice in a second shows only its last value.
        self.service.refresh([*(table[path] for path in dict.fromkeys(item.path for item in items)), table[COUNT]])
        following = self.batches[self.batch][0] if self.batch < len(self.batches) else second + 1
        self._wait(following - second)
        return GLib.SOURCE_REMOVE


def main() -> int:
    options = _options()
    recordings = [recording.read(file.read_text(encoding="utf-8")) for file in options.files]
    dbus.mainloop.glib.DBusGMainLoop(set_as_default=True)
    signals = ("items", "properties")
    players = [
        Player(options.bus, played, signals[number % 2], options.speed) for number, played in enumerate(recordings)
    ]
    if options.control:
        listen(options.control, Control({player.service.device.name: player.service for player in players}))
    print(f"replay: {len(players)} services on {options.bus}", flush=True)
    GLib.MainLoop().run()
    return 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m simulators.gx.replay", description=__doc__.split("\n")[0])
    parser.add_argument("files", nargs="+", type=Path, metavar="FILE", help="recording, one service each")
    parser.add_argument("--bus", default=os.environ.get("DBUS_SYSTEM_BUS_ADDRESS"), metavar="ADDRESS")
    parser.add_argument("--speed", type=float, default=1.0, metavar="N", help="times real time; 0 stands still")
    parser.add_argument("--control", metavar="SOCKET", help="unix socket for faults (see simulators.gx.control)")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
