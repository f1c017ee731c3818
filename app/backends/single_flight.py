"""The same work, asked for several times at once, is done once, and all get what came of it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Generic, TypeVar

from gevent.event import AsyncResult

T = TypeVar("T")


class SingleFlight(Generic[T]):
    """In this process; another one does the work for itself, so that it must bear being done twice."""

    def __init__(self) -> None:
        self._flying: dict[str, AsyncResult[T]] = {}

    def __call__(self, key: str, work: Callable[[], T]) -> T:
        """What `work` returns or raises, or who is at it already for `key`."""
        flying = self._flying.get(key)
        if flying is not None:
            shared: T = flying.get()
            return shared
        flying = self._flying[key] = AsyncResult()
        try:
            outcome = work()
        except BaseException as why:
            flying.set_exception(why)
            raise
        else:
            flying.set(outcome)
            return outcome
        finally:
            del self._flying[key]
