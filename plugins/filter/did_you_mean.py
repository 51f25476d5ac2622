"""Name what a misspelt name may mean."""

from __future__ import annotations

import difflib

DOCUMENTATION = r"""
name: did_you_mean
short_description: Name what a misspelt name may mean
version_added: 0.1.0
author: OVR Energy Systems
description:
  - Returns the name, followed by the known name that is closest to it where one is close.
positional: known
options:
  _input:
    description: The name that nobody knows.
    type: string
    required: true
  known:
    description: The names that exist.
    type: list
    elements: string
    required: true
"""

EXAMPLES = r"""
- name: Say what may be meant
  ansible.builtin.debug:
    msg: "unknown: {{ 'stack_pubish' | ovr.edge.did_you_mean(['stack_publish', 'stack_mode']) }}"
"""

RETURN = r"""
_value:
  description: For example C(stack_pubish (did you mean stack_publish?)).
  type: string
"""


def did_you_mean(name, known):
    """Return the name and, in brackets, the known name that is closest to it where one is close."""
    close = difflib.get_close_matches(name, sorted(known), n=1)
    return f"{name} (did you mean {close[0]}?)" if close else name


class FilterModule:
    """Filters of ovr.edge."""

    def filters(self):
        return {"did_you_mean": did_you_mean}
