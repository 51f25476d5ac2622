"""What a scan makes of endpoints that answer well, badly or not at all."""

from __future__ import annotations

import itertools
import struct

import pytest
from ansible_collections.ovr.edge.plugins.module_utils.acuvim import modbus, probe
from ansible_collections.ovr.edge.plugins.module_utils.acuvim.targets import Host

from tests.parts.process import free_port
from tests.unit.acuvim.endpoints import RESET, asked, frame, holding, refusal, registers, serving, silent
from tests.unit.acuvim.images import acuvim, legacy_l, load

METER = acuvim(load()).words
QUICK = modbus.Timing(connect_s=0.2, connect_attempts=2, reply_s=0.2)
PACE = probe.Pace()


def scan(*hosts: Host) -> list[probe.Image]:
    return probe.scan(hosts, QUICK, PACE)


def read_all(answer, units: tuple[int, ...] = ()) -> probe.Image:
    with serving(answer) as (ip, port):
        (image,) = scan(Host(ip, port, units))
    return image


def each_byte_alone(request):
    (whole,) = holding(METER)(request)
    yield from (whole[n : n + 1] for n in range(len(whole)))


def just_in_time(request):
    yield 0.05
    yield from holding(METER)(request)


def after_a_late_one(request):
    yield frame(request, b"\x03\x02\x00\x01", transaction=0x7777)
    yield from holding(METER)(request)


def after_another_unit(request):
    yield frame(request, b"\x03\x02\x00\x01", unit=9)
    yield from holding(METER)(request)


def busy_at_first():
    turns = itertools.count()

    def answer(request):
        yield from [refusal(request, 6)] if next(turns) < 2 else holding(METER)(request)

    return answer


@pytest.mark.parametrize(
    "answer",
    [
        pytest.param(holding(METER), id="a meter"),
        pytest.param(each_byte_alone, id="byte by byte"),
        pytest.param(just_in_time, id="slow, within the time"),
        pytest.param(after_a_late_one, id="after a reply to an older request"),
        pytest.param(after_another_unit, id="after a reply of another unit"),
        pytest.param(busy_at_first(), id="busy at first"),
    ],
)
def test_every_block_is_read(answer):
    image = read_all(answer)

    assert image.words == METER
    assert (image.unit, image.silence) == (1, "")


@pytest.mark.parametrize("code", [1, 2, 3])
def test_a_device_that_refuses_has_answered(code):
    image = read_all(lambda request: [refusal(request, code)])

    assert (image.unit, image.words, image.silence) == (1, {}, "")
    assert image.missing[0x3000] == f"exception {code}"


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        pytest.param(lambda _: [], "no reply within 0.2 s", id="mute"),
        pytest.param(lambda _: [RESET], "ended the connection", id="reset"),
        pytest.param(lambda _: [b"HTTP/1.1 400 Bad Request\r\n\r\n"], "not a Modbus header", id="a web server"),
        pytest.param(lambda _: [b"SSH-2.0-OpenSSH_9.2\r\n"], "not a Modbus header", id="an SSH server"),
        pytest.param(lambda request: [frame(request, b"\x03\x04\x00\x01\x00\x02")], "6 bytes", id="too short"),
        pytest.param(lambda request: [registers(request, [0] * 70)[:-5]], "no reply", id="cut off"),
        pytest.param(lambda _: [struct.pack(">HHHB", 1, 0, 9000, 1)], "not a Modbus header", id="a length of 9000"),
        pytest.param(lambda request: [refusal(request, 6)], "exception 6", id="busy for ever"),
        pytest.param(lambda request: [refusal(request, 11)], "exception 11", id="a gateway without that unit"),
        pytest.param(lambda request: [refusal(request, 4)], "exception 4", id="a device failure"),
    ],
)
def test_whatever_is_no_answer_is_named(answer, reason):
    image = read_all(answer)

    assert image.words == {}
    assert reason in (image.silence or image.missing[0x3000])


@pytest.mark.parametrize("unit", [1, 255, 0, 2])
@pytest.mark.parametrize("absent", [4, 10, 11])
def test_the_usual_unit_that_answers_is_found(unit, absent):
    assert read_all(holding(METER, unit, absent)).unit == unit


def test_a_named_unit_is_the_only_one_asked():
    units = set()

    def answer(request):
        units.add(asked(request)[0])
        yield from holding(METER, unit=7)(request)

    assert read_all(answer, units=(7,)).unit == 7
    assert units == {7}


def test_a_gateway_gives_an_image_of_each_named_unit():
    with serving(holding(METER, unit=3)) as (ip, port):
        images = scan(Host(ip, port, (2, 3)))

    assert [(image.unit, bool(image.words), image.silence) for image in images] == [
        (2, False, "exception 11"),
        (3, True, ""),
    ]


def test_a_failed_block_does_not_cost_the_others():
    def answer(request):
        yield from [] if asked(request)[1] == 0xF000 else holding(METER)(request)

    image = read_all(answer)

    assert image.words == METER
    assert image.missing[0xF000] == "no reply within 0.2 s"


def test_nothing_but_reads_of_holding_registers_is_sent():
    functions = set()

    def answer(request):
        functions.add(request[7])
        yield from holding(METER)(request)

    read_all(answer)

    assert functions == {3}


@pytest.mark.parametrize(
    ("words", "others_asked"),
    [
        pytest.param(METER, False, id="a meter that says what it is"),
        pytest.param(acuvim(load(), serial=None).words, True, id="a meter without identity registers"),
        pytest.param({0x3000: (0,) * 60, 0xC350: (0,) * 70}, True, id="zeros"),
        pytest.param(legacy_l(load()), True, id="an Acuvim L"),
    ],
)
def test_other_families_are_asked_for_only_where_it_is_open(words, others_asked):
    addresses = set()

    def answer(request):
        addresses.add(asked(request)[1])
        yield from holding(words)(request)

    image = read_all(answer)

    assert (addresses >= {0x0600, 0x2114, 0x2000, 0x1000, 0x0200}) == others_asked
    assert image.words == words


def test_one_connection_serves_all_reads():
    accepted = []
    with serving(holding(METER), accepted=accepted) as (ip, port):
        scan(Host(ip, port))

    assert len(accepted) == 1


def test_silence_and_refusal_are_told_apart():
    closed = free_port("127.10.4.13")
    with silent() as (ip, port):
        quiet, refused = scan(Host(ip, port), Host("127.10.4.13", closed))

    assert quiet.silence == "no answer to 2 connects of 0.2 s"
    assert refused.silence == "connection refused"


def test_silent_addresses_hide_no_meter():
    with silent() as (ip, port), serving(holding(METER)) as meter:
        images = scan(*[Host(ip, port)] * 40, Host(*meter))

    assert [bool(image.words) for image in images] == [False] * 40 + [True]


def test_progress_counts_every_host():
    told = []
    with serving(holding(METER)) as place:
        probe.scan([Host(*place)] * 3, QUICK, PACE, lambda done, total: told.append((done, total)))

    assert told == [(1, 3), (2, 3), (3, 3)]
