"""Write recordings of a big GX: the simulated rig and devices that it lacks, 14 services and about 1000 paths.

    python -m simulators.gx.fleet FOLDER

The same files every time. Between them the services use every type of the bus, and values that come and go.
"""

from __future__ import annotations

import random
import sys
from pathlib import Path

from simulators.gx.device import Item, Value, constant
from simulators.gx.recording import Recording, record, write
from simulators.gx.rig import Rig
from simulators.gx.services import devices
from simulators.scenario import Scenario

SECONDS = 95
SCENARIO = Path(__file__).parents[1] / "scenarios" / "ramps.json"

# Paths that move: type, first value, largest step. Once in a while a value is lost for a moment.
METER = {
    "/Ac/Power": ("d", -2300.0, 300.0),
    **{f"/Ac/L{n}/Power": ("d", -700.0 * n, 120.0) for n in (1, 2, 3)},
    **{f"/Ac/L{n}/Current": ("d", -3.1 * n, 0.6) for n in (1, 2, 3)},
    **{f"/Ac/L{n}/Voltage": ("d", 230.0 + n, 0.7) for n in (1, 2, 3)},
}
MPPT = {
    "/Pv/V": ("d", 88.0, 1.5),
    "/Pv/I": ("d", 2.8, 0.4),
    "/Dc/0/Voltage": ("d", 57.0, 0.2),
    "/Dc/0/Current": ("d", 4.3, 0.5),
    "/Yield/Power": ("d", 247.0, 30.0),
    "/Settings/ChargeCurrentLimit": ("q", 60, 1),
    "/MppOperationMode": ("y", 2, 1),
}
GENSET = {
    **METER,
    "/Engine/Speed": ("q", 1500, 12),
    "/Engine/CoolantTemperature": ("n", -4, 1),
    "/Engine/Load": ("y", 43, 3),
    "/Engine/OperatingHours": ("u", 4_001_000_000, 2),
    "/AutoStart": ("b", True, 1),
}
# Paths that stand still. A solar charger keeps a month of days.
TOTALS = ("Yield", "Consumption", "MaxPower", "MaxPvVoltage", "MaxBatteryVoltage", "MinBatteryVoltage")
TIMES = ("TimeInBulk", "TimeInAbsorption", "TimeInFloat", "LastError1", "LastError2", "MaxBatteryCurrent")
DAYS = {
    f"/History/Daily/{day}/{name}": ("d", round(day * 0.7 + place, 2), 0)
    for day in range(31)
    for place, name in enumerate(TOTALS + TIMES)
}
BLOBS = {f"/History/Daily/{day}/Raw": ("ay", [day, 0, 255], 0) for day in range(31)}
MORE = {
    "grid.cgwacs_ttyUSB0_di30_mb1": (30, METER),
    "pvinverter.cgwacs_ttyUSB0_di31_mb2": (31, METER),
    "genset.socketcan_can1_di0_uc1": (0, GENSET),
    "solarcharger.ttyO2": (258, {**MPPT, **DAYS, **BLOBS}),
    "acload.cgwacs_ttyUSB1_di32_mb1": (32, METER),
}


def fleet() -> list[Recording]:
    """The recordings, each of 95 s."""
    rig = Rig(Scenario.load(SCENARIO), "rig_01")
    return [record(device, SECONDS) for device in devices(rig)] + [
        _walk(f"com.victronenergy.{name}", instance, paths) for name, (instance, paths) in MORE.items()
    ]


def _walk(service: str, instance: int, paths: dict[str, tuple[str, Value, float]]) -> Recording:
    chance = random.Random(service)
    start = {path: constant(path, kind, value, "{} as text") for path, (kind, value, _) in paths.items()}
    identity = [constant("/DeviceInstance", "u", instance), constant("/ProductName", "s", "Gerät “4”")]
    changes = [
        (second, _moved(chance, path, *paths[path]))
        for second in range(1, SECONDS)
        for path in paths
        if paths[path][2] and chance.random() < 0.8
    ]
    return Recording(service, {**start, **{item.path: item for item in identity}}, changes)


def _moved(chance: random.Random, path: str, kind: str, value: Value, step: float) -> Item:
    if chance.random() < 0.02:
        return constant(path, kind, None)
    if kind == "b":
        return constant(path, kind, chance.random() < 0.5)
    if kind == "d":
        return constant(path, kind, value + step * chance.uniform(-1, 1), "{:.1f}")
    return constant(path, kind, value + chance.randint(-step, step), "{}")


def main() -> int:
    if len(sys.argv) != 2:
        print(__doc__, file=sys.stderr)
        return 2
    folder = Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    for recording in fleet():
        name = recording.service.removeprefix("com.victronenergy.")
        (folder / f"{name}.csv").write_text(write(recording), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
