"""Acuvim meters on Modbus TCP, following a load scenario: one process, an address for each meter."""

from __future__ import annotations

import argparse
import asyncio
import errno
import logging
import re
import signal
import socket
import sys
from collections.abc import Callable
from dataclasses import dataclass

from pymodbus.constants import ExcCodes
from pymodbus.server import ModbusTcpServer
from pymodbus.simulator import DataType, SimData, SimDevice

from simulators import options as follow
from simulators.meters.meter import Meter, Options
from simulators.scenario import ScenarioError

READ_HOLDING_REGISTERS = 3
UNIT = 1
ADDRESS_RETRY_S = 0.3
_FORM = "HOST:PORT=SYSTEM[,kilowatts][,turned=b][,exchanged=bc]"


@dataclass(frozen=True)
class Place:
    """Where a meter answers and which it is."""

    host: str
    port: int
    system_id: str
    options: Options


def main() -> int:
    # As the first process of a container it would otherwise not be ended by a signal.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    # It would print its last frames for every unit id that a scanner tries.
    logging.getLogger("pymodbus").setLevel(logging.CRITICAL)
    options = _options()
    try:
        scenario = follow.scenario(options)
        meters = [(place, Meter(scenario, place.system_id, place.options)) for place in options.meter]
        asyncio.run(_serve(meters, follow.clock(options)))
    except (ScenarioError, OSError) as error:
        print(error, file=sys.stderr)
        return 2
    return 0


async def _serve(meters: list[tuple[Place, Meter]], now: Callable[[], float]) -> None:
    await asyncio.gather(*(_serve_one(place, meter, now) for place, meter in meters))


async def _serve_one(place: Place, meter: Meter, now: Callable[[], float]) -> None:
    await _address_exists(place)
    server = ModbusTcpServer(_device(meter, now), address=(place.host, place.port))
    print(f"{place.system_id} on {place.host}:{place.port}", flush=True)
    await server.serve_forever()


async def _address_exists(place: Place) -> None:
    """Wait until the address is there: a cable may be plugged in later.

    A listening socket stays valid when its address goes and comes again.
    """
    while True:
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((place.host, place.port))
                return
            except OSError as error:
                if error.errno != errno.EADDRNOTAVAIL:
                    raise OSError(f"{place.host}:{place.port} cannot be used: {error.strerror}") from error
        await asyncio.sleep(ADDRESS_RETRY_S)


def _device(meter: Meter, now: Callable[[], float]) -> SimDevice:
    async def fill(function, first, address, count, registers, _values):
        """Compute what is read at the moment of the read; nothing can be written."""
        if function != READ_HOLDING_REGISTERS:
            return ExcCodes.ILLEGAL_FUNCTION
        registers[address - first : address - first + count] = meter.registers(address, count, now())
        return None

    data = [SimData(block.start, count=block.size, datatype=DataType.REGISTERS) for block in meter.blocks]
    return SimDevice(UNIT, simdata=data, action=fill)


def _options() -> argparse.Namespace:
    parser = follow.parser("python -m simulators.meters", __doc__)
    parser.add_argument(
        "--meter",
        type=_place,
        action="append",
        required=True,
        metavar=_FORM,
        help="an address and the system of the scenario that answers there; repeat for more meters",
    )
    return parser.parse_args()


def _place(words: str) -> Place:
    faults = "(?:,turned=([abc]{1,3}))?(?:,exchanged=(ab|bc|ac))?"
    match = re.fullmatch(rf"([^:=,]+):(\d{{1,5}})=([^,]+)(,kilowatts)?{faults}", words)
    if not match:
        raise argparse.ArgumentTypeError(f"{words!r} is not {_FORM}, as 10.10.4.11:502=acuvim_11")
    host, port, system_id, kilowatts, turned, exchanged = match.groups()
    return Place(host, int(port), system_id, Options(bool(kilowatts), turned or "", exchanged or ""))


if __name__ == "__main__":
    sys.exit(main())
