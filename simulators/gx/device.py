"""A service of the GX as a table of paths, and what it shows at a given time."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from simulators.gx.rig import Instant, Rig
from simulators.refresh import Refresh, fraction

Value = int | float | str | list[int] | None

CONVERT: dict[str, Callable] = {
    **dict.fromkeys("ynqiu", round),
    **{"b": bool, "d": float, "s": str, "ay": list},
}


@dataclass(frozen=True)
class Item:
    """One path. `type` is its D-Bus signature; `read` gives the value at an instant, or None for invalid.

    `group` names the items that the device reads at once. A constant has none and never changes. `signals` is False
    where the real service changes the value without telling (VE.Bus apparent power).
    """

    path: str
    type: str
    read: Callable[[Instant], object]
    text: str = "{}"
    group: str = ""
    signals: bool = True

    def value(self, instant: Instant) -> Value:
        value = self.read(instant)
        return None if value is None else CONVERT[self.type](value)

    def as_text(self, value: Value) -> str:
        """The `Text` of a value as the real services format it; `---` where it is invalid."""
        return "---" if value is None else self.text.format(value)


def constant(path: str, type: str, value: Value, text: str = "{}") -> Item:
    return Item(path, type, lambda _: value, text)


@dataclass(frozen=True)
class Device:
    """A service by its bus name: its items and when it reads each group of them.

    `signal` is "items" (newer: one ItemsChanged on `/` for a batch) or "properties" (older: one PropertiesChanged
    for each path).
    """

    name: str
    rig: Rig
    items: dict[str, Item]
    groups: dict[str, Refresh] = field(default_factory=dict)
    signal: str = "items"
    has_get_items: bool = True

    def shown(self, path: str, t_s: float) -> Value:
        """The value that stands at the path at `t_s`: what the device read when it last looked."""
        item = self.items[path]
        moment = self.groups[item.group].last(t_s) if item.group else t_s
        return item.value(self.rig.at(moment))

    def group(self, name: str) -> list[Item]:
        return [item for item in self.items.values() if item.group == name]


def device(name: str, rig: Rig, items: list[Item], groups: dict[str, tuple[float, float]], **options) -> Device:
    """A device from its table; `groups` gives each group's period [s] and where in the period it is read (0..1)."""
    # A device does not know when the scenario began.
    start = fraction(rig.key(name))
    refreshes = {
        group: Refresh(period_s, rig.key(name, group), start + phase) for group, (period_s, phase) in groups.items()
    }
    return Device(name, rig, {item.path: item for item in items}, refreshes, **options)
