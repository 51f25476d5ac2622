#!/usr/bin/python
# Copyright OVR Energy Systems. All rights reserved.
# ruff: noqa: E402 — the documentation stands before the imports, as Ansible has it

from __future__ import annotations

DOCUMENTATION = r"""
module: gx_exporter
short_description: Install dbus2prom on a Victron GX from the box beside it
version_added: 0.1.0
author: OVR Energy Systems (@ovr-energy)
description:
  - Runs on the box and reaches the GX by the box's own SSH key, because Ansible's modules cannot run on a GX, whose
    Python lacks parts of the standard library.
  - Reads what is on the GX in one call, decides, sends one tar, switches a symbolic link, and reads the metrics of both
    ports back. Nothing outside C(/data) is written but the links in C(/service), which live in memory, and a crontab.
  - A map that was edited on the GX is never lost. Its rows move to C(map_fast.local.tsv) or C(map_slow.local.tsv) in
    C(/data/dbus2prom), which the exporter reads first.
requirements:
  - OpenSSH's client
attributes:
  check_mode:
    description: The GX is read and the plan of a real run is shown. Before the box has a key, all is said to change.
    support: full
  diff_mode:
    description: Shows every file and link that differs, a new version against the one that runs.
    support: full
  idempotent:
    description: Nothing is sent and nothing restarted where the files are the same and both ports answer.
    support: full
options:
  host:
    description: Address of the GX.
    type: str
    required: true
  port:
    description: Port of its SSH server.
    type: int
    default: 22
  user:
    description: User to log in as.
    type: str
    default: root
  key:
    description: Private key of the box. Its public half stands beside it as C(.pub).
    type: path
    required: true
  known_hosts:
    description: File that pins the GX's host key at the first login.
    type: path
    required: true
  state:
    description:
      - V(previous) switches back to the version before the present one.
      - V(absent) stops the exporter and leaves no trace.
    type: str
    choices: [present, previous, absent]
    default: present
  files:
    description: Text of each file by its name below C(/data/dbus2prom). Needed for O(state=present).
    type: dict
    default: {}
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
    description: How long the ports may take to answer after a change.
    type: int
    default: 30
  root:
    description: Where the GX's file system begins. For tests.
    type: str
    default: ""
"""

EXAMPLES = r"""
- name: Install the exporter on the GX
  ovr.edge.gx_exporter:
    host: 192.168.100.2
    key: /etc/overdrive/secrets/gx_ed25519
    known_hosts: /etc/overdrive/gx_known_hosts
    files:
      dbus2prom.py: "{{ lookup('ansible.builtin.file', 'dbus2prom.py', rstrip=false) }}"
"""

RETURN = r"""
release:
  description: Digest of the version that is wanted; empty for O(state=absent).
  returned: success
  type: str
before:
  description: Digest of the version that was there; empty where there was none.
  returned: success
  type: str
changes:
  description: What was, or in check mode would be, done, as sentences.
  returned: success
  type: list
  elements: str
series:
  description: How many series of the GX each port serves.
  returned: when O(state) is not V(absent), not in check mode
  type: dict
  sample: {"fast": 158, "slow": 91}
"""

import os
import shutil

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.ovr.edge.plugins.module_utils import gx_device, gx_install


def arguments() -> dict:
    return {
        "host": {"type": "str", "required": True},
        "port": {"type": "int", "default": 22},
        "user": {"type": "str", "default": "root"},
        "key": {"type": "path", "required": True, "no_log": False},
        "known_hosts": {"type": "path", "required": True},
        "state": {"type": "str", "choices": ["present", "previous", "absent"], "default": "present"},
        "files": {"type": "dict", "default": {}},
        "fast_port": {"type": "int", "default": 9480},
        "slow_port": {"type": "int", "default": 9481},
        "listen": {"type": "str", "default": "0.0.0.0"},
        "verify_seconds": {"type": "int", "default": 30},
        "root": {"type": "str", "default": ""},
    }


def main() -> None:
    module = AnsibleModule(argument_spec=arguments(), supports_check_mode=True)
    try:
        module.exit_json(**run(module))
    except gx_device.GxError as error:
        module.fail_json(msg=str(error))


def run(module: AnsibleModule) -> dict:
    given = module.params
    if not os.path.exists(given["key"]):
        return without_key(module)
    gx = gx_device.Gx(login(module), runner(module), given["root"])
    ports = gx_device.Ports(given["host"], {"fast": given["fast_port"], "slow": given["slow_port"]})
    state = gx.read()
    if given["state"] == "absent":
        plan = gx_install.plan_absent(state)
        if plan.changes and not module.check_mode:
            gx.remove(plan)
        return result(module, plan, state, "")
    files = wanted(module, state)
    release = gx_install.digest(files)
    plan = gx_install.plan_present(state, files, ports.running())
    fault = gx_device.unable(state)
    if fault:
        raise gx_device.GxError(f"the exporter cannot run on the GX at {given['host']}: {fault}")
    if module.check_mode:
        return result(module, plan, state, release)
    if plan.changes:
        install(gx, ports, plan, release, given["verify_seconds"])
    return {**result(module, plan, state, release), "series": ports.series()}


def install(gx: gx_device.Gx, ports: gx_device.Ports, plan: gx_install.Plan, release: str, seconds: int) -> None:
    """Install and wait for it; a version that does not answer makes way for the one before."""
    try:
        gx.install(plan)
        ports.wait_for(release, seconds)
    except gx_device.GxError as error:
        state = gx.read()
        before = state.release(state.link("previous"))
        if state.link("current") != release or not before:
            raise
        gx.install(gx_install.plan_present(state, before, ""))
        raise gx_device.GxError(f"{error}. The version before, {state.link('previous')}, runs again") from error


def wanted(module: AnsibleModule, state: gx_install.State) -> dict:
    """The files to have there: those given, or those of the version before."""
    given = module.params
    if given["state"] == "previous":
        files = state.release(state.link("previous"))
        if not files:
            raise gx_device.GxError(f"there is no version before {state.link('current') or 'the first'} on the GX")
        return files
    needed = ("dbus2prom.py", "arm.sh", "run_exporters.sh", *gx_install.MAPS)
    lacking = [name for name in needed if name not in given["files"]]
    if lacking:
        raise gx_device.GxError(f"files lacks {', '.join(lacking)}: give the text of every file of the exporter")
    return gx_install.release(given["files"], given["fast_port"], given["slow_port"], given["listen"])


def without_key(module: AnsibleModule) -> dict:
    """The first check of a new site comes before the box has its key."""
    if module.check_mode and module.params["state"] == "present":
        return {"changed": True, "before": "", "changes": ["make the key, then install the exporter"]}
    key = module.params["key"]
    raise gx_device.GxError(f"the box has no key at {key}: run the role's entry key, then allow that key on the GX")


def login(module: AnsibleModule) -> gx_device.Login:
    """The login; in check mode a host key is pinned in a copy only."""
    given = module.params
    pins = given["known_hosts"]
    if module.check_mode:
        copy = os.path.join(module.tmpdir, "known_hosts")
        if os.path.exists(pins):
            shutil.copyfile(pins, copy)
        pins = copy
    return gx_device.Login(given["host"], given["port"], given["user"], given["key"], pins)


def runner(module: AnsibleModule) -> gx_device.Run:
    def run_command(command: list[str], data: bytes) -> tuple[int, bytes, bytes]:
        return module.run_command(command, data=data, binary_data=True, encoding=None)

    return run_command


def result(module: AnsibleModule, plan: gx_install.Plan, state: gx_install.State, release: str) -> dict:
    for warning in plan.warnings:
        module.warn(warning)
    return {
        "changed": bool(plan.changes),
        "release": release,
        "before": state.link("current"),
        "changes": list(plan.changes),
        "diff": list(plan.diff),
    }


if __name__ == "__main__":
    main()
