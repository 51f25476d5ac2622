"""Refusals: what the service answers when a request cannot be done. The API gives each class its HTTP status."""

from __future__ import annotations


class Refusal(Exception):
    """A request that cannot be done. The text says why and what to do; `data` goes into the answer."""

    def __init__(self, text: str, **data):
        super().__init__(text)
        self.data = data


class Malformed(Refusal):
    """Something needed is missing, or the request makes no sense here (400)."""


class NotFound(Refusal):
    """There is no such event, note or report (404)."""


class Conflict(Refusal):
    """The state does not allow it; `data` names what stands in the way (409)."""


class Invalid(Refusal):
    """A field's value cannot be used (422)."""

    def __init__(self, field: str, value, problem: str):
        super().__init__(f"{field}={shown(value)}: {problem}", errors=[{"field": field, "detail": problem}])
        self.field = field


def shown(value, limit: int = 60) -> str:
    """A value as an error may show it: quoted, escaped, short."""
    text = repr(value)
    return text if len(text) <= limit else f"{text[:limit]}…"
