"""data.json keeps its contract and is the same for the same samples."""

from __future__ import annotations

import json
from importlib import resources

import jsonschema
import numpy as np
import pytest

from event_service.reports import document
from event_service.reports.model import Image

T = np.arange(-60, 663, 0.5)
SCHEMA = json.loads(resources.files("event_service.reports").joinpath("schema.json").read_text())


def load(seed=1):
    return np.interp(T, [0, 100, 300, 500, 600], [20, 20, 5200, 5200, 20]) + np.random.default_rng(seed).normal(
        0, 5, len(T)
    )


def sound(whole):
    """The document as a program reads it back, checked against the schema."""
    read = json.loads(document.encoded(whole))
    jsonschema.validate(read, SCHEMA)
    return read


def test_the_schema_is_one():
    jsonschema.Draft202012Validator.check_schema(SCHEMA)


def test_a_full_report(report, request_for, stored):
    raws = [*stored.victron(T, load()), stored.raw("victron_ac_out_apparent", T, load() * 1.1)]
    images = (Image(request_for("rig_01").start_ns, "rig_01", "a.jpg", None),)
    request = request_for("rig_01", "acuvim_11", "ghost", notes=[(9, "b"), (5, "a")], images=images)
    found = sound(report(request, {"rig_01": raws, "acuvim_11": [stored.raw("acuvim_P", T, load())]})[0])
    assert found["event"]["event_id"] == "load_test"
    assert [system["device"] for system in found["systems"]] == ["victron", "acuvim", "unknown"]
    assert [note["text"] for note in found["notes"]] == ["a", "b"]
    assert found["systems"][0]["start_ns"] == request.start_ns


@pytest.mark.parametrize("seconds", [600, 0], ids=["ten minutes", "no length"])
@pytest.mark.parametrize(
    "t", [T[:0], np.array([3.0]), np.array([0.0, 300.0]), T[T < 100]], ids=["none", "one", "gap", "stops"]
)
def test_a_report_of_little_keeps_the_contract(report, request_for, stored, t, seconds):
    sound(report(request_for("rig_01", seconds=seconds), {"rig_01": stored.victron(t, 1000)})[0])


def test_the_schema_refuses_what_is_not_in_the_contract(report, request_for):
    whole, _ = report(request_for("rig_01"), {})
    for broken in ({"schema": "ovr.report/2"}, {"digest": "none"}, {"systems": []}, {"extra": 1}):
        with pytest.raises(jsonschema.ValidationError):
            sound(whole | broken)


def test_the_same_samples_give_the_same_bytes_in_any_order(report, request_for, stored):
    raws = stored.victron(T, load())
    order = np.random.default_rng(3).permutation(len(T))
    shuffled = [
        stored.raw(raw.name, T[order], raw.values[order], **{k: v for k, v in raw.labels.items() if k != "__name__"})
        for raw in reversed(raws)
    ]
    one, other = report(request_for("rig_01"), {"rig_01": raws}), report(request_for("rig_01"), {"rig_01": shuffled})
    assert document.encoded(one[0]) == document.encoded(other[0])
    assert one[1] == other[1]


def test_another_value_gives_another_digest(report, request_for, stored):
    watts = load()
    one, _ = report(request_for("rig_01"), {"rig_01": stored.victron(T, watts)})
    watts[700] += 0.001
    other, _ = report(request_for("rig_01"), {"rig_01": stored.victron(T, watts)})
    assert one["digest"] != other["digest"]


def test_samples_that_come_long_after_the_end_change_nothing(report, request_for, stored):
    watts, more = load(), np.arange(663, 700, 0.5)
    later = stored.victron(np.append(T, more), np.append(watts, np.full(len(more), 9999.0)))
    one, _ = report(request_for("rig_01"), {"rig_01": stored.victron(T, watts)})
    other, _ = report(request_for("rig_01"), {"rig_01": later})
    assert document.encoded(one) == document.encoded(other)


def test_the_summary_names_the_first_energy_of_each_system(report, request_for, stored):
    whole, _ = report(request_for("rig_01", "ghost"), {"rig_01": stored.victron(T, 3600)})
    rig, ghost = document.summary(whole)["systems"]
    assert (rig["key"], rig["import"], rig["unit"]) == ("victron_total_power", pytest.approx(600), "Wh")
    assert (ghost["system_id"], ghost["import"]) == ("ghost", None)
