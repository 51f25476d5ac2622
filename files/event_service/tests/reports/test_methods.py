"""Every method that the samples allow, in its own unit, and which of them agree."""

from __future__ import annotations

import numpy as np
import pytest

T = np.arange(-60, 663, 0.5)


def entries(whole, system=0):
    return {entry["key"]: entry for entry in whole["systems"][system]["energy"]}


def test_total_and_phases_of_one_load_agree(report, request_for, stored):
    whole, _ = report(request_for("rig_01"), {"rig_01": stored.victron(T, 3600)})
    found = entries(whole)
    assert found["victron_total_power"]["import"] == pytest.approx(600)
    assert found["victron_phase_sum"]["import"] == pytest.approx(600)
    assert found["victron_total_power"]["agrees_with"] == ["victron_phase_sum"]
    assert found["victron_phase_sum"]["agrees_with"] == ["victron_total_power"]


def test_a_missing_phase_is_a_disagreement_that_is_told(report, request_for, stored):
    raws = [raw for raw in stored.victron(T, 3600) if raw.name != "victron_ac_out_l2_p"]
    whole, page = report(request_for("rig_01"), {"rig_01": [*raws, stored.raw("victron_ac_out_l2_p", T, 5)]})
    found = entries(whole)
    assert found["victron_total_power"]["differs_from"] == ["victron_phase_sum"]
    assert any("should agree do not" in finding for finding in whole["systems"][0]["findings"])
    assert "differs from" in page


def test_methods_that_missed_different_parts_are_not_compared(report, request_for, stored):
    total = stored.victron(T, 3600)[0]
    late = T[T > 300]
    whole, _ = report(request_for("rig_01"), {"rig_01": [total, *stored.victron(late, 3600)[1:]]})
    found = entries(whole)["victron_total_power"]
    assert (found["agrees_with"], found["differs_from"]) == ([], [])


def test_apparent_energy_is_in_vah_and_compared_with_no_wh(report, request_for, stored):
    raws = [*stored.victron(T, 3600), stored.raw("victron_ac_out_apparent", T, 4500)]
    whole, _ = report(request_for("rig_01"), {"rig_01": raws})
    found = entries(whole)["victron_apparent_power"]
    assert (found["unit"], found["import"]) == ("VAh", pytest.approx(750))
    assert (found["agrees_with"], found["differs_from"]) == ([], [])


def test_power_that_is_apparent_gives_vah(report, request_for, stored):
    raws = [*stored.victron(T, 3600), stored.raw("victron_ac_power_measurement_type", stored.every(5), 0)]
    whole, _ = report(request_for("rig_01"), {"rig_01": raws})
    assert {entry["unit"] for entry in whole["systems"][0]["energy"]} == {"VAh"}


def test_import_and_export_are_kept_apart(report, request_for, stored):
    watts = np.where(T < 300, 3600.0, -1800.0)
    whole, _ = report(request_for("rig_01"), {"rig_01": stored.victron(T, watts)})
    found = entries(whole)["victron_total_power"]
    assert found["import"] == pytest.approx(300, rel=0.01)
    assert found["export"] == pytest.approx(150, rel=0.01)
    assert found["export_interval"][0] < 150 < found["export_interval"][1]
    assert found["interval"][0] < 300 < found["interval"][1]


def test_the_class_of_the_device_is_a_term_of_its_own(report, request_for, stored):
    whole, _ = report(request_for("acuvim_11"), {"acuvim_11": [stored.raw("acuvim_P", T, 3600)]})
    found = entries(whole)["acuvim_real_power"]
    assert found["device_class"]["half"] == pytest.approx(600 * found["device_class"]["percent"] / 100)
    assert "assumed" in found["device_class"]["source"]
    assert found["interval"][1] - found["import"] == pytest.approx(found["uncertainty"]["half"], abs=1e-3)


def test_phases_that_balance_each_other_leave_a_sum_without_import(report, request_for, stored):
    raws = [stored.raw("victron_ac_out_l1_p", T, 1000), stored.raw("victron_ac_out_l2_p", T, -1000)]
    whole, _ = report(request_for("rig_01"), {"rig_01": raws})
    found = entries(whole)["victron_phase_sum"]
    assert (found["import"], found["export"]) == (0, 0)


def test_the_energy_of_what_was_trimmed_shows_as_a_difference(report, request_for, stored):
    watts = np.where((T > 120) & (T < 480), 3600.0, 36.0)
    whole, _ = report(request_for("rig_01"), {"rig_01": stored.victron(T, watts)})
    found = entries(whole)["victron_total_power"]
    assert found["import"] - found["active"]["import"] == pytest.approx(36 * 240 / 3600, rel=0.02)
    assert whole["systems"][0]["trim"]["cut_s"] == pytest.approx(240, abs=1)
