"""What has to change on a GX: the plan, from what is there and what is wanted."""

from __future__ import annotations

from dataclasses import replace

import pytest
from ansible_collections.ovr.edge.plugins.module_utils import gx_device, gx_install
from ansible_collections.ovr.edge.plugins.module_utils.gx_install import HOME, RC_LINE, RC_LOCAL, Entry, Plan, State

ROW = "com.victronenergy.vebus.*\t/Ac/Out/P\tvictron_ac_out_power\tac_out\tpower\t-\t-"
OTHER_ROW = ROW.replace("/P", "/S").replace("power", "apparent")
TEXTS = {
    "dbus2prom.py": "#!/usr/bin/env python3\n",
    "arm.sh": "#!/bin/sh\n",
    "service/run": "#!/bin/sh\n",
    "map_fast.tsv": f"# fast\n{ROW}\n",
    "map_slow.tsv": "# slow\n",
}
FILES = gx_install.release(TEXTS, 9480, 9481, "0.0.0.0")
DIGEST = gx_install.digest(FILES)
NEWER = gx_install.release({**TEXTS, "arm.sh": "#!/bin/sh\n# newer\n"}, 9480, 9481, "0.0.0.0")
NEWER_DIGEST = gx_install.digest(NEWER)
ARMED = {gx_install.SERVICE: Entry(target="/data/dbus2prom/service")}


def carried_out(state: State, plan: Plan) -> State:
    """The state after a plan, as the script on the GX makes it."""
    tree = {**state.tree, **plan.send, **ARMED}
    gone = tuple(path + "/" for path in plan.remove)
    return State({path: entry for path, entry in tree.items() if not (path + "/").startswith(gone or ("\0",))})


def installed(*releases) -> State:
    state = State({})
    for files in releases:
        state = carried_out(state, gx_install.plan_present(state, files, ""))
    return state


def edited(state: State, **texts: str) -> State:
    files = {f"{HOME}/{name.replace('__', '.')}": Entry(text.encode()) for name, text in texts.items()}
    return State({**state.tree, **files})


def test_a_bare_gx_gets_everything():
    plan = gx_install.plan_present(State({}), FILES, "")
    assert plan.changes == (f"install release {DIGEST}", f"arm /{RC_LOCAL}", "start the exporters")
    assert plan.send[f"{HOME}/current"] == Entry(target=f"releases/{DIGEST}")
    assert plan.send[f"{HOME}/arm.sh"] == Entry(target="current/arm.sh")
    assert plan.send[f"{HOME}/service/run"] == Entry(target="../current/service/run")
    assert plan.send[f"{HOME}/map_fast.tsv"] == FILES["map_fast.tsv"], "maps are copies, to be edited"
    assert plan.send[f"{HOME}/releases/{DIGEST}/arm.sh"].executable
    assert plan.send[RC_LOCAL].text == f"#!/bin/sh\n{RC_LINE}\n"
    assert b"FAST_PORT=9480\n" in plan.send[f"{HOME}/releases/{DIGEST}/settings.sh"].content


def test_the_second_run_changes_nothing():
    plan = gx_install.plan_present(installed(FILES), FILES, DIGEST)
    assert plan == Plan()


@pytest.mark.parametrize(
    ("lost", "running", "sentence"),
    [
        pytest.param([], "", "start the exporters, which do not answer as this release", id="it does not answer"),
        pytest.param(
            [], NEWER_DIGEST, "start the exporters, which do not answer as this release", id="another answers"
        ),
        pytest.param(
            [gx_install.SERVICE], DIGEST, "arm the service, which is not in /service", id="the firmware is new"
        ),
        pytest.param([RC_LOCAL], DIGEST, f"arm /{RC_LOCAL}", id="rc.local was removed"),
        pytest.param([f"{HOME}/watchdog/run", f"{HOME}/arm.sh"], DIGEST, "repair the links", id="a link is lost"),
        pytest.param([f"{HOME}/releases/{DIGEST}/arm.sh"], DIGEST, f"repair release {DIGEST}", id="a file is lost"),
    ],
)
def test_what_is_lost_is_brought_back(lost, running, sentence):
    whole = installed(FILES)
    state = State({path: entry for path, entry in whole.tree.items() if path not in lost})
    plan = gx_install.plan_present(state, FILES, running)
    assert plan.changes[0].startswith(sentence)
    assert carried_out(state, plan).tree == whole.tree


def test_an_rc_local_that_may_not_run_is_armed():
    whole = installed(FILES)
    state = State({**whole.tree, RC_LOCAL: replace(whole.tree[RC_LOCAL], executable=False)})
    assert f"arm /{RC_LOCAL}" in gx_install.plan_present(state, FILES, DIGEST).changes


def test_a_new_version_keeps_the_one_before_and_no_more():
    newest = gx_install.release({**TEXTS, "arm.sh": "#!/bin/sh\n# newest\n"}, 9480, 9481, "0.0.0.0")
    state = installed(FILES, NEWER, newest)
    assert state.link("current") == gx_install.digest(newest)
    assert state.link("previous") == NEWER_DIGEST
    assert state.releases == {gx_install.digest(newest), NEWER_DIGEST}


def test_switching_back_sends_no_file():
    state = installed(FILES, NEWER)
    plan = gx_install.plan_present(state, state.release(state.link("previous")), NEWER_DIGEST)
    assert plan.changes == (f"install release {DIGEST} in place of {NEWER_DIGEST}", "restart the exporters")
    assert set(plan.send) == {f"{HOME}/current", f"{HOME}/previous"}
    assert carried_out(state, plan).link("previous") == NEWER_DIGEST


def test_a_file_that_a_version_no_longer_has_leaves_no_link():
    fewer = {name: entry for name, entry in FILES.items() if name != "service/run"}
    state = installed(FILES)
    assert f"{HOME}/service/run" in gx_install.plan_present(state, fewer, DIGEST).remove


def test_other_ports_are_another_version():
    moved = gx_install.release(TEXTS, 19480, 9481, "0.0.0.0")
    assert gx_install.digest(moved) != DIGEST


def test_rows_that_were_edited_on_the_gx_are_kept_and_the_map_is_restored():
    state = edited(installed(FILES), map_fast__tsv=f"# mine\n{OTHER_ROW}\n")
    plan = gx_install.plan_present(state, FILES, DIGEST)
    after = carried_out(state, plan)
    assert after.home("map_fast.tsv") == FILES["map_fast.tsv"]
    assert after.home("map_fast.local.tsv").text.splitlines()[1:] == [OTHER_ROW]
    assert plan.changes == (
        f"keep /{HOME}/map_fast.local.tsv",
        "repair the links and maps beside the release",
        "restart the exporters",
    )
    assert [warning.split(" ", 1)[1] for warning in plan.warnings] == [
        "was edited on the GX: 1 rows are kept in map_fast.local.tsv and win",
        f"lacked 1 rows on the GX, which are served again: {ROW}",
    ]
    assert gx_install.plan_present(after, FILES, DIGEST) == Plan()


def test_a_second_edit_joins_the_first():
    third = ROW.replace("/P", "/Q").replace("power", "reactive")
    state = edited(installed(FILES), map_fast__tsv=f"{ROW}\n{third}\n", map_fast__local__tsv=f"# Mine\n{OTHER_ROW}\n")
    after = carried_out(state, gx_install.plan_present(state, FILES, DIGEST))
    assert after.home("map_fast.local.tsv").text == f"# Mine\n{OTHER_ROW}\n{third}\n"


def test_a_map_of_the_version_before_is_no_edit():
    state = installed(FILES, gx_install.release({**TEXTS, "map_fast.tsv": OTHER_ROW}, 9480, 9481, "0.0.0.0"))
    interrupted = edited(state, map_fast__tsv=TEXTS["map_fast.tsv"])
    plan = gx_install.plan_present(interrupted, state.release(state.link("current")), "")
    assert plan.warnings == ()
    assert plan.changes[0] == "repair the links and maps beside the release"


def test_another_installation_is_kept_aside():
    state = State({f"{HOME}/map_fast.tsv": Entry(b"theirs"), f"{HOME}/dbus2prom.py": Entry(b"theirs too")})
    plan = gx_install.plan_present(state, FILES, "")
    after = carried_out(state, plan)
    assert after.home("before/map_fast.tsv") == Entry(b"theirs")
    assert after.home("before/dbus2prom.py") == Entry(b"theirs too")
    assert after.home("dbus2prom.py") == Entry(target="current/dbus2prom.py")
    assert len(plan.warnings) == 2


@pytest.mark.parametrize(
    ("before", "after"),
    [
        pytest.param("", f"#!/bin/sh\n{RC_LINE}\n", id="none"),
        pytest.param("#!/bin/sh\nexit 0\n", f"#!/bin/sh\n{RC_LINE}\nexit 0\n", id="before an exit"),
        pytest.param("#!/bin/bash\n# theirs\n", f"#!/bin/bash\n{RC_LINE}\n# theirs\n", id="another shell"),
        pytest.param("theirs &\n", f"#!/bin/sh\n{RC_LINE}\ntheirs &\n", id="without a first line"),
        pytest.param(f"#!/bin/sh\na\n{RC_LINE}\n", f"#!/bin/sh\na\n{RC_LINE}\n", id="armed already"),
    ],
)
def test_rc_local(before, after):
    assert gx_install.armed(before) == after
    assert gx_install.armed(after) == after
    assert RC_LINE not in gx_install.disarmed(after)


def test_removal_leaves_what_is_not_ours():
    theirs = State({RC_LOCAL: Entry(b"#!/bin/sh\ntheirs &\n", executable=True)})
    state = carried_out(theirs, gx_install.plan_present(theirs, FILES, ""))
    plan = gx_install.plan_absent(state)
    assert plan.send == {RC_LOCAL: theirs.tree[RC_LOCAL]}
    assert plan.changes == (f"take the line out of /{RC_LOCAL}", f"stop the exporters and remove /{HOME}")
    assert gx_install.plan_absent(theirs) == Plan()


def test_removal_takes_an_rc_local_that_held_nothing_else():
    assert gx_install.plan_absent(installed(FILES)).remove == (RC_LOCAL,)


def test_the_diff_shows_a_new_version_against_the_one_that_runs():
    diff = gx_install.plan_present(installed(FILES), NEWER, DIGEST).diff
    shown = {part["after_header"]: (part["before"], part["after"]) for part in diff}
    assert shown[f"/{HOME}/arm.sh"] == ("#!/bin/sh\n", "#!/bin/sh\n# newer\n")
    assert shown[f"/{HOME}/current"] == (f"-> releases/{DIGEST}\n", f"-> releases/{NEWER_DIGEST}\n")
    assert f"/{HOME}/dbus2prom.py" not in shown


def test_a_tar_carries_files_links_and_modes_and_is_always_the_same():
    tree = {"a/run": Entry(b"#!/bin/sh\n", executable=True), "b": Entry(target="a/run"), "c": Entry(b"")}
    assert gx_install.unpack(gx_install.pack(tree)) == tree
    assert gx_install.pack(tree) == gx_install.pack(dict(reversed(tree.items())))


@pytest.mark.parametrize(
    ("facts", "sentence"),
    [
        pytest.param({}, "/data cannot be written", id="no /data"),
        pytest.param({"data": "yes"}, "python3 has no dbus", id="no D-Bus"),
        pytest.param({"data": "yes", "python": "yes", "free_kb": "100"}, "only 100 kB free", id="full"),
        pytest.param({"data": "yes", "python": "yes", "free_kb": "100000"}, "", id="fine"),
    ],
)
def test_a_gx_on_which_it_cannot_run(facts, sentence):
    said = gx_device.unable(State({}, facts))
    assert sentence in said
    assert bool(said) == bool(sentence)


@pytest.mark.parametrize(
    ("code", "said", "sentence"),
    [
        pytest.param(
            255, "root@gx: Permission denied (publickey).", "ssh-ed25519 AAAA", id="the key, and where to put it"
        ),
        pytest.param(
            255, "@ WARNING: REMOTE HOST IDENTIFICATION HAS CHANGED! @", "another host key", id="another host"
        ),
        pytest.param(255, "ssh: connect to host gx port 22: Connection refused", "SSH on LAN", id="unreachable"),
        pytest.param(1, "tar: write error", "ended with 1: tar: write error", id="a failed step"),
    ],
)
def test_what_ssh_says_becomes_what_to_do(tmp_path, code, said, sentence):
    (tmp_path / "key.pub").write_text("ssh-ed25519 AAAA ovr\n")
    login = gx_device.Login("192.168.100.2", 22, "root", str(tmp_path / "key"), "known_hosts")
    assert sentence in gx_device.refusal(login, code, said)
