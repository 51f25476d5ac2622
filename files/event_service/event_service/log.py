"""Log lines as key=value after the message, one line each, UTC: for people, `grep` and machines."""

from __future__ import annotations

import json
import logging
import re
import sys
from typing import TextIO

from event_service.clock import utc

PLAIN = re.compile(r"[\w.:/@+-]+", re.ASCII)


def fields(**values) -> dict:
    """What `extra=` of a log call takes: named values beside the message."""
    return {"fields": values}


class Line(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        values = "".join(f" {name}={_value(value)}" for name, value in getattr(record, "fields", {}).items())
        message = record.getMessage().replace("\n", " ")
        text = f"{utc(int(record.created * 1e9))} {record.levelname} {record.name}: {message}{values}"
        if record.exc_info:
            text += "\n" + self.formatException(record.exc_info)
        return text


def set_up(level: str, stream: TextIO = sys.stderr) -> None:
    """Send everything from `level` up to the stream."""
    handler = logging.StreamHandler(stream)
    handler.setFormatter(Line())
    logging.basicConfig(level=level, handlers=[handler], force=True)
    # One line a slow request is no news.
    logging.getLogger("waitress.queue").setLevel("ERROR")


def _value(value) -> str:
    text = str(value)
    return text if PLAIN.fullmatch(text) else json.dumps(text, ensure_ascii=False)
