"""What clients send about typing."""

from __future__ import annotations

from app.web.schema import Flag, Schema, Text


class TypingRoom(Schema):
    """A room that the client is in."""

    room_id = Text(max_length=64, required=True)


class TypingState(TypingRoom):
    """Seed 003's one event for both."""

    is_typing = Flag(required=True)
