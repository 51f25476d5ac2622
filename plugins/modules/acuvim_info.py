#!/usr/bin/python
# Copyright OVR Energy Systems. All rights reserved.
# ruff: noqa: E402 — the documentation stands before the imports, as Ansible has it

from __future__ import annotations

DOCUMENTATION = r"""
module: acuvim_info
short_description: See which Acuvim power meters are there, and why
version_added: 0.1.0
author: OVR Energy Systems (@ovr-energy)
description:
  - Asks every address of O(targets) or O(targets_file) as M(ovr.edge.acuvim_discover) does, and writes nothing. It
    takes no lock either, so it may run beside a discovery.
extends_documentation_fragment: ovr.edge.acuvim_scan
requirements:
  - python >= 3.11
attributes:
  check_mode:
    description: There is nothing to change.
    support: full
  diff_mode:
    description: There is nothing to change.
    support: N/A
options:
  targets:
    description:
      - Lines as in O(targets_file).
    type: list
    elements: str
  targets_file:
    description:
      - File with one IPv4 address or network a line, as for M(ovr.edge.acuvim_discover).
    type: path
  registry:
    description: JSON file of the known meters. Without it every meter is numbered as if it were new.
    type: path
    default: ""
seealso:
  - module: ovr.edge.acuvim_discover
"""

EXAMPLES = r"""
- name: Look for meters
  ovr.edge.acuvim_info:
    targets:
      - 10.10.4.0/24
  register: seen

- name: Show them with the evidence
  ansible.builtin.debug:
    var: seen.table

- name: Look for the meters of this box
  ovr.edge.acuvim_info:
    targets_file: /opt/stack/telegraf/targets_acuvim.txt
    registry: /etc/overdrive/acuvim_registry.json
"""

RETURN = r"""
scan:
  description: How many addresses were asked, how many answered, and how many seconds it took.
  type: dict
  returned: success
  sample: {addresses: 254, answered: 2, seconds: 1.31}
meters:
  description: The registry as a discovery would leave it, each as M(ovr.edge.acuvim_discover) returns it.
  type: list
  elements: dict
  returned: success
  sample:
    - {key: AH24000011, system_id: acuvim_11, state: active, ip: 10.10.4.11, port: 502, unit: 1, found: true}
findings:
  description:
    - What answered, with the verdict and its evidence. V(probable (no signal\)) is remembered and not polled.
    - Silent addresses only where they were named or hold a meter.
  type: list
  elements: dict
  returned: success
  sample:
    - ip: 10.10.4.11
      port: 502
      unit: 1
      verdict: meter
      serial: AH24000011
      evidence: ["SunSpec block of Accuenergy, model Acuvim II", "F = 60 Hz", "power in W: S / (V·I) = 1"]
problems:
  description: What an operator should look at.
  type: list
  elements: str
  returned: success
table:
  description: The same for people, line by line.
  type: list
  elements: str
  returned: success
"""

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.ovr.edge.plugins.module_utils.acuvim import report
from ansible_collections.ovr.edge.plugins.module_utils.acuvim.discover import discover
from ansible_collections.ovr.edge.plugins.module_utils.acuvim.errors import AcuvimError
from ansible_collections.ovr.edge.plugins.module_utils.acuvim.settings import DEFAULTS, settings, targets_of

FACTS = ("scan", "meters", "findings", "problems")
SCAN_OPTIONS = (
    *("registry", "addresses_max", "connects_per_second", "hosts_at_once"),
    *("connect_timeout", "connect_attempts", "reply_timeout"),
)


def arguments():
    """The argument spec: where to look, and how hard."""
    spec = {"targets": {"type": "list", "elements": "str"}, "targets_file": {"type": "path"}}
    for name in SCAN_OPTIONS:
        kind = "path" if name == "registry" else type(DEFAULTS[name]).__name__
        spec[name] = {"type": kind, "default": DEFAULTS[name]}
    return spec


def main():
    module = AnsibleModule(
        argument_spec=arguments(),
        mutually_exclusive=[("targets", "targets_file")],
        required_one_of=[("targets", "targets_file")],
        supports_check_mode=True,
    )
    try:
        result = discover(settings(targets_of(module.params), {**DEFAULTS, **module.params}, (), (), check_mode=True))
    except AcuvimError as error:
        module.fail_json(msg=str(error))
    answer = result.as_dict()
    facts = {name: answer[name] for name in FACTS}
    module.exit_json(changed=False, **facts, table=report.text(result).splitlines())


if __name__ == "__main__":
    main()
