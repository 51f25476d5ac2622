"""Recordings of a GX's services in the text format of Victron's dbus-recorder, read and written.

A file holds one service: its name; a line `path TAB type TAB value TAB text` for each path as it stood first; an empty
line; a line `second TAB path TAB type TAB value TAB text` for each change. ARRAY is the invalid value.
"""

from __future__ import annotations

import ast
import csv
import io
from collections.abc import Callable
from dataclasses import dataclass
from itertools import groupby

from simulators.gx.device import Device, Item, Value, constant

READ: dict[str, tuple[str, Callable[[str], Value]]] = {
    "ARRAY": ("i", lambda _: None),
    "ARRAY[BYTE]": ("ay", ast.literal_eval),
    "BOOLEAN": ("b", lambda text: text in ("1", "True")),
    "BYTE": ("y", int),
    "DOUBLE": ("d", float),
    "INT16": ("n", int),
    "INT32": ("i", int),
    "STRING": ("s", str),
    "UINT16": ("q", int),
    "UINT32": ("u", int),
}
NAMES = {signature: name for name, (signature, _) in READ.items() if name != "ARRAY"}


@dataclass(frozen=True)
class Recording:
    """A service: how its paths stood first, and the items that changed, by second."""

    service: str
    start: dict[str, Item]
    changes: list[tuple[int, Item]]

    def batches(self) -> list[tuple[int, list[Item]]]:
        """What changed in each second."""
        return [
            (second, [item for _, item in group]) for second, group in groupby(self.changes, lambda change: change[0])
        ]


def read(text: str) -> Recording:
    """Read a file's text; ValueError names the line that is not understood."""
    lines = csv.reader(io.StringIO(text), "excel-tab", quotechar="'")
    (service,) = next(lines)
    start, changes, moving = {}, [], False
    for cells in lines:
        try:
            if not cells:
                moving = True
            elif moving:
                changes.append((int(cells[0]), _item(*cells[1:])))
            else:
                start[cells[0]] = _item(*cells)
        except (KeyError, TypeError, ValueError) as error:
            raise ValueError(f"line {lines.line_num}: {cells}: {error!r}; path, type, value, text expected") from error
    return Recording(service, start, changes)


def write(recording: Recording) -> str:
    """The file's text for a recording."""
    out = io.StringIO()
    lines = csv.writer(out, "excel-tab", quotechar="'", lineterminator="\n")
    lines.writerow([recording.service])
    lines.writerows(_cells(item) for item in recording.start.values())
    out.write("\n")
    lines.writerows([second, *_cells(item)] for second, item in recording.changes)
    return out.getvalue()


def record(device: Device, seconds: int) -> Recording:
    """What a recorder would have seen of a simulated device: its signalled changes in whole seconds."""

    def shown(item: Item, t_s: float) -> Item:
        return constant(item.path, item.type, device.shown(item.path, t_s), item.text)

    def value(item: Item) -> Value:
        return item.value(device.rig.at(0))

    now = {path: shown(item, 0.0) for path, item in device.items.items()}
    start, changes = dict(now), []
    moving = [item for item in device.items.values() if item.group and item.signals]
    for second in range(1, seconds):
        for item in moving:
            seen = shown(item, float(second))
            if value(seen) != value(now[item.path]):
                now[item.path] = seen
                changes.append((second, seen))
    return Recording(device.name, start, changes)


def _item(path: str, kind: str, value: str, text: str = "") -> Item:
    signature, convert = READ[kind]
    return constant(path, signature, convert(value), text.replace("{", "{{").replace("}", "}}"))


def _cells(item: Item) -> list[object]:
    value = item.read(None)
    if value is None:
        return [item.path, "ARRAY", "[]", "---"]
    return [item.path, NAMES[item.type], value, item.as_text(value)]
