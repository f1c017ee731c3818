"""From the bus to the clients of this worker."""

from __future__ import annotations

from app.backends.handles import handles
from app.core.event import Event
from app.web.sockets import sockets


def start_delivery() -> None:
    """Begin to deliver what the bus brings."""
    handles.bus.start(deliver, on_gap=lambda: None)


def deliver(event: Event) -> None:
    """Give `event` to every local member of its channel."""
    sockets.server.fanout(event.channel, event.name, *event.args, skip_sid=event.origin, latest_key=event.latest_key)
