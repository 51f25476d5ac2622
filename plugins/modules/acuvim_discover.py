#!/usr/bin/python
# Copyright OVR Energy Systems. All rights reserved.
# ruff: noqa: E402 — the documentation stands before the imports, as Ansible has it

from __future__ import annotations

DOCUMENTATION = r"""
module: acuvim_discover
short_description: Find Acuvim power meters and write what Telegraf polls
version_added: 0.1.0
author: OVR Energy Systems (@ovr-energy)
description:
  - Asks every address of O(targets) or O(targets_file) over Modbus TCP, by reads of holding registers only, and tells
    Acuvim meters by their identity registers and by the arithmetic of their values.
  - Keeps the meters in O(registry). A meter keeps its Logger number through silence, a new address and de-listing. A
    different meter at a known address gets a number of its own.
  - Writes one file a meter into O(telegraf_dir), as one transaction. Telegraf checks the whole result first, and what
    was there comes back when no samples follow.
  - What is not named is not written. Without O(registry) and O(telegraf_dir) the module only looks.
extends_documentation_fragment: ovr.edge.acuvim_scan
requirements:
  - python >= 3.11
  - python3-jinja2 (where O(telegraf_dir) is given)
attributes:
  check_mode:
    description: The network is scanned and the plan of a real run is shown. Telegraf's check of new files is left out.
    support: full
  diff_mode:
    description: Shows the registry and each file before and after.
    support: full
  idempotent:
    description: >-
      A scan that only sees known meters again changes nothing. C(last_seen) in the registry and the metrics file are
      brought up to date all the same.
    support: full
options:
  targets:
    description:
      - Lines as in O(targets_file).
    type: list
    elements: str
  targets_file:
    description:
      - File with one IPv4 address or network a line. V(#) starts a comment. After an address may follow V(logger=3),
        V(name=generator), V(unit=1), V(port=502), V(power=kW), V(interval=200ms),
        V(profile=burst) and V(state=absent).
    type: path
  registry:
    description: JSON file of the known meters. Another run that holds its lock is waited for.
    type: path
    default: ""
  telegraf_dir:
    description:
      - Folder that Telegraf watches. Files V(acuvim_*.conf) in it belong to this module.
      - Needs O(registry), O(staging) and O(template).
    type: path
    default: ""
  staging:
    description: Folder on the same file system that Telegraf does not watch.
    type: path
    default: ""
  template:
    description: Jinja template of a meter's file.
    type: path
    default: ""
  telegraf_check:
    description:
      - Command that ends with 0 when Telegraf accepts a set of files. V({path}) in it becomes the folder to check,
        V({run}) that folder's name below O(staging).
      - Set C(TELEGRAF_BUFFER_STRATEGY=memory) for it where Telegraf has a disk buffer. The check opens the buffer, and
        two processes on one buffer break it.
    type: list
    elements: str
    default: []
  metrics_file:
    description: File for node_exporter's textfile collector, with C(acuvim_info) and C(acuvim_discovery_*).
    type: path
    default: ""
  interval:
    description: How often Telegraf reads the live values, such as V(1s), where O(networks) and the line do not say so.
    type: str
    default: 1s
  networks:
    description:
      - What each meter network is, by its address. V(wired) means an interval of 200 ms and at most 800 connects a
        second, V(wifi) 1 s and 100. An interval such as V(500ms) sets only that.
      - The smallest network around a meter counts, and V(interval=200ms) on its line before all.
    type: dict
    default: {}
  burst:
    description:
      - Whether every meter with the block 0x3400 is also read every 100 ms, for V, I, P, Q and F. V(profile=burst) or
        V(profile=normal) on its line decides for one meter.
    type: bool
    default: false
  energy_interval:
    description: How often Telegraf reads energy counters, demand and distortion, each in an input of its own.
    type: str
    default: 10s
  absent_after:
    description:
      - How long a meter may be missing until its state is V(absent), such as V(30d). It is then no longer polled. Its
        number stays reserved, and its file comes back when it is found again. Empty means for ever.
      - A meter whose samples arrive at O(verify_url) is not missing.
    type: str
    default: ""
  verify_url:
    description:
      - VictoriaMetrics. When files change, samples of every meter that answered must arrive there, else the old files
        come back and the module fails.
    type: str
    default: ""
  verify_seconds:
    description: How long to wait for the samples.
    type: float
    default: 30
  forget:
    description:
      - Keys of meters (serial, or V(ip/unit)) to remove from the registry for good. Their Logger numbers become free.
    type: list
    elements: str
    default: []
  lock_seconds:
    description: How long to wait for another run that holds the registry.
    type: float
    default: 60
seealso:
  - module: ovr.edge.acuvim_info
  - description: The same from a shell on the box is C(/opt/stack/scripts/telegraf_discover_acuvim.sh).
    name: Role ovr.edge.acuvim
    link: https://github.com/ovr-energy/edge/tree/main/roles/acuvim
"""

EXAMPLES = r"""
- name: See which meters are there
  ovr.edge.acuvim_discover:
    targets:
      - 10.10.4.0/24
  register: seen

- name: Poll the meters of this box
  ovr.edge.acuvim_discover:
    targets_file: /opt/stack/telegraf/targets_acuvim.txt
    registry: /etc/overdrive/acuvim_registry.json
    telegraf_dir: /opt/stack/telegraf/telegraf.d
    staging: /opt/stack/telegraf/staging
    template: /opt/stack/telegraf/templates/acuvim_modbus.tpl
    telegraf_check: [telegraf, config, check, --strict-env-handling, --config-directory, "{path}"]
    verify_url: http://127.0.0.1:8428

- name: Give the number of a meter that was replaced to its successor
  ovr.edge.acuvim_discover:
    targets:
      - 10.10.4.11 logger=1
    registry: /etc/overdrive/acuvim_registry.json
    forget:
      - AH24000011
"""

RETURN = r"""
scan:
  description: How many addresses were asked, how many answered, and how many seconds it took.
  type: dict
  returned: success
  sample: {addresses: 254, answered: 2, seconds: 1.31}
meters:
  description: The registry as it is now, or in check mode as it would be.
  type: list
  elements: dict
  returned: success
  contains:
    key: {description: Serial number, or address and unit where there is none., type: str}
    system_id: {description: C(acuvim_1) and the Logger number; absent without a number., type: str}
    device: {description: Label C(device)., type: str}
    logger: {description: Logger number; none while the meter is only probable., type: int}
    name: {description: Name from the targets., type: str}
    state: {description: 'V(active), V(probable), V(delisted), V(displaced) or V(absent).', type: str}
    polled: {description: Whether Telegraf has a file for it., type: bool}
    found: {description: Whether it was found by this scan., type: bool}
    ip: {description: Address., type: str}
    port: {description: TCP port., type: int}
    unit: {description: Modbus unit., type: int}
    serial: {description: Serial number., type: str}
    model: {description: Model., type: str}
    firmware: {description: Firmware version., type: str}
    block: {description: First register of the block that is polled., type: int}
    word_order: {description: V(ABCD) or V(CDAB)., type: str}
    power_scale: {description: Watts per unit of the power registers; none while no load has shown it., type: float}
    family: {description: 'Which map it keeps its values by: V(acuvim2), V(acuvim_l) or V(acuvim3).', type: str}
    has_energy: {description: Whether the energy counters answer., type: bool}
    has_demand: {description: Whether the demand registers answer., type: bool}
    has_thd: {description: Whether the harmonic distortion registers answer., type: bool}
    has_fast_read: {description: Whether the block for bursts answers., type: bool}
    wiring: {description: 'Wiring as the meter is set, such as 3LN 3CT; empty where it was not read.', type: str}
    ct: {description: 'Current transformer, primary/secondary as the meter is set.', type: str}
    pt: {description: 'Voltage transformer, primary/secondary as the meter is set.', type: str}
    first_seen: {description: UTC., type: str}
    last_seen: {description: UTC., type: str}
    wiring_judged: {description: 'UTC of the last look at its wiring under load, empty before the first.', type: str}
    wiring_faults:
      description:
        - What that look found, of V(phase_rotation), V(reversed_ct), V(phase_swap), V(missing_neutral) and V(ct_ratio).
      type: list
      elements: str
    missing_since: {description: 'UTC of the first scan that missed it, empty while it is there.', type: str}
findings:
  description:
    - What answered, with the verdict and its evidence.
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
changes:
  description: What happens to each meter and why.
  type: list
  elements: dict
  returned: success
  sample: [{meter: AH24000011, what: moved, why: from 10.10.4.11/1 to 10.10.4.12/1}]
files:
  description: Names of files added, changed and removed.
  type: dict
  returned: success
  sample: {added: [acuvim_11.conf], changed: [], removed: []}
problems:
  description: What an operator should look at. Also given as warnings.
  type: list
  elements: str
  returned: success
table:
  description: All of it for people, line by line.
  type: list
  elements: str
  returned: success
  sample:
    - "meters:"
    - "  acuvim_11  active  10.10.4.11/1  AH24000011  Acuvim II IIR  seen 2026-11-24T10:00:00+00:00"
"""

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.ovr.edge.plugins.module_utils.acuvim import report
from ansible_collections.ovr.edge.plugins.module_utils.acuvim.discover import discover
from ansible_collections.ovr.edge.plugins.module_utils.acuvim.errors import AcuvimError
from ansible_collections.ovr.edge.plugins.module_utils.acuvim.settings import DEFAULTS, settings, targets_of

PATHS = ("registry", "telegraf_dir", "staging", "template", "metrics_file")


def arguments():
    """The argument spec: what only the module has, then the options that the command line has too."""
    spec = {
        "targets": {"type": "list", "elements": "str"},
        "targets_file": {"type": "path"},
        "telegraf_check": {"type": "list", "elements": "str", "default": []},
        "forget": {"type": "list", "elements": "str", "default": []},
    }
    for name, default in DEFAULTS.items():
        spec[name] = {"type": "path" if name in PATHS else type(default).__name__, "default": default}
    return spec


def main():
    module = AnsibleModule(
        argument_spec=arguments(),
        mutually_exclusive=[("targets", "targets_file")],
        required_one_of=[("targets", "targets_file")],
        supports_check_mode=True,
    )
    try:
        result = discover(wanted(module.params, module.check_mode))
    except AcuvimError as error:
        module.fail_json(msg=str(error))
    for problem in result.plan.problems:
        module.warn(problem)
    answer = {**result.as_dict(), "table": report.text(result).splitlines()}
    if module._diff:
        answer["diff"] = result.diff()
    module.exit_json(**answer)


def wanted(params, check_mode):
    """The parameters as the discovery takes them; AcuvimError for what cannot be."""
    return settings(targets_of(params), params, params["telegraf_check"], params["forget"], check_mode=check_mode)


if __name__ == "__main__":
    main()
