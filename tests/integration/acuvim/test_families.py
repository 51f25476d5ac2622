"""Meters of the other map families, and two units of power, published side by side by a real Telegraf."""

from __future__ import annotations

import contextlib
import time

import pytest

from tests.parts.process import free_port, wait_until
from tests.unit.acuvim import images
from tests.unit.acuvim.endpoints import holding, serving
from tests.unit.acuvim.images import LIVE, LIVE_3, LIVE_L, kilo, load

pytestmark = pytest.mark.real

# Under the same load; the last counts in kW.
METERS = {
    "127.10.8.1": (images.acuvim(load(), "AH24000001").words, LIVE),
    "127.10.8.2": (images.legacy_l(load()), LIVE_L),
    "127.10.8.3": (images.acuvim3(load()), LIVE_3),
    "127.10.8.4": (images.acuvim(kilo(load()), "AH24000004").words, LIVE),
}


def test_one_load_is_the_same_power_whatever_meter_shows_it(rig):
    port = free_port("127.10.8.1")
    rig.box.targets.write_text("".join(f"{ip} port={port} logger={n}\n" for n, ip in enumerate(METERS, 1)))
    with contextlib.ExitStack() as ends:
        for ip, (words, _) in METERS.items():
            ends.enter_context(serving(holding(words), ip, port=port))
        rig.box.discover()
        since = time.time()
        systems = [f"acuvim_1{number}" for number in range(1, len(METERS) + 1)]
        powers = {system: _first(rig, system, "acuvim_P", since) for system in systems}
        imported = _first(rig, "acuvim_12", "acuvim_Ep_imp", since)
        published = [set(rig.samples(f'{{system_id="{system}"}}', since)) for system in systems]

    assert powers == dict.fromkeys(systems, pytest.approx(load()["P"], rel=1e-6))
    assert imported == pytest.approx(123.4)
    for names, (_, places) in zip(published, METERS.values(), strict=True):
        assert {name for name in names if name.removeprefix("acuvim_") in LIVE} == {f"acuvim_{name}" for name in places}
        assert not any("unused" in name for name in names)


def _first(rig, system_id: str, name: str, since: float) -> float:
    return wait_until(lambda: rig.arrived(system_id, name, since), 90, f"{name} of {system_id}")[0]
