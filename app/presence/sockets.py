"""Socket events about typing, and the end of connections."""

from __future__ import annotations

from typing import Any

from app.presence import service
from app.presence.schemas import TypingRoom, TypingState
from app.web.sockets import Client, on, sockets


@on("typing-start", TypingRoom, string_key="roomId", limit="typing")
def typing_start(client: Client, data: dict[str, Any]) -> None:
    """Show others that one types; gone after 5 s unless repeated, and on sending or leaving. Ack `{ok}`."""
    service.start_typing(client=client, room_ref=data["room_id"])


@on("typing-stop", TypingRoom, string_key="roomId", limit="typing")
def typing_stop(client: Client, data: dict[str, Any]) -> None:
    """Show others that one types no longer. Ack `{ok}`."""
    service.stop_typing(client=client, room_ref=data["room_id"])


@on("typing", TypingState, limit="typing")
def typing(client: Client, data: dict[str, Any]) -> None:
    """`typing-start` or `typing-stop` in one event, by `isTyping`. Ack `{ok}`."""
    act = service.start_typing if data["is_typing"] else service.stop_typing
    act(client=client, room_ref=data["room_id"])


# First of all listeners: what others do about a lost connection (leaving its rooms) must not look like leaving on purpose.
sockets.on_disconnected.insert(0, service.disconnect)
