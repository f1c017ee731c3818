"""Time, always aware UTC, in whole milliseconds.

Rule: nothing else in the application asks the operating system for the time of day. What is stored or compared is the
*database's* time: each worker keeps its offset to it (`SystemClock.offset_ms`), so that a worker whose own clock is wrong
changes nothing.
"""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from typing import Protocol


class Clock(Protocol):
    """The two readings that the application needs."""

    def now(self) -> datetime:
        """The current instant: aware, UTC, whole milliseconds."""
        ...

    def monotonic_ms(self) -> float:
        """Milliseconds since an arbitrary point; never goes backwards. For intervals only."""
        ...


class SystemClock:
    """The machine's clock, corrected by the measured offset to the database's."""

    def __init__(self) -> None:
        self.offset_ms = 0.0

    def now(self) -> datetime:
        return truncate(datetime.fromtimestamp(time.time() + self.offset_ms / 1000, UTC))

    def monotonic_ms(self) -> float:
        return time.monotonic() * 1000


class FakeClock:
    """A clock that moves only when a test says so."""

    def __init__(self, start: datetime | None = None) -> None:
        self._now = truncate(start or datetime(2026, 1, 1, 12, tzinfo=UTC))
        self._monotonic_ms = 0.0

    def now(self) -> datetime:
        return self._now

    def monotonic_ms(self) -> float:
        return self._monotonic_ms

    def advance(self, duration_ms: float) -> datetime:
        """Move on by `duration_ms` and return the new instant."""
        self._now = truncate(self._now + timedelta(milliseconds=duration_ms))
        self._monotonic_ms += duration_ms
        return self._now


def truncate(instant: datetime) -> datetime:
    """The same instant in UTC without its microseconds: the resolution of the wire and of every table."""
    instant = instant.astimezone(UTC)
    return instant.replace(microsecond=instant.microsecond // 1000 * 1000)


def to_epoch_ms(instant: datetime) -> int:
    """Milliseconds since 1970, exact (no float on the way)."""
    return (instant - _EPOCH) // _MILLISECOND


def from_epoch_ms(epoch_ms: int) -> datetime:
    """The instant at `epoch_ms` milliseconds since 1970."""
    return _EPOCH + epoch_ms * _MILLISECOND


def to_wire(instant: datetime) -> str:
    """ISO 8601, UTC, three digits of milliseconds and `Z`: `2026-01-01T12:00:00.000Z`."""
    return instant.astimezone(UTC).isoformat(timespec="milliseconds")[:-6] + "Z"


def from_wire(text: str) -> datetime:
    """Parse an ISO 8601 instant that names its offset.

    Raises:
        ValueError: not ISO 8601, without an offset, or outside the years 1970-9998.
    """
    instant = datetime.fromisoformat(text)
    if instant.tzinfo is None:
        raise ValueError("an instant needs an offset")
    if not _EPOCH.year <= instant.year <= _LAST_YEAR:
        raise ValueError("out of range")
    return truncate(instant)


def add_ms(instant: datetime, duration_ms: int) -> datetime:
    """`instant` moved by `duration_ms`."""
    return instant + duration_ms * _MILLISECOND


def ms_between(start: datetime, end: datetime) -> int:
    """Whole milliseconds from `start` to `end`, negative when `end` is the earlier."""
    return (end - start) // _MILLISECOND


_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_LAST_YEAR = 9998
_MILLISECOND = timedelta(milliseconds=1)
