"""The one error of this package."""

from __future__ import annotations


class AcuvimError(Exception):
    """What is wrong and what to do about it, in sentences for an operator. Nothing was changed."""
