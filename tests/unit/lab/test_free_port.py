"""A port for a program of a test: still free when the program starts."""

from __future__ import annotations

import socket
from pathlib import Path

from tests.parts.process import free_port


def test_no_port_is_given_twice_nor_lent_to_a_connection():
    first_outgoing, _ = map(int, Path("/proc/sys/net/ipv4/ip_local_port_range").read_text().split())
    ports = [free_port() for _ in range(200)]

    assert len(set(ports)) == 200
    assert max(ports) < first_outgoing


def test_a_port_in_use_is_passed_over(monkeypatch):
    with socket.socket() as listener:
        taken = free_port()
        listener.bind(("127.0.0.1", taken))
        listener.listen()
        free = free_port()
        monkeypatch.setattr("tests.parts.process._ports", iter([taken, free]))

        assert free_port() == free
