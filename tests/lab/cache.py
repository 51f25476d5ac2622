"""Where built things are kept between runs: one folder per user, keyed by content."""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Iterable
from pathlib import Path

REPO = Path(__file__).resolve().parents[2]


def root() -> Path:
    """The cache folder: $OVR_LAB_CACHE, else ovr-edge below the user's cache folder."""
    named = os.environ.get("OVR_LAB_CACHE")
    if named:
        return Path(named)
    return Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "ovr-edge"


def key(parts: Iterable[str | bytes | Path]) -> str:
    """A short digest of texts, bytes and the contents of files and folders."""
    digest = hashlib.sha256()
    for part in parts:
        for name, content in _contents(part):
            digest.update(f"{name}:{len(content)}:".encode())
            digest.update(content)
    return digest.hexdigest()[:16]


def _contents(part: str | bytes | Path):
    if isinstance(part, str):
        yield "", part.encode()
    elif isinstance(part, bytes):
        yield "", part
    elif part.is_dir():
        for path in sorted(part.rglob("*")):
            if path.is_file() and "__pycache__" not in path.parts:
                yield str(path.relative_to(part)), path.read_bytes()
    else:
        yield part.name, part.read_bytes()


def remove() -> None:
    """Delete everything kept (`make distclean`)."""
    shutil.rmtree(root(), ignore_errors=True)
