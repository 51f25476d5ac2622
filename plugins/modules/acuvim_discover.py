#!/usr/bin/python
"""Find Acuvim meters and write what Telegraf polls: the module of the discovery, thin."""

from __future__ import annotations

DOCUMENTATION = r"""
---
module: acuvim_discover
short_description: Find Acuvim meters and write what Telegraf polls
description:
  - Asks every address of the targets by Modbus TCP (function code 3 only), identifies meters by their registers, keeps
    their names in a registry, and puts one Telegraf file a meter in place as a transaction.
  - A meter that does not answer this time keeps its file and its name.
author: OVR Energy Systems
options:
  targets:
    description: Addresses or networks, one a line, with options such as C(logger=3) and C(name=pump).
    type: list
    elements: str
    required: true
  registry:
    description: File that holds the known meters. Its folder must exist.
    type: path
    default: /etc/overdrive/acuvim_registry.json
  telegraf_dir:
    description: Folder that Telegraf watches.
    type: path
    default: /opt/stack/telegraf/telegraf.d
  staging:
    description: Folder on the same filesystem that Telegraf does not watch.
    type: path
    default: /opt/stack/telegraf/staging
  template:
    description: Jinja template of one meter's file.
    type: path
    default: /opt/stack/telegraf/templates/acuvim_modbus.tpl
  telegraf_check:
    description:
      - Command that proves the whole set of files before it is put in place. C({run}) becomes the name of the folder
        below O(staging), C({path}) its whole path. Empty to place files unchecked.
    type: list
    elements: str
    default: []
  interval:
    description: How often the live values are read, for example V(200ms) or V(1s).
    type: str
    default: 1s
  energy_interval:
    description: How often the counters are read.
    type: str
    default: 10s
  metrics_file:
    description: File for node_exporter's textfile collector. Empty for none.
    type: str
    default: ""
  verify_url:
    description: VictoriaMetrics in which samples of every found meter must arrive; else the files before come back.
    type: str
    default: ""
  verify_seconds:
    description: How long to wait for those samples [s].
    type: float
    default: 30
  lock_seconds:
    description: How long to wait for another run of the discovery [s].
    type: float
    default: 60
  addresses_max:
    description: Refuse targets with more addresses than this.
    type: int
    default: 4096
  forget:
    description: Registry keys of meters to remove for good.
    type: list
    elements: str
    default: []
attributes:
  check_mode:
    support: full
    description: Scans and plans as the real run does, and writes nothing.
  diff_mode:
    support: full
    description: The registry without its times, and each file.
"""

EXAMPLES = r"""
- name: Find the meters of a network and one with a fixed number
  ovr.edge.acuvim_discover:
    targets:
      - 10.10.4.0/28
      - 10.10.5.11 logger=7 name=pump
    verify_url: http://127.0.0.1:8428
"""

RETURN = r"""
meters:
  description: Every known meter with its registry fields, its C(system_id) and whether it is polled and was found.
  returned: success
  type: list
  elements: dict
findings:
  description: What answered (and what was named or known and did not), each with verdict and evidence.
  returned: success
  type: list
  elements: dict
changes:
  description: What happened to which meter, and why.
  returned: success
  type: list
  elements: dict
files:
  description: Names of Telegraf files added, changed and removed.
  returned: success
  type: dict
problems:
  description: What an operator must know although the run succeeded.
  returned: success
  type: list
  elements: str
scan:
  description: Addresses asked, addresses that answered, and seconds it took.
  returned: success
  type: dict
"""

from pathlib import Path

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.ovr.edge.plugins.module_utils.acuvim import targets
from ansible_collections.ovr.edge.plugins.module_utils.acuvim.discover import Settings, discover
from ansible_collections.ovr.edge.plugins.module_utils.acuvim.errors import AcuvimError
from ansible_collections.ovr.edge.plugins.module_utils.acuvim.render import Polling
from ansible_collections.ovr.edge.plugins.module_utils.acuvim.telegraf import Folder


def main() -> None:
    module = AnsibleModule(argument_spec=_arguments(), supports_check_mode=True)
    try:
        result = discover(_settings(module.params, module.check_mode))
    except AcuvimError as error:
        module.fail_json(msg=str(error))
    for problem in result.plan.problems:
        module.warn(problem)
    module.exit_json(diff=result.diff(), **result.as_dict())


def _settings(given: dict, check_mode: bool) -> Settings:
    return Settings(
        targets=targets.parse(given["targets"], "targets", given["addresses_max"]),
        registry=given["registry"],
        folder=Folder(Path(given["telegraf_dir"]), Path(given["staging"]), tuple(given["telegraf_check"])),
        template=given["template"],
        metrics_file=given["metrics_file"],
        polling=Polling(given["interval"], given["energy_interval"]),
        verify_url=given["verify_url"],
        verify_seconds=given["verify_seconds"],
        lock_seconds=given["lock_seconds"],
        forget=given["forget"],
        check_mode=check_mode,
    )


def _arguments() -> dict:
    return {
        "targets": {"type": "list", "elements": "str", "required": True},
        "registry": {"type": "path", "default": "/etc/overdrive/acuvim_registry.json"},
        "telegraf_dir": {"type": "path", "default": "/opt/stack/telegraf/telegraf.d"},
        "staging": {"type": "path", "default": "/opt/stack/telegraf/staging"},
        "template": {"type": "path", "default": "/opt/stack/telegraf/templates/acuvim_modbus.tpl"},
        "telegraf_check": {"type": "list", "elements": "str", "default": []},
        "interval": {"type": "str", "default": "1s"},
        "energy_interval": {"type": "str", "default": "10s"},
        "metrics_file": {"type": "str", "default": ""},
        "verify_url": {"type": "str", "default": ""},
        "verify_seconds": {"type": "float", "default": 30},
        "lock_seconds": {"type": "float", "default": 60},
        "addresses_max": {"type": "int", "default": 4096},
        "forget": {"type": "list", "elements": "str", "default": []},
    }


if __name__ == "__main__":
    main()
