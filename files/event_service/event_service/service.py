"""The running service's parts, put together once at the edge and handed to whoever needs them."""

from __future__ import annotations

import secrets
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from event_service.config import Config
from event_service.jobs import Jobs
from event_service.live import Live
from event_service.outbox import Outbox
from event_service.store import Store
from event_service.victoria import Victoria


@dataclass
class Service:
    """Config, store and the workers beside the HTTP server."""

    config: Config
    store: Store
    outbox: Outbox
    jobs: Jobs
    live: Live
    clock: Callable[[], int] = time.time_ns
    token: Callable[[], str] = lambda: secrets.token_hex(3)
    threads: list[threading.Thread] = field(default_factory=list)
    stopping: threading.Event = field(default_factory=threading.Event)

    @classmethod
    def build(cls, config: Config) -> Service:
        """Open the store and make the workers; nothing runs yet."""
        store = Store(config.db_path)
        victoria = Victoria(config.vm_write_url, config.vm_query_url)
        return cls(config, store, Outbox(store, victoria), Jobs(store, config), Live(victoria))

    def start(self) -> None:
        """Start the outbox and the report workers."""
        self.jobs.recover()
        # Two, because a report mostly waits for the last samples; one event must not wait for another's.
        for name, work in (("outbox", self.outbox.run), ("reports", self.jobs.run), ("more reports", self.jobs.run)):
            thread = threading.Thread(target=work, args=(self.stopping,), name=name, daemon=True)
            thread.start()
            self.threads.append(thread)

    def stop(self) -> None:
        """Let the workers finish what they are at, for a few seconds."""
        self.stopping.set()
        self.wake()
        for thread in self.threads:
            thread.join(3.0)

    def wake(self) -> None:
        """Something was written: markers and reports may be due."""
        self.outbox.wake()
        self.jobs.wake()

    def dead(self) -> list[str]:
        """Names of workers that have ended though they never should."""
        return [thread.name for thread in self.threads if not thread.is_alive()]
