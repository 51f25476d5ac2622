"""Which hosts a run asks, and what it keeps."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from ansible_collections.ovr.edge.plugins.module_utils.acuvim import samples, targets
from ansible_collections.ovr.edge.plugins.module_utils.acuvim.discover import discover
from ansible_collections.ovr.edge.plugins.module_utils.acuvim.settings import DEFAULTS, settings

from tests.unit.acuvim.endpoints import holding, serving
from tests.unit.acuvim.images import acuvim, kilo, load

TEMPLATE = Path(__file__).parents[3] / "roles" / "acuvim" / "templates" / "acuvim_modbus.tpl"


@pytest.fixture
def run(tmp_path):
    """run(lines, ...): one discovery with a registry of its own; `paths` are further options."""
    registry = tmp_path / "registry.json"

    def once(*lines: str, paths: dict | None = None, **modes: bool) -> dict:
        options = {**DEFAULTS, "registry": str(registry), **(paths or {})}
        return discover(settings(targets.parse(lines, "targets"), options, (), (), **modes)).as_dict()

    once.registry = registry
    return once


def test_a_meter_seen_again_changes_nothing_but_its_time(run):
    with serving(holding(acuvim(load()).words)) as (ip, port):
        run(f"{ip} port={port}")
        stored = json.loads(run.registry.read_text())
        stored["meters"]["AH24000011"]["last_seen"] = "2026-01-01T00:00:00+00:00"
        run.registry.write_text(json.dumps(stored))
        again = run(f"{ip} port={port}")

    assert not again["changed"]
    assert json.loads(run.registry.read_text())["meters"]["AH24000011"]["last_seen"] > "2026-01-01T00:00:00+00:00"


@pytest.mark.parametrize("arrives", [True, False], ids=["its samples arrive", "they do not"])
def test_a_silent_meter_is_missing_unless_its_samples_arrive(run, monkeypatch, arrives):
    monkeypatch.setattr(samples, "wait_for_samples", lambda _url, systems, *_: [] if arrives else list(systems))
    with serving(holding(acuvim(load()).words)) as (ip, port):
        run(f"{ip} port={port}")
    told = run(f"{ip} port={port}", paths={"verify_url": "http://127.0.0.1:1"})

    (kept,) = told["meters"]
    assert (bool(kept["missing_since"]), len(told["problems"])) == ((False, 0) if arrives else (True, 1))
    assert (kept["state"], told["changed"]) == ("active", False)


def test_check_mode_writes_nothing(run):
    with serving(holding(acuvim(load()).words)) as (ip, port):
        told = run(f"{ip} port={port}", check_mode=True)

    assert told["changed"]
    assert list(run.registry.parent.iterdir()) == []


def test_unsettled_means_only_where_something_is_open(run):
    quiet, loaded = {}, {}
    with serving(holding(quiet)) as (ip, port), serving(holding(loaded), "127.10.4.12") as (other_ip, other_port):
        lines = (f"{ip} port={port}", f"{other_ip} port={other_port}")
        quiet.update(acuvim(load(amperes=0), serial="A").words)
        loaded.update(acuvim(load(), serial="B").words)
        run(*lines)
        quiet.update(acuvim(kilo(load()), serial="A").words)
        told = run(*lines, unsettled_only=True)
        nothing_open = run(*lines, unsettled_only=True)

    assert [(finding["serial"], finding["power_scale"]) for finding in told["findings"]] == [("A", 1000.0)]
    assert [meter["power_scale"] for meter in told["meters"]] == [1000.0, 1.0]
    assert (told["problems"], nothing_open["scan"]["addresses"], nothing_open["changed"]) == ([], 0, False)


def test_how_far_a_scan_was_is_noted_in_its_lock(run):
    with serving(holding(acuvim(load()).words)) as (_, port):
        run(f"127.10.4.0/27 port={port}")

    noted = run.registry.with_name("registry.json.lock").read_text()
    assert noted.endswith(", 30 of 30 addresses asked\n")


def test_a_network_is_reported_without_its_silence(run):
    with serving(holding(acuvim(load()).words)) as (ip, port):
        told = run(f"127.10.4.0/27 port={port}")

    assert told["scan"]["addresses"] == 30
    assert told["scan"]["answered"] == 1
    assert [finding["ip"] for finding in told["findings"]] == [ip]


def test_a_run_that_was_killed_before_it_saved_is_taken_up_again(run, tmp_path):
    paths = {name: str(tmp_path / name) for name in ("telegraf_dir", "staging")} | {"template": str(TEMPLATE)}
    for folder in (tmp_path / "telegraf_dir", tmp_path / "staging"):
        folder.mkdir()
    with serving(holding(acuvim(load()).words)) as (ip, port):
        first = run(f"{ip} port={port}", paths=paths)
        run.registry.unlink()
        again = run(f"{ip} port={port}", paths=paths)

    assert first["files"]["added"] == ["acuvim_11.conf"]
    assert again["changed"]
    assert not any(again["files"].values())
    assert [meter["logger"] for meter in again["meters"]] == [1]
