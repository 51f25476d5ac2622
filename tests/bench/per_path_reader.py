"""The reference of P3, run by /usr/bin/python3: an exporter that asks the bus for each path at each scrape.

    per_path_reader.py PORT FILE    (FILE: a JSON list of [service, path])

It is good at what it does: cached proxies, one GetValue for each path, one write for each answer, keep-alive.
"""

from __future__ import annotations

import json
import socket
import sys
from pathlib import Path

import dbus

BUS_ITEM = "com.victronenergy.BusItem"


def main() -> None:
    bus = dbus.SystemBus()
    wanted = json.loads(Path(sys.argv[2]).read_text())
    items = [
        (f'value{{service="{service}",path="{path}"}}', bus.get_object(service, path, introspect=False))
        for service, path in wanted
    ]
    with socket.create_server(("127.0.0.1", int(sys.argv[1]))) as listener:
        print("serving", flush=True)
        while True:
            client, _ = listener.accept()
            with client:
                while client.recv(65536):
                    client.sendall(answer(items))


def answer(items: list) -> bytes:
    values = [(series, item.GetValue(dbus_interface=BUS_ITEM)) for series, item in items]
    lines = [f"{series} {float(value)}\n" for series, value in values if isinstance(value, (int, float))]
    body = "".join(lines).encode()
    return b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: %d\r\n\r\n" % len(body) + body


if __name__ == "__main__":
    main()
