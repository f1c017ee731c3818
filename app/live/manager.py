"""Flask-SocketIO's `client_manager`: what is emitted through the extension reaches the clients of every worker.

Features publish events inside transactions and never need it. It is there for `socketio.emit("…", room="room:<id>")` in an
extension or a shell: such an event is not numbered, so it is lost where the bus is away.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from app.backends.handles import handles
from app.core.event import Event
from app.realtime.manager import Manager, unpack

CHANNEL_KINDS = ("room:", "chat:", "user:")


class BusManager(Manager):
    """The engine's manager, with an `emit` that goes over the bus."""

    def emit(  # noqa: PLR0917 - its signature
        self,
        event: str,
        data: Any,
        namespace: str,
        room: Any = None,
        skip_sid: Any = None,
        callback: Callable[..., Any] | None = None,
        to: Any = None,
        **options: Any,
    ) -> None:
        """python-socketio's emit. To one socket, to a list, to everybody or with a callback: the clients of this worker."""
        to = to or room
        is_channel = isinstance(to, str) and to.startswith(CHANNEL_KINDS)
        if not is_channel or callback is not None or isinstance(skip_sid, (list, tuple, set)):
            super().emit(event, data, namespace, skip_sid=skip_sid, callback=callback, to=to, **options)
            return
        handles.bus.publish([Event(event, to, tuple(unpack(data)), origin=skip_sid)])
