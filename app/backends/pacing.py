"""Files beside conversations: reading one in must not keep the event loop from everybody else.

Each reader rests after a chunk for as long as all readers together worked: whatever their number, they take at most half of
the processor's time, and a message waits for a chunk or two and not for one of each.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from typing import TypeVar

import gevent

LONGEST_REST_S = 0.25

T = TypeVar("T")
_readers = 0


def paced(chunks: Iterable[T]) -> Iterator[T]:
    """`chunks`, with a rest after each."""
    global _readers  # noqa: PLW0603 - they share one processor
    source = iter(chunks)
    _readers += 1
    try:
        while True:
            began_s = time.thread_time()
            try:
                chunk = next(source)
            except StopIteration:
                return
            worked_s = time.thread_time() - began_s
            yield chunk
            gevent.sleep(min(LONGEST_REST_S, worked_s * _readers))
    finally:
        _readers -= 1
