"""Group commit: sends that wait for a commit go together in the next one.

One greenlet per worker writes; it begins as soon as somebody sends and ends when nobody waits, so a lone message waits for
nobody and a busy room fills its batches by itself. A batch that the database refuses as a whole is written again one by one,
so that one bad message never fails the others. Nothing is kept here: an unwritten draft was not acked, and its client sends it
again.
"""

from __future__ import annotations

from collections.abc import Callable
from contextvars import Context
from dataclasses import dataclass, field

import gevent
import structlog
from gevent.event import Event as Signal

from app.backends.transaction import database, transaction
from app.core.errors import AppError
from app.core.later import Later
from app.messages.sending import Outcome, write_drafts
from app.messages.standing import Draft

BATCH_MAX = 256
#: One turn of the loop: sockets that are readable are read.
YIELD_S = 1e-6

log = structlog.get_logger(__name__)


@dataclass(slots=True)
class _Ticket:
    draft: Draft
    outcome: Later[Outcome] = field(default_factory=Later)


def write_together(drafts: list[Draft]) -> list[Outcome]:
    """Write `drafts` in one transaction."""
    with transaction() as work:
        return write_drafts(work, drafts)


class Batcher:
    """Gathers the drafts of this worker; `write` commits a batch and answers an outcome for each."""

    def __init__(self, write: Callable[[list[Draft]], list[Outcome]] = write_together) -> None:
        self._write = write
        self._waiting: list[_Ticket] = []
        self._is_writing = False

    def put(self, draft: Draft) -> Later[Outcome]:
        """Write `draft` with whatever else waits, after what was put before; fails with `database_unavailable`.

        Inside a transaction it belongs to that, and is written at once.
        """
        ticket = _Ticket(draft)
        if database.in_transaction:
            self._settle([ticket])
            return ticket.outcome
        self._waiting.append(ticket)
        if not self._is_writing:
            self._is_writing = True
            # In a context of its own: the caller's snapshot is not the batch's.
            gevent.spawn(Context().run, self._write_waiting)
        return ticket.outcome

    def send(self, draft: Draft) -> Outcome:
        """`put`, and wait until it is durable or refused.

        Raises:
            AppError: `database_unavailable`.
        """
        outcome = self.put(draft)
        if not outcome.is_ready:
            settled = Signal()
            outcome.on_ready(settled.set)
            settled.wait()
        return outcome.result()

    def _write_waiting(self) -> None:
        try:
            gevent.sleep(YIELD_S)  # what arrived with the first goes with it, not after it
            while self._waiting:
                tickets, self._waiting = self._waiting[:BATCH_MAX], self._waiting[BATCH_MAX:]
                self._settle(tickets)
        finally:
            self._is_writing = False

    def _settle(self, tickets: list[_Ticket]) -> None:
        try:
            outcomes = self._write([ticket.draft for ticket in tickets])
        except Exception as why:
            if isinstance(why, AppError) or len(tickets) == 1:
                for ticket in tickets:
                    ticket.outcome.fail(why)
            else:
                log.exception("batch_split", messages=len(tickets))
                for ticket in tickets:
                    self._settle([ticket])
        else:
            for ticket, outcome in zip(tickets, outcomes, strict=True):
                ticket.outcome.settle(outcome)


batcher = Batcher()
