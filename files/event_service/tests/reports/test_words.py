"""Figures, times and foreign text read well and hide nothing."""

from __future__ import annotations

import pytest

from event_service.reports import words

NS = 10**9
WINTER = 1_795_500_000 * NS  # 2026-11-24 06:00:00 UTC
BERLIN = words.clock("Europe/Berlin")


@pytest.mark.parametrize(
    ("value", "half", "unit", "shown"),
    [
        (3418.6, 31.4, "Wh", ("3.419", "0.031", "kWh")),
        (224.7, 1.93, "Wh", ("224.7", "1.9", "Wh")),
        (812.0, 0.0, "Wh", ("812.000", "0.000", "Wh")),
        (1_234_567.0, 20_000.0, "VAh", ("1\u202f235", "20", "kVAh")),
        (-5.0, 30.0, "Wh", ("−5", "30", "Wh")),
    ],
)
def test_a_value_has_the_digits_its_half_width_deserves(value, half, unit, shown):
    assert words.with_half(value, half, unit) == shown


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (None, "not measured"),
        (0.0, "0.0 W"),
        (-0.0, "0.0 W"),
        (999.94, "999.9 W"),
        (5204.0, "5.20 kW"),
        (-1500.0, "−1.50 kW"),
    ],
)
def test_quantity(value, shown):
    assert words.quantity(value, "W") == shown


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [
        (0.0, "0.0 s"),
        (22.51, "22.5 s"),
        (59.99, "60.0 s"),
        (60.0, "1 min"),
        (5412.0, "1 h 30 min 12 s"),
        (7200.0, "2 h"),
    ],
)
def test_duration(seconds, shown):
    assert words.duration(seconds) == shown


def test_times_are_local_and_carry_their_offset():
    assert BERLIN.full(WINTER) == "2026-11-24 07:00:00 UTC+01:00"
    assert words.clock("UTC").full(WINTER) == "2026-11-24 06:00:00 UTC"
    assert words.clock("America/St_Johns").full(WINTER) == "2026-11-24 02:30:00 UTC−03:30"


def test_a_span_across_the_end_of_summer_time_shows_both_offsets():
    end_of_summer = 1_792_890_000 * NS  # 2026-10-25 01:00:00 UTC, 02:00 at +01:00 again
    assert words.span(BERLIN, end_of_summer - 1800 * NS, end_of_summer + 1800 * NS) == (
        "2026-10-25 02:30:00 UTC+02:00 to 2026-10-25 02:30:00 UTC+01:00"
    )


def test_a_span_of_one_day_shows_the_date_once():
    assert words.span(BERLIN, WINTER, WINTER + 90 * NS) == "2026-11-24 07:00:00 to 07:01:30 UTC+01:00"


@pytest.mark.parametrize("name", ["Mars/Olympus", "", "../../etc/passwd", "x\0y"])
def test_an_unknown_zone_is_utc_and_says_so(name):
    clock = words.clock(name)
    assert not clock.known
    assert clock.full(WINTER).endswith("UTC")


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain é漢🍭", "plain é漢🍭"),
        ("abc\u202etxt.exe", "abc⟨U+202E⟩txt.exe"),
        ("a\u200bb\u0000c\x1b", "a⟨U+200B⟩b⟨U+0000⟩c⟨U+001B⟩"),
        ("line one\nline two", "line one\nline two"),
        ("👩\u200d🔧", "👩\u200d🔧"),
        ("\ud800", "⟨U+D800⟩"),
    ],
)
def test_nothing_hides_in_a_text(text, shown):
    assert words.visible(text) == shown
