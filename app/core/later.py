"""A result that comes later, so that whoever asked for it can go on meanwhile."""

from __future__ import annotations

from collections.abc import Callable
from typing import Generic, TypeVar

T = TypeVar("T")
U = TypeVar("U")


def _nobody() -> None:
    """Nobody waits."""


class Later(Generic[T]):
    """Settled or failed once. `result` is asked once and only when `is_ready`; `on_ready` tells one listener."""

    __slots__ = ("_error", "_listener", "_value", "is_ready")

    def __init__(self) -> None:
        self.is_ready = False
        self._value: T | None = None
        self._error: Exception | None = None
        self._listener: Callable[[], None] = _nobody

    def settle(self, value: T) -> None:
        """Here it is."""
        self._value = value
        self._end()

    def fail(self, error: Exception) -> None:
        """It will never come: `result` raises `error`."""
        self._error = error
        self._end()

    def on_ready(self, listener: Callable[[], None]) -> None:
        """Call `listener` where the result is settled, or now if it is there; it must not block."""
        if self.is_ready:
            listener()
        else:
            self._listener = listener

    def result(self) -> T:
        """The value; raises what it failed with."""
        if self._error is not None:
            raise self._error
        return self._value  # type: ignore[return-value]

    def followed_by(self, step: Callable[[Later[T]], U]) -> Following[T, U]:
        """A result that `step` makes of this one when it is asked for: where it is asked, not where this is settled."""
        return Following(self, step)

    def _end(self) -> None:
        self.is_ready = True
        listener, self._listener = self._listener, _nobody
        listener()


class Following(Later[U], Generic[T, U]):
    """See `Later.followed_by`."""

    __slots__ = ("_before", "_step")

    def __init__(self, before: Later[T], step: Callable[[Later[T]], U]) -> None:
        self._before = before
        self._step = step

    @property
    def is_ready(self) -> bool:  # type: ignore[override]
        return self._before.is_ready

    def on_ready(self, listener: Callable[[], None]) -> None:
        self._before.on_ready(listener)

    def result(self) -> U:
        return self._step(self._before)
