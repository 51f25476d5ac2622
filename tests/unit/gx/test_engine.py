"""The engine's judgement of what changes without a signal, without a bus."""

from __future__ import annotations

import pytest

from tests.unit.gx.exporter import at, bus, dbus2prom, service, view


class Signal:
    """An ItemsChanged from the one service that is there."""

    def __init__(self, **values):
        self.items = {f"/{path}": {"Value": value} for path, value in values.items()}

    def get_sender(self):
        return ":1.0"

    def get_path(self):
        return "/"

    def get_args_list(self):
        return [self.items]


@pytest.fixture
def engine():
    """An engine that has read a service with a mapped path P, polled ones of both maps and one that no row means."""
    fast = [f"com.victronenergy.vebus.* /{path} {path.lower()} - - - -" for path in ("P", "S", "L2/S")]
    slow = view("com.victronenergy.vebus.* /Setpoint setpoint - - - - gauge - - poll", name="slow")
    exporter = dbus2prom.Exporter([view(*fast), slow], at(0))
    exporter.cache = bus({"vebus.ttyS4": {"/P": 1, "/S": 1, "/L2/S": None, "/Setpoint": 7, "/Other": 1}})
    made = dbus2prom.Engine(None, None, exporter)
    made.ticks = 1
    return made


def vebus(engine):
    return service(engine.cache, "vebus.ttyS4")


def note_drift(engine, now):
    engine._note_drift(vebus(engine), now)
    return engine.stats.drift


def test_a_value_read_before_its_signal_is_no_drift(engine):
    engine._on_read(vebus(engine), {"/P": 2}, at(10))
    engine._on_signal("ItemsChanged", Signal(P=2), at(11))
    assert note_drift(engine, at(20)) == 0


def test_a_value_whose_signal_never_comes_is_drift_and_polled(engine):
    engine._on_read(vebus(engine), {"/P": 2, "/S": 2, "/Other": 2}, at(10))
    assert note_drift(engine, at(11)) == 0, "the signal may still come"
    assert note_drift(engine, at(13)) == 1, "S is polled anyway, and the other path concerns nobody"
    assert engine._due(vebus(engine)) == {"/P", "/S"}


def test_what_is_polled_for_its_silence_is_bounded(engine):
    vebus(engine).unsignalled.update(f"/{number}" for number in range(dbus2prom.UNSIGNALLED))
    engine._on_read(vebus(engine), {"/P": 2}, at(10))
    assert note_drift(engine, at(13)) == 1
    assert "/P" not in vebus(engine).unsignalled


@pytest.mark.parametrize(
    ("tick", "degraded", "expected"),
    [
        pytest.param(1, False, {"/S"}, id="what has a value on the first port"),
        pytest.param(1, True, set(), id="loaded"),
        pytest.param(5, False, {"/S", "/L2/S", "/Setpoint"}, id="now and then everything"),
        pytest.param(5, True, {"/S", "/L2/S", "/Setpoint"}, id="loaded, now and then"),
    ],
)
def test_what_is_asked_for_in_a_tick(engine, tick, degraded, expected):
    engine.ticks, engine.stats.degraded = tick, degraded
    assert engine._due(vebus(engine)) == expected
