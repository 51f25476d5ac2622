"""Recordings of a GX: the recorder's text format, and the project's own set."""

from __future__ import annotations

import pytest

from simulators.gx.fleet import SECONDS, fleet
from simulators.gx.recording import read, write

TEXT = "\n".join(
    [
        "com.victronenergy.tank.can0",
        "/Level\tDOUBLE\t17.5\t17.5%",
        "/Status\tBYTE\t4\t4",
        "/Serial\tARRAY\t[]\t",
        "/Raw\tARRAY[BYTE]\t[0, 255]\t'{a\tb}'",
        "",
        "1\t/Level\tINT32\t18\t18%",
        "3\t/Level\tARRAY\t[]\t---",
        "3\t/Status\tBYTE\t5\t5",
    ]
)


def stand(item):
    return item.path, item.type, item.read(None), item.as_text(item.read(None))


def test_a_file_is_read():
    recording = read(TEXT)
    assert recording.service == "com.victronenergy.tank.can0"
    assert [stand(item) for item in recording.start.values()] == [
        ("/Level", "d", 17.5, "17.5%"),
        ("/Status", "y", 4, "4"),
        ("/Serial", "i", None, "---"),
        ("/Raw", "ay", [0, 255], "{a\tb}"),
    ]
    assert [(second, [stand(item)[2] for item in items]) for second, items in recording.batches()] == [
        (1, [18]),
        (3, [None, 5]),
    ]


@pytest.mark.parametrize(
    "line",
    [
        pytest.param("/Level\tFLOAT\t1\t1", id="unknown type"),
        pytest.param("/Level\tDOUBLE\tx\tx", id="no number"),
        pytest.param("/Level", id="a path alone"),
    ],
)
def test_a_line_that_is_not_understood_is_named(line):
    with pytest.raises(ValueError, match=r"line 2: .*/Level.*expected"):
        read(f"com.victronenergy.tank.can0\n{line}\n")


def test_what_is_written_is_read_again():
    for recording in fleet():
        text = write(recording)
        assert write(read(text)) == text


def test_the_own_set_uses_every_type_and_loses_values():
    recordings = fleet()
    assert len(recordings) == 14
    items = [item for one in recordings for item in one.start.values()]
    changes = [(second, item) for one in recordings for second, item in one.changes]
    assert {item.type for item in items} == set("bynqiuds") | {"ay"}
    assert any(item.read(None) is None for item in items)
    assert any(item.read(None) is None for _, item in changes)
    assert {second for second, _ in changes} == set(range(1, SECONDS))
