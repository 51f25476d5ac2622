# Copyright OVR Energy Systems. All rights reserved.
"""How hard a scan for meters pushes: options that modules share."""

from __future__ import annotations


class ModuleDocFragment:
    DOCUMENTATION = r"""
options:
  addresses_max:
    description: Refuse to scan more addresses than this.
    type: int
    default: 4096
  connects_per_second:
    description: Connects over all addresses. Use V(100) on Wi-Fi.
    type: float
    default: 800
  hosts_at_once:
    description: Addresses asked at the same time.
    type: int
    default: 256
  connect_timeout:
    description: Seconds of one attempt to connect. On a slow link use three times the round trip.
    type: float
    default: 0.3
  connect_attempts:
    description: Attempts for an address that does not answer.
    type: int
    default: 4
  reply_timeout:
    description: Seconds to wait for the reply to one read.
    type: float
    default: 1.0
"""
