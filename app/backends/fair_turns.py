"""Turns at what only a few can do at a time, so that nobody who wants many of them keeps the others waiting.

One person has one turn at a time; who wants more waits, in a line of their own. Lines are served in turn: who just had a turn
is behind everybody who waits. So a person waits for at most one turn of each of the others, however much those want.
"""

from __future__ import annotations

from collections import OrderedDict, deque
from collections.abc import Iterator
from contextlib import contextmanager

from gevent.event import Event

from app.core.errors import AppError


class FairTurns:
    """`at_once` turns in this process, for at most `patience_s` of waiting."""

    def __init__(self, at_once: int, patience_s: float) -> None:
        self._free = at_once
        self._patience_s = patience_s
        self._busy: set[str] = set()
        self._lines: OrderedDict[str, deque[Event]] = OrderedDict()  # never empty ones; the first is served next

    @contextmanager
    def turn(self, person: str) -> Iterator[None]:
        """For the block it is the turn of `person`.

        Raises:
            AppError: `rate_limited` when it did not come in time.
        """
        ticket = Event()
        self._lines.setdefault(person, deque()).append(ticket)
        self._serve()
        try:
            if not ticket.wait(self._patience_s):
                raise AppError("rate_limited", retry_after_ms=round(1000 * self._patience_s))
            yield
        finally:
            self._leave(person, ticket)

    def _serve(self) -> None:
        while self._free and (person := next((each for each in self._lines if each not in self._busy), None)):
            self._free -= 1
            self._busy.add(person)
            self._take(person, self._lines[person][0])

    def _take(self, person: str, ticket: Event) -> None:
        ticket.set()
        self._forget(person, ticket)

    def _leave(self, person: str, ticket: Event) -> None:
        if not ticket.is_set():  # it did not come
            self._forget(person, ticket)
            return
        self._free += 1
        self._busy.remove(person)
        if person in self._lines:
            self._lines.move_to_end(person)
        self._serve()

    def _forget(self, person: str, ticket: Event) -> None:
        self._lines[person].remove(ticket)
        if not self._lines[person]:
            del self._lines[person]
