"""Questions that wait while one is being asked go to the database together in the next one.

A lone question waits for nobody; a storm of them (ten thousand sockets that come back at once) fills its batches by itself, in
the order of asking, and takes one connection, so that the pool is never what they queue for. Each is answered by a read that
begins after it was asked: as fresh as if it had been asked alone. Who asks inside a transaction is answered inside it.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping
from contextvars import Context
from dataclasses import dataclass, field
from typing import Generic, TypeVar

import gevent
from gevent.event import AsyncResult

from app.backends.transaction import database

BATCH_MAX = 128

Q = TypeVar("Q", bound=Hashable)
A = TypeVar("A")


@dataclass(slots=True)
class _Asker(Generic[Q, A]):
    question: Q
    answer: AsyncResult[A] = field(default_factory=AsyncResult)


class Gather(Generic[Q, A]):
    """`ask` answers several questions at once: for each the answer, or the error to raise to who asked it."""

    def __init__(self, ask: Callable[[list[Q]], Mapping[Q, A | Exception]]) -> None:
        self._ask = ask
        self._waiting: list[_Asker[Q, A]] = []
        self._is_asking = False

    def __call__(self, question: Q) -> A:
        """The answer to `question`; raises what `ask` has for it, or what `ask` raises."""
        if database.in_snapshot:
            return _given(self._ask([question])[question])
        asker: _Asker[Q, A] = _Asker(question)
        self._waiting.append(asker)
        if not self._is_asking:
            self._is_asking = True
            gevent.spawn(Context().run, self._ask_waiting)  # the caller's snapshot is not the batch's
        answer: A = asker.answer.get()
        return answer

    def _ask_waiting(self) -> None:
        try:
            while self._waiting:
                askers, self._waiting = self._waiting[:BATCH_MAX], self._waiting[BATCH_MAX:]
                self._settle(askers)
        finally:
            self._is_asking = False

    def _settle(self, askers: list[_Asker[Q, A]]) -> None:
        try:
            answers = self._ask(list(dict.fromkeys(asker.question for asker in askers)))
        except Exception as why:  # noqa: BLE001 - raised to everybody who asked
            for asker in askers:
                asker.answer.set_exception(why)
            return
        for asker in askers:
            answer = answers[asker.question]
            if isinstance(answer, Exception):
                asker.answer.set_exception(answer)
            else:
                asker.answer.set(answer)


def _given(answer: A | Exception) -> A:
    if isinstance(answer, Exception):
        raise answer
    return answer
