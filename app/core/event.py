"""What a service tells the world after its commit."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

Stream = Literal["room", "chat"]


@dataclass(frozen=True, slots=True)
class Event:
    """One event on its way to the clients of a channel.

    name:       the wire name, kebab-case (`timer-update`)
    channel:    who gets it: `room:<id>` (every viewer), `chat:<id>` (who may read the conversation), `user:<id>`
    args:       the arguments of the Socket.IO event, JSON-ready
    stream:     the room's stream that numbers it, None when it is ephemeral
    seq:        its number in that stream
    cause:      what happened, for subscribers inside the transaction (`timer-update` by `start`); not sent
    before:     what was there, for them as well
    latest_key: for ephemeral events: of those with an equal key only the newest matters to a client that lags
    origin:     whom the event need not reach (a socket id), None for everybody
    """

    name: str
    channel: str
    args: tuple[Any, ...] = ()
    stream: Stream | None = None
    seq: int | None = None
    cause: str | None = None
    before: dict[str, Any] | None = field(default=None, compare=False, kw_only=True)
    latest_key: str | None = None
    origin: str | None = field(default=None, compare=False)

    @property
    def room_id(self) -> str | None:
        """The room of a `room:` or `chat:` channel."""
        kind, _, ident = self.channel.partition(":")
        return ident if kind in ("room", "chat") else None


def room_channel(room_id: str) -> str:
    """The channel of everybody who sees the room."""
    return f"room:{room_id}"


def chat_channel(room_id: str) -> str:
    """The channel of everybody who may read the room's conversation."""
    return f"chat:{room_id}"


def user_channel(person_id: str) -> str:
    """The channel of one person's sockets, whatever rooms they are in."""
    return f"user:{person_id}"
