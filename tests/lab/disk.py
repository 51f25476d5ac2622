"""A data disk: an ext4 file behind a loop device."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from tests.lab.shell import run


@dataclass(frozen=True)
class Disk:
    """The image file of one disk."""

    image: Path
    size: str = "12G"

    def make(self) -> None:
        """Create the disk where it is missing, and its loop device."""
        if not self.image.exists():
            run("truncate", "-s", self.size, self.image)
            run("mkfs.ext4", "-q", "-L", "ovr-data", "-E", "lazy_itable_init=1", self.image)
        if not self.device:
            run("losetup", "--find", self.image)

    @property
    def device(self) -> str:
        """The loop device of the image, or the empty text."""
        return (
            run("losetup", "--noheadings", "--output", "NAME", "--associated", self.image)
            if self.image.exists()
            else ""
        )

    def remove(self) -> None:
        """Give the loop device back and delete the image."""
        if self.device:
            run("losetup", "--detach", self.device)
        self.image.unlink(missing_ok=True)
