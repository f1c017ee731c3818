"""Group commit: sends that wait for a commit go together in the next one.

A writer begins as soon as somebody sends and ends when nobody waits, so a lone message waits for nobody and a busy room fills
its batches by itself. On PostgreSQL there are up to `WRITERS`, never two for one room: a quiet room does not wait for the
commit of a busy one, and what is sent to a room is written in the order of sending. A batch that the database refuses as a
whole is written again one by one, so that one bad message never fails the others. Nothing is kept here: an unwritten draft was
not acked, and its client sends it again.
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
WRITERS = 2
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


def most_writers() -> int:
    """How many may write at once. SQLite has one writer anyway: whoever waited for it would not gather."""
    return WRITERS if database.dialect == "postgresql" else 1


class Batcher:
    """Gathers the drafts of this worker; `write` commits a batch and answers an outcome for each."""

    def __init__(
        self,
        write: Callable[[list[Draft]], list[Outcome]] = write_together,
        limit: Callable[[], int] = most_writers,
    ) -> None:
        self._write = write
        self._limit = limit
        self._waiting: list[_Ticket] = []
        self._writers = 0
        self._is_gathering = False  # a writer is about to take what waits
        self._rooms: set[str] = set()  # those that a batch under way writes in

    def put(self, draft: Draft) -> Later[Outcome]:
        """Write `draft` with whatever else waits, after what was put for its room before; fails with `database_unavailable`.

        Inside a transaction it belongs to that, and is written at once.
        """
        ticket = _Ticket(draft)
        if database.in_transaction:
            self._settle([ticket])
            return ticket.outcome
        self._waiting.append(ticket)
        if not self._is_gathering and draft.room_id not in self._rooms and self._writers < self._limit():
            self._is_gathering = True
            self._writers += 1
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
            while tickets := self._take():
                rooms = {ticket.draft.room_id for ticket in tickets}
                self._rooms |= rooms
                try:
                    self._settle(tickets)
                finally:
                    self._rooms -= rooms
        finally:
            self._writers -= 1

    def _take(self) -> list[_Ticket]:
        """Take what may be written now. What waits for a room that is being written in is its writer's to take next."""
        self._is_gathering = False
        taken: list[_Ticket] = []
        left: list[_Ticket] = []
        for ticket in self._waiting:
            is_free = len(taken) < BATCH_MAX and ticket.draft.room_id not in self._rooms
            (taken if is_free else left).append(ticket)
        self._waiting = left
        return taken

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
