"""Links between machines: veth pairs and addresses, made again after every restart of either side."""

from __future__ import annotations

from dataclasses import dataclass

from tests.lab.machine import Machine
from tests.lab.shell import CommandError, run


@dataclass(frozen=True)
class Link:
    """A cable: interface and addresses at the box, interface and addresses at the far end."""

    box_interface: str
    box_addresses: tuple[str, ...]
    far_interface: str
    far_addresses: tuple[str, ...]
    far_gateway: str = ""


def connect(box: Machine, far: Machine, link: Link) -> None:
    """Make the link and set its addresses; changes nothing that is right already."""
    if not (_has(box, link.box_interface) and _has(far, link.far_interface)):
        # One end may have outlived the other's restart in a namespace that is gone.
        for machine, interface in ((box, link.box_interface), (far, link.far_interface)):
            if _has(machine, interface):
                machine.ip("link", "delete", interface)
        run(
            "ip", "link", "add", link.box_interface, "netns", box.pid,
            "type", "veth", "peer", "name", link.far_interface, "netns", far.pid,
        )  # fmt: skip
    _configure(box, link.box_interface, link.box_addresses)
    _configure(far, link.far_interface, link.far_addresses)
    if link.far_gateway:
        far.ip("route", "replace", "default", "via", link.far_gateway)


def _has(machine: Machine, interface: str) -> bool:
    try:
        machine.ip("link", "show", interface)
    except CommandError:
        return False
    return True


def _configure(machine: Machine, interface: str, addresses: tuple[str, ...]) -> None:
    machine.ip("link", "set", interface, "up")
    for address in addresses:
        machine.ip("address", "replace", address, "dev", interface)
