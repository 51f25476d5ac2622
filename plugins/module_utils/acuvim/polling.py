"""How often Telegraf reads a meter: by its own line, else by the network it is in, else as for all."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from .durations import milliseconds
from .errors import AcuvimError
from .targets import Line

BURST_INTERVAL = "100ms"
# What a kind of network stands for: the interval of the live values, and connects a second of a scan.
MEDIA = {"wired": ("200ms", 800.0), "wifi": ("1s", 100.0)}


@dataclass(frozen=True)
class Polling:
    """Intervals in Telegraf's words (200ms, 1s, 1m).

    networks: for each network (10.10.4.0/24) `wired`, `wifi` or an interval; the smallest one around a meter counts.
    burst: whether all meters that can are read every 100 ms, their few most important values only.
    """

    interval: str = "1s"
    energy_interval: str = "10s"
    networks: Mapping[str, str] = field(default_factory=dict)
    burst: bool = False

    def __post_init__(self):
        milliseconds("interval", self.interval)
        milliseconds("energy_interval", self.energy_interval)
        for network, medium in self.networks.items():
            _network(network)
            if medium not in MEDIA:
                milliseconds(f"networks: {network}: neither {' nor '.join(MEDIA)}", medium)

    def interval_of(self, ip: str, line: Line | None) -> str:
        """The interval of one meter's live values."""
        if line and line.interval:
            return line.interval
        medium = self._medium(ip)
        return MEDIA[medium][0] if medium in MEDIA else medium or self.interval

    def is_burst(self, line: Line | None) -> bool:
        return self.burst if line is None or line.is_burst is None else line.is_burst

    def frequency_ms(self, ip: str, line: Line | None, can_burst: bool) -> int:
        """How often the frequency comes: a burst has it too."""
        return milliseconds(
            "interval", BURST_INTERVAL if can_burst and self.is_burst(line) else self.interval_of(ip, line)
        )

    def connects_per_second(self, ip: str, at_most: float) -> float:
        """How hard a scan may push where this address is."""
        return min(at_most, MEDIA.get(self._medium(ip), ("", at_most))[1])

    def longest_ms(self, lines: Iterable[Line]) -> int:
        """The longest of all intervals of live values."""
        own = [line.interval for line in lines if line.interval]
        of_networks = [MEDIA[medium][0] if medium in MEDIA else medium for medium in self.networks.values()]
        return max(milliseconds("interval", text) for text in (self.interval, *own, *of_networks))

    def _medium(self, ip: str) -> str:
        address = ipaddress.ip_address(ip)
        around = [network for network in self.networks if address in _network(network)]
        return self.networks[max(around, key=lambda text: _network(text).prefixlen)] if around else ""


def _network(text: str) -> ipaddress.IPv4Network:
    try:
        return ipaddress.IPv4Network(text)
    except ValueError as error:
        raise AcuvimError(f"networks: '{text}' is not a network ({error}); write for example 10.10.4.0/24") from None
