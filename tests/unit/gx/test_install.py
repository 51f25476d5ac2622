"""What is done on a GX: decided from its state alone, and the same for check mode and the real run."""

from __future__ import annotations

import io
import subprocess
import tarfile

import pytest
from ansible_collections.ovr.edge.plugins.module_utils import gx_install
from ansible_collections.ovr.edge.plugins.module_utils.gx_install import State

FILES = {"dbus2prom.py": b"#!/usr/bin/env python3\n", "map_fast.tsv": b"a\tb\n", "service/run": b"#!/bin/sh\n"}
DIGEST = gx_install.digest(FILES)
RUNNING = State(release=DIGEST, rc_local=True, service=True, present=True, python=True, data=True)


@pytest.mark.parametrize(
    ("state", "wanted", "steps"),
    [
        pytest.param(State(), "present", ("install", "arm"), id="a new GX"),
        pytest.param(RUNNING, "present", (), id="nothing to do"),
        pytest.param(State(release="other", rc_local=True, service=True), "present", ("install", "arm"), id="update"),
        pytest.param(State(release=DIGEST, service=True), "present", ("arm",), id="boot line lost"),
        pytest.param(State(release=DIGEST, rc_local=True), "present", ("arm",), id="service lost"),
        pytest.param(RUNNING, "absent", ("remove",), id="remove"),
        pytest.param(State(), "absent", (), id="nothing to remove"),
        pytest.param(State(rc_local=True), "absent", ("remove",), id="only the boot line is left"),
    ],
)
def test_steps(state, wanted, steps):
    assert gx_install.plan(state, DIGEST, wanted).steps == steps


def test_an_edited_map_is_named_and_stays_while_the_version_does():
    decided = gx_install.plan(State(**{**RUNNING.__dict__, "edited": ("map_fast.tsv",)}), DIGEST, "present")

    assert decided.steps == ()
    assert "map_fast.tsv was edited" in decided.warnings[0]


def test_an_edited_map_is_kept_beside_a_new_version():
    edited = State(release="other", rc_local=True, service=True, edited=("map_slow.tsv",))

    decided = gx_install.plan(edited, DIGEST, "present")

    assert "map_slow.local.tsv" in decided.warnings[0]
    assert "cp current/map_slow.tsv map_slow.local.tsv" in gx_install.install_script(DIGEST, list(FILES))


def test_the_state_is_read_from_lines():
    output = "release=abc\nedited=map_fast.tsv\nedited=lib.sh\n" + "".join(
        f"{flag}=yes\n" for flag in ("rc_local", "service", "present", "python", "data")
    )

    assert gx_install.parse(output) == State("abc", ("lib.sh", "map_fast.tsv"), True, True, True, True, True)
    assert gx_install.parse("") == State()


def test_a_release_is_named_by_names_and_contents_alone():
    assert gx_install.digest(dict(reversed(FILES.items()))) == DIGEST
    assert gx_install.digest({**FILES, "map_fast.tsv": b"a\tc\n"}) != DIGEST


def test_the_archive_is_the_same_each_time_and_its_sums_are_those_of_sha256sum(tmp_path):
    content = gx_install.archive(FILES)
    assert gx_install.archive(FILES) == content
    with tarfile.open(fileobj=io.BytesIO(content)) as tar:
        tar.extractall(tmp_path, filter="data")

    checked = subprocess.run(["sha256sum", "-c", gx_install.SUMS], cwd=tmp_path, capture_output=True, check=False)

    assert checked.returncode == 0
    assert checked.stdout.count(b": OK") == len(FILES)
    assert (tmp_path / "service/run").stat().st_mode & 0o777 == 0o755
    assert (tmp_path / "map_fast.tsv").stat().st_mode & 0o777 == 0o644


@pytest.mark.parametrize(
    "script",
    [
        pytest.param(gx_install.READ_STATE, id="read state"),
        pytest.param(gx_install.install_script(DIGEST, list(FILES)), id="install"),
        pytest.param(gx_install.arm_script(), id="arm"),
        pytest.param(gx_install.remove_script(), id="remove"),
    ],
)
def test_what_is_sent_is_posix_shell(script):
    checked = subprocess.run(["sh", "-n"], input=script.encode(), capture_output=True, check=False)

    assert checked.returncode == 0, checked.stderr.decode()
