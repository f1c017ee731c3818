"""Files beside conversations: taking one in must keep neither the event loop nor the database from everybody else.

- Reading: chunks are taken in turn, one after another, with a rest after each that is as long as the chunk took to read. So
  all readers together, whatever their number, take at most half of the loop's time, and a message waits for one chunk at most.
- Writing to SQLite, which has one writer: of the files only one at a time waits for it, so that a message waits for one of them
  and not for all that are asked for or completed at once.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import TypeVar

import gevent
from gevent.lock import BoundedSemaphore

from app.backends.transaction import database
from app.core.errors import AppError

LONGEST_REST_S = 0.25
LEAST_REST_S = 1e-6
WRITER_WAIT_S = 5.0

T = TypeVar("T")
_free_at_s = 0.0
_first_in_line = BoundedSemaphore(1)


def paced(chunks: Iterable[T]) -> Iterator[T]:
    """`chunks`, each read when it is its turn."""
    source = iter(chunks)
    while True:
        began_s = time.thread_time()
        try:
            chunk = next(source)
        except StopIteration:
            return
        worked_s = time.thread_time() - began_s
        yield chunk
        gevent.sleep(_rest_s(worked_s))


def _rest_s(worked_s: float) -> float:
    """How long until the next turn of one whose last took `worked_s`; the turn is taken."""
    global _free_at_s  # noqa: PLW0603 - they share one processor
    now_s = time.monotonic()
    mine_s = min(max(now_s + worked_s, _free_at_s), now_s + LONGEST_REST_S)
    _free_at_s = mine_s + 2 * worked_s
    return max(mine_s - now_s, LEAST_REST_S)


@contextmanager
def one_in_line() -> Iterator[None]:
    """For a transaction about files; on PostgreSQL, where nobody waits for a single writer, it does nothing.

    Raises:
        AppError: `database_unavailable` when the others take too long.
    """
    if database.dialect != "sqlite" or database.in_transaction:
        yield
        return
    if not _first_in_line.acquire(timeout=WRITER_WAIT_S):
        raise AppError("database_unavailable")
    try:
        yield
    finally:
        _first_in_line.release()
