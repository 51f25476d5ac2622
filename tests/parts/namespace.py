"""A network of its own on this machine: loopback only, no way out, and rules in its kernel."""

from __future__ import annotations

import contextlib
import subprocess
from collections.abc import Iterable, Iterator
from pathlib import Path

from tests.parts.process import wait_until


class Namespace:
    """Where programs run that `inside` wraps; all of 127.0.0.0/8 is theirs. Needs root."""

    def __init__(self, pid: int):
        self._pid = pid

    def inside(self, *command: object) -> list[str]:
        """The command line that runs this command in the namespace."""
        return ["nsenter", f"--net=/proc/{self._pid}/ns/net", *map(str, command)]

    def run(self, *command: object, given: str | None = None) -> str:
        """Run it to its end and return what it printed; RuntimeError with its complaint when it fails."""
        done = subprocess.run(self.inside(*command), input=given, capture_output=True, text=True, check=False)
        if done.returncode:
            raise RuntimeError(f"{' '.join(map(str, command))} ended with {done.returncode}: {done.stderr}")
        return done.stdout


@contextlib.contextmanager
def namespace() -> Iterator[Namespace]:
    """A namespace that ends with the block."""
    holder = subprocess.Popen(["unshare", "--net", "sleep", "infinity"])
    try:
        own = Path("/proc/self/ns/net").readlink()
        theirs = Path(f"/proc/{holder.pid}/ns/net")
        wait_until(lambda: theirs.readlink() != own, 30, "a network namespace (needs root)")
        one = Namespace(holder.pid)
        one.run("ip", "link", "set", "lo", "up")
        yield one
    finally:
        holder.terminate()
        holder.wait()


def meters_among_silence(network: str, meters: Iterable[str], loss_percent: int) -> str:
    """Rules for nft: only the meters' addresses answer, and they do not hear so many of the SYNs sent to them.

    Dropped on arrival, as on a radio link: who sends notices nothing.
    """
    return f"""
table ip meters {{
  chain arriving {{
    type filter hook input priority 0; policy accept;
    ip daddr {network} ip daddr != {{ {", ".join(meters)} }} drop
    ip daddr {network} tcp flags & (syn | ack) == syn numgen random mod 100 < {loss_percent} drop
  }}
}}
"""
