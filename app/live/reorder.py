"""One numbered stream of one room, put into order.

Events reach a worker by several ways (its own commits at once, the bus, the head poll), so they come twice, late or not
at all. What leaves here leaves once and in the order of its number. Pure: no clock, no network; who owns it decides when
a gap has lasted long enough and reads the database.
"""

from __future__ import annotations

from collections.abc import Iterable

from app.core.event import Event


class StreamOrder:
    """Rule: every number up to `last` has been handed out or needs no event; held events are all above it."""

    def __init__(self) -> None:
        self.last: int | None = None
        self._held: dict[int, Event] = {}

    @property
    def has_gap(self) -> bool:
        """Whether events wait for a number before them."""
        return self.last is not None and bool(self._held)

    def begin(self, head: int) -> list[Event]:
        """Start after number `head`; returns what has come since, in order. Until then everything is held."""
        self.last = head
        self._held = {seq: event for seq, event in self._held.items() if seq > head}
        return self._following()

    def offer(self, event: Event) -> list[Event]:
        """Take an event that arrived; returns what may go out now, in order. A duplicate is dropped."""
        seq = event.seq or 0
        if self.last is not None and seq <= self.last:
            return []
        self._held[seq] = event
        return self._following()

    def settle(self, head: int, events: Iterable[Event]) -> list[Event]:
        """Close every gap up to `head` with what the database had; returns what may go out now, in order.

        A number up to `head` without an event needs none: a later change of the same thing stands for it.
        """
        if self.last is None or head <= self.last:
            return []
        after = self.last
        found = sorted(
            (event for event in events if after < (event.seq or 0) <= head), key=lambda event: event.seq or 0
        )
        return found + self.begin(head)

    def _following(self) -> list[Event]:
        ready: list[Event] = []
        while self.last is not None and self.last + 1 in self._held:
            self.last += 1
            ready.append(self._held.pop(self.last))
        return ready
