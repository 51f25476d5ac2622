"""Role and module against a GX-like root behind a real sshd, with the real daemontools, bus and exporter."""

from __future__ import annotations

import shutil
import signal
from pathlib import Path

import pytest

from tests.integration.gx.gx_root import GxRoot
from tests.parts import sshd
from tests.parts.process import wait_until
from tests.unit.ansible import play
from tests.unit.gx.exporter import FOLDER

pytestmark = pytest.mark.real

FILES = sorted(
    str(path.relative_to(FOLDER)) for path in FOLDER.rglob("*") if path.is_file() and "__pycache__" not in path.parts
)
TEXTS = {name: (FOLDER / name).read_text() for name in FILES if name != "settings.sh"}
VEBUS = {"/DeviceInstance": ["u", 276], "/State": ["y", 9], "/Ac/Out/P": ["i", 1200]}


def files_of(folder: Path) -> str:
    """The texts of the exporter's files, as a role gives them to the module; text with braces is no template."""
    paths = [str(folder / name) for name in TEXTS]
    return f"{{{{ dict({list(TEXTS)} | zip(query('ansible.builtin.file', *{paths}, rstrip=false))) }}}}"


SHIPPED = files_of(FOLDER)


class Site:
    """A box (this machine) and its GX; `allow` is what a person does at the GX."""

    def __init__(self, gx: GxRoot, server: sshd.Sshd, folder):
        self.gx, self.server, self.folder = gx, server, folder
        self.key = folder / "secrets" / "gx_ed25519"
        self.variables = {
            "gx_exporter_host": "127.0.0.1",
            "gx_exporter_ssh_port": server.port,
            "gx_exporter_user": server.user,
            "gx_exporter_key": str(self.key),
            "gx_exporter_known_hosts": str(folder / "gx_known_hosts"),
            "gx_exporter_ssh_config": str(folder / "ssh_config"),
            "gx_exporter_fast_port": gx.ports["fast"],
            "gx_exporter_slow_port": gx.ports["slow"],
            "gx_exporter_root": str(gx.path),
        }

    def role(self, entry: str = "main", check: bool = False, **variables) -> dict:
        """Run an entry of the role; the result of the module, or of what failed before it."""
        task = {"ansible.builtin.import_role": {"name": "ovr.edge.gx_exporter", "tasks_from": entry}}
        results = self._run(task, check, variables)
        found = [result for result in results if "changes" in result or result.get("failed")]
        return found[-1] if found else {"changed": any(result["changed"] for result in results), "results": results}

    def module(self, check: bool = False, **options) -> dict:
        """Run the module alone, which takes a third of the role's time."""
        names = {"host": "host", "ssh_port": "port", "user": "user", "key": "key", "known_hosts": "known_hosts"}
        names |= {"fast_port": "fast_port", "slow_port": "slow_port", "root": "root"}
        given = {option: self.variables[f"gx_exporter_{name}"] for name, option in names.items()}
        return self._run({"ovr.edge.gx_exporter": given | options}, check, {})[-1]

    def _run(self, task: dict, check: bool, variables: dict) -> list[dict]:
        self.folder.joinpath("play").mkdir(exist_ok=True)
        host = self.variables | variables
        return play.run(self.folder / "play", [task | {"check_mode": check, "diff": True}], {"box": host})["box"]

    def allow(self) -> None:
        self.server.allow(self.key.with_name("gx_ed25519.pub").read_text())

    def tree(self) -> dict[str, str]:
        """What lies on the GX, but for what its supervisor writes."""
        return {
            str(path.relative_to(self.gx.path)): str(path.readlink()) if path.is_symlink() else path.read_text()
            for path in (self.gx.path / "data").rglob("*")
            if "supervise" not in path.parts and (path.is_symlink() or path.is_file())
        }


@pytest.fixture
def site(bus, services, tmp_path):
    services.add("vebus.ttyS4", VEBUS)
    gx = GxRoot(tmp_path / "gx", bus)
    gx.start_svscan()
    with sshd.running(tmp_path / "sshd", gx.env) as server:
        yield Site(gx, server, tmp_path)
    gx.stop()


@pytest.fixture
def allowed(site):
    site.key.parent.mkdir()
    site.server.allow(sshd.make_key(site.key))
    return site


@pytest.fixture
def installed(allowed):
    done = allowed.module(files=SHIPPED)
    assert not done.get("failed"), done["msg"]
    return allowed


def test_check_mode_knows_the_first_run_and_the_second_changes_nothing(site):
    first_check = site.role(check=True)
    assert (first_check["changed"], first_check.get("failed")) == (True, None), first_check
    assert not site.key.exists()
    made = site.role("key")
    assert made["changed"]
    assert not site.role("key")["changed"]
    assert site.key.stat().st_mode & 0o777 == 0o600
    site.allow()

    predicted = site.role(check=True)
    assert site.tree() == {}, "nothing is written in check mode"
    assert not (site.folder / "gx_known_hosts").exists()
    done = site.role()
    assert done["changes"] == predicted["changes"]
    assert done["diff"] == predicted["diff"]
    assert done["series"] == {"fast": 2, "slow": 2}, done
    assert site.gx.healthy("fast", "slow")

    after = site.tree()
    release = f"data/dbus2prom/releases/{done['release']}"
    shipped = {name: after[f"{release}/{name}"] for name in FILES if name != "settings.sh"}
    assert shipped == TEXTS, "every file that ships, whole"
    assert "127.0.0.1" in (site.folder / "gx_known_hosts").read_text()
    again = site.role()
    assert (again["changed"], again["changes"], again["diff"]) == (False, [], [])
    assert not site.role(check=True)["changed"]


def test_a_gx_that_does_not_know_the_key_is_told_which_and_where(site):
    done = site.role()
    assert done["failed"]
    assert site.key.with_name("gx_ed25519.pub").read_text().strip() in done["msg"]
    assert "SSH on LAN" in done["msg"]
    assert "/data/home/root/.ssh/authorized_keys" in done["msg"]
    assert site.tree() == {}


def test_another_machine_at_the_address_gets_nothing(installed):
    installed.server.new_host_key()
    installed.server.signal(signal.SIGHUP)
    refused = wait_until(lambda: installed.module(files=SHIPPED).get("msg"), 60, "the new host key is refused")
    assert "another host key" in refused


def test_a_map_edited_on_the_gx_is_served_and_kept(installed):
    file = installed.gx.home / "map_fast.tsv"
    row = "com.victronenergy.vebus.*\t/Ac/Out/P\tvictron_my_power\tac_out\tpower\t-\t-"
    file.write_text(TEXTS["map_fast.tsv"] + row + "\n")
    assert installed.gx.script("run_exporters.sh").returncode == 0, "the edit takes effect at a restart"
    done = installed.module(files=SHIPPED)
    assert done["changes"][0] == "keep /data/dbus2prom/map_fast.local.tsv"
    assert any("1 rows are kept in map_fast.local.tsv" in warning for warning in done["warnings"])
    assert done["series"]["fast"] == 3, "it is still served, beside the two of the map"
    assert file.read_text() == TEXTS["map_fast.tsv"]
    assert not installed.module(files=SHIPPED)["changed"]


def test_another_version_and_back(installed):
    before = installed.module(files=SHIPPED)["release"]
    (first,) = installed.gx.exporters()
    newer = installed.module(files=SHIPPED, listen="127.0.0.1")
    assert (newer["changed"], newer["before"]) == (True, before)
    assert installed.gx.exporters() != [first]
    back = installed.role("rollback")
    assert (back["changed"], back["release"]) == (True, before)
    assert not installed.module(files=SHIPPED)["changed"], "what runs again is what was asked for at first"


def test_a_version_that_does_not_answer_makes_way_for_the_one_before(installed):
    before = installed.module(files=SHIPPED)["release"]
    broken = shutil.copytree(FOLDER, installed.folder / "broken")
    (broken / "dbus2prom.py").write_text("#!/usr/bin/env python3\nraise SystemExit('broken')\n")
    done = installed.module(files=files_of(broken), verify_seconds=5)
    assert done["failed"]
    assert f"The version before, {before}, runs again" in done["msg"]
    assert installed.gx.healthy("fast", "slow")
    assert not installed.module(files=SHIPPED)["changed"]


def test_what_a_reboot_or_a_new_firmware_wiped_is_brought_back(installed):
    for service in (installed.gx.path / "service").iterdir():
        service.unlink()
    done = installed.module(files=SHIPPED)
    assert done["changes"] == ["arm the service, which is not in /service"]
    assert not installed.module(files=SHIPPED)["changed"]


def test_nothing_is_left_of_it(installed):
    theirs = installed.gx.path / "data" / "rc.local"
    theirs.write_text(theirs.read_text() + "theirs &\n")
    assert installed.module(check=True, state="absent")["changed"]
    assert installed.gx.healthy("fast", "slow")
    assert installed.role("remove")["changed"]
    wait_until(lambda: not installed.gx.exporters(), 10, "nothing runs")
    assert installed.tree() == {"data/rc.local": "#!/bin/sh\ntheirs &\n"}
    assert list((installed.gx.path / "service").iterdir()) == []
    assert not installed.gx.crontab.exists()
    assert not installed.module(state="absent")["changed"]


def test_ports_that_clash_are_refused_before_anything_happens(site):
    port = site.gx.ports["fast"]
    done = site.role(gx_exporter_slow_port=port)
    assert done["failed"]
    assert f"are both {port}" in done["msg"]
    assert not site.key.exists()
