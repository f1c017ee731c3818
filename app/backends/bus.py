"""The bus: carries committed events to every worker that has clients in their channel.

Promises of every implementation
- `publish` never blocks on the network and never raises; what it cannot deliver is found by the head poll.
- Events of one `publish` arrive in its order; across publishers the order is made by `seq` at the receiver.
- Once for each worker that hears the channel, or not at all. The publisher's own worker gets the event as well.
- After `subscribe` has returned, events published later to those channels reach this worker.
- `on_gap` is called when something may have been lost (a reconnection), so that the worker reads what it missed.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

from app.core.event import Event


class Bus(Protocol):
    """The port; one per worker."""

    def start(self, deliver: Callable[[Event], None], on_gap: Callable[[], None]) -> None:
        """Begin to hand arriving events to `deliver`."""
        ...

    def publish(self, events: Sequence[Event]) -> None: ...

    def subscribe(self, *channels: str) -> None: ...

    def unsubscribe(self, *channels: str) -> None: ...

    def is_healthy(self) -> bool:
        """Whether events travel at this moment."""
        ...

    def flush(self, timeout_s: float) -> bool:
        """Wait until what was published has left; False when that took too long. For a worker that is about to end."""
        ...

    def stop(self) -> None:
        """Flush what waits, then let go of all connections."""
        ...
