#!/usr/bin/python
"""Put dbus2prom on a GX from the box beside it: the module, thin."""

from __future__ import annotations

DOCUMENTATION = r"""
---
module: gx_exporter
short_description: Put dbus2prom on a Victron GX and keep it running
description:
  - Runs on the box and reaches the GX by the box's own SSH key, because no Ansible module can run on a GX.
  - Reads the GX's state in one call, compares, sends one tar, switches a symlink, and reads the metrics back.
author: OVR Energy Systems
options:
  host:
    description: Address of the GX.
    type: str
    required: true
  user:
    description: User to log in as.
    type: str
    default: root
  key:
    description: Private key of the box; its public key stands beside it with C(.pub).
    type: path
    default: /etc/overdrive/secrets/gx_ed25519
  known_hosts:
    description: File that pins the GX's host key at the first login.
    type: path
    default: /etc/overdrive/gx_known_hosts
  source:
    description: Folder on the box with the exporter's files.
    type: path
    default: /opt/stack/lib/gx
  state:
    description: Whether the exporter is there.
    type: str
    choices: [present, absent]
    default: present
  fast_port:
    description: Port of the fast map.
    type: int
    default: 9480
  slow_port:
    description: Port of the slow map.
    type: int
    default: 9481
  listen:
    description: Address of the GX on which both ports listen.
    type: str
    default: 0.0.0.0
  verify_seconds:
    description: How long the metrics may take to answer after a change [s].
    type: int
    default: 60
attributes:
  check_mode:
    support: full
  diff_mode:
    support: full
    description: The release before and after, and each step.
"""

EXAMPLES = r"""
- name: Serve the GX's values
  ovr.edge.gx_exporter:
    host: 192.168.100.2
"""

RETURN = r"""
release:
  description: Digest of the wanted files; the folder below C(/data/dbus2prom/releases).
  returned: success
  type: str
before:
  description: Digest of the files that were switched on before; empty when there were none.
  returned: success
  type: str
steps:
  description: What was (or in check mode would be) done, of C(install), C(arm) and C(remove).
  returned: success
  type: list
  elements: str
edited:
  description: Files that were changed on the GX since they were installed.
  returned: success
  type: list
  elements: str
"""

import os
import subprocess
import time
import urllib.request

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.ovr.edge.plugins.module_utils import gx_install

SSH_SECONDS = 120


class GxError(Exception):
    """A sentence for the engineer."""


def main() -> None:
    module = AnsibleModule(argument_spec=_arguments(), supports_check_mode=True)
    try:
        module.exit_json(**_run(module))
    except GxError as error:
        module.fail_json(msg=str(error))


def _run(module: AnsibleModule) -> dict:
    given = module.params
    files = _files(given)
    release = gx_install.digest(files) if files else ""
    if module.check_mode and not os.path.exists(given["key"]):
        return {"changed": True, "release": release, "before": "", "steps": ["install", "arm"], "edited": []}
    state = gx_install.parse(_ssh(given, gx_install.READ_STATE, read_only=module.check_mode))
    decided = gx_install.plan(state, release, given["state"])
    for warning in decided.warnings:
        module.warn(warning)
    if decided.changed and not module.check_mode:
        _carry_out(given, state, decided, release, files)
    after = release if given["state"] == "present" else ""
    return {
        "changed": decided.changed,
        "release": release,
        "before": state.release,
        "steps": list(decided.steps),
        "edited": list(state.edited),
        "diff": {"before": f"release {state.release or '-'}\n", "after": f"release {after or '-'}\n"},
    }


def _carry_out(given: dict, state, decided, release: str, files: dict[str, bytes]) -> None:
    if given["state"] == "present":
        _must_be_able(given, state)
    scripts = {
        "install": (gx_install.install_script(release, list(files)), gx_install.archive(files)),
        "arm": (gx_install.arm_script(), b""),
        "remove": (gx_install.remove_script(), b""),
    }
    for step in decided.steps:
        _ssh(given, *scripts[step])
    if given["state"] == "present":
        for port in (given["fast_port"], given["slow_port"]):
            _wait_metrics(given["host"], port, given["verify_seconds"])


def _must_be_able(given: dict, state) -> None:
    if not state.data:
        raise GxError(f"{given['host']}: /data is missing or cannot be written; is this a GX with Venus OS?")
    if not state.python:
        raise GxError(f"{given['host']}: python3 with dbus and gi is missing; update the GX to Venus OS 2.80 or later")


def _files(given: dict) -> dict[str, bytes]:
    """Every file of the source folder by its relative name, with this site's settings."""
    if given["state"] == "absent":
        return {}
    found: dict[str, bytes] = {}
    for folder, _, names in os.walk(given["source"]):
        for name in names:
            path = os.path.join(folder, name)
            with open(path, "rb") as file:
                found[os.path.relpath(path, given["source"])] = file.read()
    found["settings.sh"] = gx_install.settings(given["fast_port"], given["slow_port"], given["listen"]).encode()
    return found


def _ssh(given: dict, script: str, stdin: bytes = b"", read_only: bool = False) -> str:
    """Run a script on the GX; standard input is the script's own."""
    pins = given["known_hosts"]
    trust = ["UserKnownHostsFile=/dev/null", "StrictHostKeyChecking=no"]
    if os.path.exists(pins) or not read_only:
        trust = [f"UserKnownHostsFile={pins}", "StrictHostKeyChecking=accept-new"]
    options = [*trust, "BatchMode=yes", "IdentitiesOnly=yes", "ConnectTimeout=10", "LogLevel=ERROR"]
    command = ["ssh", "-i", given["key"], *(word for option in options for word in ("-o", option))]
    try:
        done = subprocess.run(
            [*command, f"{given['user']}@{given['host']}", script], input=stdin, capture_output=True,
            timeout=SSH_SECONDS, check=False,
        )  # fmt: skip
    except subprocess.TimeoutExpired:
        raise GxError(f"{given['host']}: no end after {SSH_SECONDS} s; is the GX overloaded? Run again") from None
    if done.returncode:
        raise GxError(_refusal(given, done.returncode, done.stderr.decode(errors="replace").strip()))
    return done.stdout.decode(errors="replace")


def _refusal(given: dict, code: int, said: str) -> str:
    host = given["host"]
    if "Permission denied" in said:
        with open(f"{given['key']}.pub") as file:
            public = file.read().strip()
        return (
            f"{host} does not accept the box's key. Put this line into /data/home/root/.ssh/authorized_keys on the GX "
            f"and run again: {public}"
        )
    if "REMOTE HOST IDENTIFICATION" in said:
        return f"{host} has another host key than before. If the GX was replaced, remove {given['known_hosts']} and run again"
    if code == 255:
        return (
            f"{host} cannot be reached by SSH ({said}). Check the cable, and on the GX switch on Settings > General > "
            "SSH on LAN"
        )
    return f"{host}: a step ended with {code}: {said}"


def _wait_metrics(host: str, port: int, seconds: int) -> None:
    deadline = time.monotonic() + seconds
    said = ""
    while time.monotonic() < deadline:
        try:
            with urllib.request.urlopen(f"http://{host}:{port}/metrics", timeout=3) as reply:
                if b"\n# TYPE " in reply.read():
                    return
        except OSError as error:
            said = str(error)
        time.sleep(0.5)
    raise GxError(
        f"http://{host}:{port}/metrics does not answer after {seconds} s ({said}). On the GX see "
        "/var/log/dbus2prom/current; newer firmware also needs Settings > General > Modification checks > "
        "All modifications enabled"
    )


def _arguments() -> dict:
    return {
        "host": {"type": "str", "required": True},
        "user": {"type": "str", "default": "root"},
        "key": {"type": "path", "default": "/etc/overdrive/secrets/gx_ed25519", "no_log": False},
        "known_hosts": {"type": "path", "default": "/etc/overdrive/gx_known_hosts"},
        "source": {"type": "path", "default": "/opt/stack/lib/gx"},
        "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
        "fast_port": {"type": "int", "default": 9480},
        "slow_port": {"type": "int", "default": 9481},
        "listen": {"type": "str", "default": "0.0.0.0"},
        "verify_seconds": {"type": "int", "default": 60},
    }


if __name__ == "__main__":
    main()
