"""The snake_case dialect, in one table: what a client that joined with `join_room` gets in place of our events.

An event without a row keeps its name and arguments. Nothing here runs for a channel without such clients.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from app.core.event import Event
from app.messages.service import flat_form
from app.presence.service import presence_payload
from app.web.sockets import Client

SNAKE_SUFFIX = "~snake"
SNAKE_EVENTS = frozenset({"join_room", "leave_room", "send_message", "message", "typing"})
MESSAGE_KEYS = ("id", "roomId", "userId", "content", "createdAt", "name", "text", "ts", "attachmentId")

Emission = tuple[Any, ...]
Translation = Callable[[Event], Iterable[Emission]]


def translate(event: Event) -> Iterable[Emission]:
    """`(name, *arguments)` of each event that stands for `event`."""
    translation = TABLE.get(event.name)
    return [(event.name, *event.args)] if translation is None else translation(event)


def _message(event: Event) -> list[Emission]:
    """`message` in place of `message-received`, with the keys of its flat form."""
    message = flat_form(event.args[0])
    return [("message", {key: message[key] for key in MESSAGE_KEYS})]


def _typing(is_typing: bool) -> Translation:
    def translation(event: Event) -> list[Emission]:
        (who,) = event.args
        return [("typing", {"roomId": who["roomId"], "userId": who["userId"], "isTyping": is_typing})]

    return translation


def _presence(event: Event) -> list[Emission]:
    """`presence` is the whole list at every change; a crowd's is never sent."""
    return [("presence", presence_payload(event.room_id))] if event.room_id else []


def _joined(event: Event) -> list[Emission]:
    """Clients of this dialect know from `presence` alone who is here, so they begin with one."""
    (joined,) = event.args
    here = {"roomId": joined["roomId"], "users": joined["onlineUsers"]}
    return [("room_joined", joined), *([] if "presenceLimited" in joined else [("presence", here)])]


def _renamed(name: str) -> Translation:
    return lambda event: [(name, *event.args)]


def shape_error(client: Client, error: dict[str, Any]) -> dict[str, Any]:
    """The `error` event as `client` knows it: in snake_case it is `{code, message}`."""
    is_snake = error["event"] in SNAKE_EVENTS or any(seat.dialect == "snake" for seat in client.seats.values())
    return {key: error[key] for key in ("code", "message")} if is_snake else error


TABLE: dict[str, Translation] = {
    "room-joined": _joined,
    "room-left": _renamed("room_left"),
    "message-received": _message,
    "user-typing": _typing(True),
    "user-stopped-typing": _typing(False),
    "user-joined-room": _presence,
    "user-left-room": _presence,
    "user-online": _presence,
    "user-offline": _presence,
}
