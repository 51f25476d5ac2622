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
    """An engine that has read a service with a mapped path P, a polled one and one that no row means."""
    rows = [f"com.victronenergy.vebus.* /{path} {path.lower()} - - - -" for path in ("P", "S")]
    exporter = dbus2prom.Exporter([view(*rows)], at(0))
    exporter.cache = bus({"vebus.ttyS4": {"/P": 1, "/S": 1, "/Other": 1}})
    return dbus2prom.Engine(None, None, exporter)


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
    assert engine._wanted(vebus(engine))[1] == {"/P", "/S"}


def test_what_is_polled_for_its_silence_is_bounded(engine):
    vebus(engine).unsignalled.update(f"/{number}" for number in range(dbus2prom.UNSIGNALLED))
    engine._on_read(vebus(engine), {"/P": 2}, at(10))
    assert note_drift(engine, at(13)) == 1
    assert "/P" not in vebus(engine).unsignalled
