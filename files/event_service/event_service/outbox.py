"""Delivers markers to VictoriaMetrics: in order, at least once, read back, and again after it restarted.

A line that VictoriaMetrics accepted is not on its disk: a kill loses the last 7 to 12 seconds. So a delivered marker
stays open until the same start of VictoriaMetrics has held it for a minute.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

from event_service.clock import RETENTION, SECOND, utc
from event_service.log import fields
from event_service.markers import Marker
from event_service.store import Store, StoreError, outbox
from event_service.store.outbox import Letter
from event_service.victoria import Victoria, VictoriaAway, VictoriaRefuses

log = logging.getLogger("outbox")

BATCH = 50
BACKOFF_S = (0.5, 1.0, 2.0, 4.0, 8.0)
# Through vmagent a line is readable after about a second, a new series without a flush after ten.
UNREAD_NS = 30 * SECOND
IDLE_S = 1.0
PROBE_NS = 10 * SECOND
SETTLE_CHECK_NS = 5 * SECOND


@dataclass
class Counts:
    """What happened since the start, for the metrics."""

    delivered: int = 0
    failures: int = 0
    heartbeats: int = 0
    resent: int = 0


class Outbox:
    """One thread runs it; `wake` says that something was queued."""

    def __init__(self, store: Store, victoria: Victoria, *, clock: Callable[[], int] = time.time_ns):
        self.store = store
        self.victoria = victoria
        self.clock = clock
        self.counts = Counts()
        self.last_answer_ns: int | None = None
        self.trouble: str | None = None
        self._asked_ns = 0
        self._probed_ns = 0
        self._woken = threading.Event()

    def wake(self) -> None:
        self._woken.set()

    def run(self, stop: threading.Event) -> None:
        """Deliver until `stop`; never ends by an error."""
        failed = 0
        while not stop.is_set():
            try:
                busy = self.step()
                failed = 0
                self._woken.wait(0.2 if busy else IDLE_S)
                self._woken.clear()
            except VictoriaAway as error:
                self._note_trouble(str(error))
                stop.wait(BACKOFF_S[min(failed, len(BACKOFF_S) - 1)])
                failed += 1
            except StoreError as error:
                log.warning("Markers wait: %s", error)
                stop.wait(BACKOFF_S[-1])
            except Exception:
                log.exception("The outbox stumbled; it goes on")
                stop.wait(BACKOFF_S[-1])

    def step(self) -> bool:
        """One round. Returns whether something is still on its way; raises VictoriaAway when nothing can be done."""
        self._send()
        if self._wants_an_answer():
            # Asked before reading back: a restart in between is then seen later, never missed.
            started = self._started()
            self._read_back(started)
        self._heartbeat()
        self._probe()
        totals = self._totals()
        return totals.pending + totals.unread > 0

    def _wants_an_answer(self) -> bool:
        totals = self._totals()
        patience_ns = 0 if totals.unread else SETTLE_CHECK_NS
        return totals.unread + totals.unsettled > 0 and abs(self.clock() - self._asked_ns) >= patience_ns

    def _totals(self) -> outbox.Totals:
        with self.store.read() as db:
            return outbox.totals(db)

    def _started(self) -> str:
        started = self.victoria.started()
        self._asked_ns = self.clock()
        self._answered()
        with self.store.write() as db:
            reopened = outbox.reopen(db, started)
            outbox.settle(db, started, self.clock())
        if reopened:
            self.counts.resent += reopened
            log.warning("VictoriaMetrics was restarted: sending its last lines again", extra=fields(lines=reopened))
        return started

    def _send(self) -> None:
        with self.store.read() as db:
            letters = outbox.unsent(db, BATCH)
        for letter in letters:
            self._send_one(letter)

    def _send_one(self, letter: Letter) -> None:
        began = time.monotonic()
        try:
            if letter.marker.ts_ns < self.clock() - RETENTION:
                raise VictoriaRefuses("older than VictoriaMetrics keeps data")
            self.victoria.write(letter.marker.line)
        except VictoriaRefuses as error:
            log.error("VictoriaMetrics refuses a line: %s", error, extra=_what(letter.marker))
            with self.store.write() as db:
                outbox.refuse(db, letter, str(error))
            return
        with self.store.write() as db:
            outbox.sent(db, letter, self.clock())
        took = round(time.monotonic() - began, 3)
        log.info("Wrote 1 lines to VM", extra=_what(letter.marker, attempt=letter.attempts + 1, seconds=took))

    def _read_back(self, started: str) -> None:
        with self.store.read() as db:
            letters = outbox.unread(db, BATCH)
        if not letters:
            return
        self.victoria.flush()
        now_ns = self.clock()
        seen = [letter for letter in letters if self.victoria.has(letter.marker)]
        lost = [letter for letter in letters if letter not in seen and _overdue(letter, now_ns)]
        with self.store.write() as db:
            outbox.seen(db, seen, started, now_ns)
            for letter in lost:
                outbox.unsend(db, letter)
        self.counts.delivered += len(seen)
        self.counts.resent += len(lost)
        for letter in lost:
            log.warning("A line was accepted and did not appear: sending it again", extra=_what(letter.marker))

    def _heartbeat(self) -> None:
        """Repeat what is active, once nothing older waits; a beat that fails is not repeated."""
        with self.store.write() as db:
            beats = [] if outbox.unsent(db, 1) else outbox.beat(db, self.clock())
        for marker in beats:
            self.victoria.write(marker.line)
            self.counts.heartbeats += 1
            self._answered()
            log.debug("Heartbeat", extra=_what(marker))

    def _probe(self) -> None:
        """Learn for the health page whether VictoriaMetrics answers, when nothing else has told."""
        now_ns = self.clock()
        if abs(now_ns - max(self._probed_ns, self.last_answer_ns or 0)) < PROBE_NS:
            return
        self._probed_ns = now_ns
        self.victoria.ping()
        self._answered()

    def _answered(self) -> None:
        self.last_answer_ns = self.clock()
        if self.trouble:
            log.info("VictoriaMetrics answers again")
        self.trouble = None

    def _note_trouble(self, text: str) -> None:
        self.counts.failures += 1
        if self.trouble is None:
            log.warning("VictoriaMetrics does not answer, markers wait: %s", text)
        self.trouble = text


def _overdue(letter: Letter, now_ns: int) -> bool:
    """Whether a line that was accepted should have appeared by now; patience grows, up to ten minutes."""
    return abs(now_ns - letter.sent_ns) > UNREAD_NS * min(letter.attempts, 20)


def _what(marker: Marker, **more) -> dict:
    return fields(**marker.tags, active=int(marker.active), time=utc(marker.ts_ns), **more)
