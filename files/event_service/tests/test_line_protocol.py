"""What no line can carry. What every line carries exactly is shown on a real VictoriaMetrics."""

from __future__ import annotations

import pytest

from event_service.line_protocol import LineError, line


@pytest.mark.parametrize("bad", ["a\nb", "a\rb", "a\0b", "a\x7f", "\ud800"], ids=ascii)
def test_what_no_line_can_carry_is_refused_here(bad):
    with pytest.raises(LineError):
        line("m", {"tag": bad}, {"value": 1}, 1)


@pytest.mark.parametrize("bad", [float("nan"), float("inf")])
def test_what_is_no_number_is_refused_here_not_stored_as_zero(bad):
    with pytest.raises(LineError):
        line("m", {}, {"value": bad}, 1)


def test_a_line_without_a_field_is_refused():
    with pytest.raises(LineError, match="at least one field"):
        line("m", {"tag": "x"}, {}, 1)
