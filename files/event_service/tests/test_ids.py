"""Ids and texts as people type them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from event_service import ids
from event_service.errors import Invalid


@pytest.mark.parametrize(
    ("typed", "expected"),
    [
        pytest.param(" rig_01 ", "rig_01", id="trimmed"),
        pytest.param("Logger 1", "acuvim_11", id="logger"),
        pytest.param("logger  7", "acuvim_17", id="logger in small letters"),
        pytest.param("Loggers 1", "Loggers 1", id="not a logger"),
        pytest.param("Logger X", "Logger X", id="logger without a number"),
        pytest.param("acuvim_11", "acuvim_11", id="meter"),
        pytest.param('Rig=1, \\ "x" 🍭', 'Rig=1, \\ "x" 🍭', id="any printable text"),
        pytest.param("cafe\u0301", "café", id="one spelling of é"),
    ],
)
def test_a_system_has_one_spelling(typed, expected):
    assert ids.system_id(typed) == expected


@pytest.mark.parametrize("bad", ["a\x00b", "a\nb", "a\tb", "a\x7f", "a\x85b", "\ud800", "x" * 257])
def test_what_no_id_may_hold(bad):
    with pytest.raises(Invalid, match="event_id="):
        ids.label("event_id", bad)


def test_a_note_may_have_lines_but_no_other_control_characters():
    assert ids.text("msg", "one\r\ntwo\t2") == "one\ntwo\t2"
    with pytest.raises(Invalid, match=r"U\+0007"):
        ids.text("msg", "bell\a")


@given(st.text(max_size=300))
def test_every_text_is_taken_or_refused_by_name(text):
    problem = None
    try:
        assert ids.label("location", ids.label("location", text)) == ids.label("location", text)
    except Invalid as refused:
        problem = str(refused)

    assert problem is None or problem.startswith("location=")
    assert problem is None or problem.encode()
