"""Turns at what only a few can do at a time, so that nobody who wants many of them keeps the others waiting.

One person has one turn at a time, or so many as are said; who wants more waits, in a line of their own. Lines are served in
turn: who just had a turn is behind everybody who waits. So a person waits for at most one turn of each of the others, however
much those want.
"""

from __future__ import annotations

from collections import Counter, OrderedDict, deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import gevent.local
from gevent.event import Event

from app.core.errors import AppError


class Asker(gevent.local.local):  # type: ignore[misc]
    """For whom this greenlet works; what it spawns works for the server itself (""), whoever gave the occasion."""

    address: str = ""


asker = Asker()


class FairTurns:
    """`at_once` turns in this process, at most `each` of them one person's, for at most `patience_s` of waiting.

    `late` makes the error of who waited in vain; without it that is `rate_limited`.
    """

    def __init__(
        self, at_once: int, patience_s: float, *, each: int = 1, late: Callable[[], AppError] | None = None
    ) -> None:
        self._free = at_once
        self._patience_s = patience_s
        self._each = each
        self._late = late or self._come_back
        self._held: Counter[str] = Counter()
        self._lines: OrderedDict[str, deque[Event]] = OrderedDict()  # never empty ones; the first is served next

    @contextmanager
    def turn(self, person: str) -> Iterator[None]:
        """For the block it is the turn of `person`.

        Raises:
            AppError: that of `late` when it did not come in time.
        """
        if self._free and self._held[person] < self._each:
            self._begin(person)
        else:
            self._wait(person)
        try:
            yield
        finally:
            self._end(person)

    def _wait(self, person: str) -> None:
        ticket = Event()
        self._lines.setdefault(person, deque()).append(ticket)
        try:
            if not ticket.wait(self._patience_s):
                raise self._late()
        except BaseException:
            if ticket.is_set():  # this greenlet was told to end when its turn had just come
                self._end(person)
            else:
                self._forget(person, ticket)
            raise

    def _begin(self, person: str) -> None:
        self._free -= 1
        self._held[person] += 1

    def _end(self, person: str) -> None:
        self._free += 1
        self._held[person] -= 1
        if not self._held[person]:
            del self._held[person]
        if person in self._lines:
            self._lines.move_to_end(person)
        self._serve()

    def _serve(self) -> None:
        while self._free and (person := self._next()) is not None:
            self._begin(person)
            ticket = self._lines[person][0]
            self._lines.move_to_end(person)
            self._forget(person, ticket)
            ticket.set()

    def _next(self) -> str | None:
        return next((person for person in self._lines if self._held[person] < self._each), None)

    def _forget(self, person: str, ticket: Event) -> None:
        self._lines[person].remove(ticket)
        if not self._lines[person]:
            del self._lines[person]

    def _come_back(self) -> AppError:
        return AppError("rate_limited", retry_after_ms=round(1000 * self._patience_s))
