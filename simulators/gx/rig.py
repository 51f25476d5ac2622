"""The rig behind a GX at one moment: AC output, battery, inverter and sun."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache

from simulators.electrics import Reading, reading
from simulators.scenario import Scenario

BATTERY_WH = 96_000
FULL_PERCENT, EMPTY_PERCENT = 88.0, 12.0
INVERTER_EFFICIENCY, INVERTER_OWN_W = 0.93, 60.0
BATTERY_OHM = 0.002


@dataclass(frozen=True)
class Instant:
    """Everything that the GX's devices can read at `t_s`. DC power is positive into the battery."""

    t_s: float
    out: Reading
    out_wh: float
    pv_w: float
    inverter_dc_w: float
    soc_percent: float
    battery_v: float

    @property
    def battery_w(self) -> float:
        return self.pv_w + self.inverter_dc_w


class Rig:
    """A system of the scenario as the off-grid plant that feeds it."""

    def __init__(self, scenario: Scenario, system_id: str):
        self.scenario = scenario
        self.system = scenario.system(system_id)
        # One refresh reads a dozen paths at the same moment.
        self.at = lru_cache(maxsize=64)(self._at)

    def key(self, *names: str) -> str:
        """A name for a schedule of this rig, of its scenario's seed and of nothing else."""
        return " ".join((str(self.scenario.seed), self.system.id, *names))

    def _at(self, t_s: float) -> Instant:
        out_w = self.scenario.power_w(self.system.id, t_s)
        out_wh = self.scenario.energy_wh(self.system.id, 0, t_s)
        pv_w = 900 + 40 * math.sin(t_s / 11)
        inverter_dc_w = -(out_w / INVERTER_EFFICIENCY + INVERTER_OWN_W)
        soc_percent = min(100.0, max(EMPTY_PERCENT, FULL_PERCENT - 100 * out_wh / BATTERY_WH))
        rest_v = 50.4 + 0.03 * soc_percent
        return Instant(
            t_s=t_s,
            out=reading(self.system, out_w, t_s),
            out_wh=out_wh,
            pv_w=pv_w,
            inverter_dc_w=inverter_dc_w,
            soc_percent=soc_percent,
            battery_v=rest_v + BATTERY_OHM * (pv_w + inverter_dc_w) / rest_v,
        )
