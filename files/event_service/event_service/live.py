"""What the systems show now, from VictoriaMetrics, each value with its time."""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Iterable
from dataclasses import dataclass, field

from event_service.victoria import Victoria, VictoriaAway, VictoriaRefuses

# series → what the API calls it
GX = {
    "victron_battery_soc": "soc",
    "victron_dc_voltage": "voltage",
    "victron_ac_in_power": "pin",
    "victron_ac_out_power": "pout",
    "victron_mode_mode": "mode",
}
ACUVIM = {"acuvim_Vln": "vln", "acuvim_I": "i_avg", "acuvim_P": "p_total"}
KINDS = {"gx": GX, "acuvim": ACUVIM}

LOOK_BACK = "15m"
STALE_MS = 60_000
FRESH_S = 1.0


@dataclass(frozen=True)
class Reading:
    value: float
    ts_ms: int


@dataclass(frozen=True)
class System:
    """A system's last readings by the API's word; what was not measured is not there."""

    system_id: str
    kind: str
    readings: dict[str, Reading]

    @property
    def ts_ms(self) -> int:
        """The time of its power, which is what people look at, else of its newest reading."""
        power = self.readings.get("pout") or self.readings.get("p_total")
        return power.ts_ms if power else max(reading.ts_ms for reading in self.readings.values())

    def stale(self, now_ms: int) -> bool:
        return now_ms - self.ts_ms > STALE_MS


@dataclass(frozen=True)
class Picture:
    """All systems at one look; `problem` says why it is old, if it is."""

    systems: tuple[System, ...] = ()
    looked_ns: int | None = None
    problem: str | None = None


@dataclass
class Live:
    """The last picture, renewed at most once a second and by one caller at a time.

    A VictoriaMetrics that hangs holds up one request, not all of them: the others get the last picture.
    """

    victoria: Victoria
    _picture: Picture = field(default_factory=Picture)
    _renewed: float = float("-inf")
    _renewing: threading.Lock = field(default_factory=threading.Lock)

    def picture(self) -> Picture:
        if time.monotonic() - self._renewed > FRESH_S and self._renewing.acquire(blocking=False):
            try:
                self._picture = self._look()
            finally:
                self._renewed = time.monotonic()
                self._renewing.release()
        return self._picture

    def _look(self) -> Picture:
        names = "|".join([*GX, *ACUVIM])
        series = f'{{__name__=~"{names}",system_id!=""}}[{LOOK_BACK}]'
        try:
            values = self.victoria.query(f"last_over_time({series}) keep_metric_names")
            times = self.victoria.query(f"tlast_over_time({series}) keep_metric_names")
        except (VictoriaAway, VictoriaRefuses) as error:
            return Picture(self._picture.systems, self._picture.looked_ns, str(error))
        return Picture(tuple(systems(values, times)), time.time_ns())


def systems(values: Iterable[dict], times: Iterable[dict]) -> list[System]:
    """Systems from the results of two instant queries: the last values, and when [s] they were."""
    at_s = {_key(row["metric"]): float(row["value"][1]) for row in times}
    newest: dict[tuple[str, str], Reading] = {}
    for row in values:
        key = row["metric"]["system_id"], row["metric"]["__name__"]
        reading = Reading(float(row["value"][1]), round(at_s.get(_key(row["metric"]), 0.0) * 1000))
        # The same name may come from the fast and the slow exporter: the newer one counts.
        if math.isfinite(reading.value) and (key not in newest or newest[key].ts_ms < reading.ts_ms):
            newest[key] = reading
    found = []
    for system_id in sorted({system_id for system_id, _ in newest}):
        for kind, names in KINDS.items():
            readings = {word: newest[system_id, name] for name, word in names.items() if (system_id, name) in newest}
            if readings:
                found.append(System(system_id, kind, readings))
    return found


def _key(labels: dict[str, str]) -> tuple:
    return tuple(sorted(labels.items()))
