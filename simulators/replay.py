"""A scenario on a virtual clock: the samples that a rig would have stored, without waiting for them."""

from __future__ import annotations

import math
import re
import struct
from collections.abc import Callable

from simulators.gx.rig import Rig
from simulators.gx.vebus import PHASES, vebus
from simulators.meters.meter import Meter
from simulators.refresh import fraction
from simulators.scenario import Scenario

Labels = dict[str, str]
Series = tuple[Labels, list[int], list[float]]
Show = Callable[[float], float | None]

LIVE_BLOCK = 0x3000
LIVE_FIELDS = (
    *("F", "Va", "Vb", "Vc", "Vln", "Vab", "Vbc", "Vca", "Vll", "Ia", "Ib", "Ic", "I", "In"),
    *("Pa", "Pb", "Pc", "P", "Qa", "Qb", "Qc", "Q", "Sa", "Sb", "Sc", "S", "PFa", "PFb", "PFc", "PF"),
)


def series(
    scenario: Scenario, system_id: str, start_s: float, end_s: float, scrape_s: float = 0.5, epoch_ns: int = 0
) -> list[Series]:
    """What is stored of a system from `start_s` to `end_s` when it is asked every `scrape_s`, at an offset of its own.

    For each series its labels with `__name__`, times in ms (since 1970 when the scenario's epoch is given, else since
    the scenario began) and values. The same device models as in the live simulators decide what is shown when.
    """
    shown = _victron(scenario, system_id) if scenario.system(system_id).kind == "gx" else _acuvim(scenario, system_id)
    first_s = start_s + scrape_s * fraction(f"{scenario.seed} {system_id} scrape")
    moments = [first_s + turn * scrape_s for turn in range(math.ceil((end_s - first_s) / scrape_s))]
    return [_sampled(labels, show, moments, epoch_ns) for labels, show in shown]


def _sampled(labels: Labels, show: Show, moments: list[float], epoch_ns: int) -> Series:
    samples = [(epoch_ns // 10**6 + round(t_s * 1000), show(t_s)) for t_s in moments]
    valid = [(time_ms, float(value)) for time_ms, value in samples if value is not None]
    return labels, [time_ms for time_ms, _ in valid], [value for _, value in valid]


def _victron(scenario: Scenario, system_id: str) -> list[tuple[Labels, Show]]:
    device = vebus(Rig(scenario, system_id))
    rows = [
        ("victron_ac_out_power", "/Ac/Out/P", "ac_out", "power", ""),
        ("victron_ac_out_apparent", "/Ac/Out/S", "ac_out", "apparent", ""),
        *(
            (f"victron_ac_out_l{n}_{quantity.lower()}", f"/Ac/Out/L{n}/{quantity}", "ac_out", name, f"L{n}")
            for n in PHASES
            for quantity, name in AC_QUANTITIES.items()
        ),
        ("victron_dc_voltage", "/Dc/0/Voltage", "dc", "voltage", ""),
        ("victron_dc_current", "/Dc/0/Current", "dc", "current", ""),
        ("victron_dc_power", "/Dc/0/Power", "dc", "power", ""),
    ]
    return [
        (_victron_labels(system_id, metric, group, name, phase), lambda t_s, path=path: device.shown(path, t_s))
        for metric, path, group, name, phase in rows
    ]


AC_QUANTITIES = {"V": "voltage", "I": "current", "P": "power", "S": "apparent", "F": "freq"}


def _victron_labels(system_id: str, metric: str, group: str, name: str, phase: str) -> Labels:
    labels = {"__name__": metric, "system_id": system_id, "group": group, "name": name}
    return {**labels, "phase": phase} if phase else labels


def _acuvim(scenario: Scenario, system_id: str) -> list[tuple[Labels, Show]]:
    meter = Meter(scenario, system_id)
    number = re.search(r"\d*$", system_id).group() or "1"
    common = {"system_id": system_id, "device": system_id, "ip": f"10.10.4.{number}", "role": "power_meter"}

    def field(place: int) -> Show:
        return lambda t_s: struct.unpack(">f", struct.pack(">2H", *meter.registers(LIVE_BLOCK + 2 * place, 2, t_s)))[0]

    return [({"__name__": f"acuvim_{name}", **common}, field(place)) for place, name in enumerate(LIVE_FIELDS)]
