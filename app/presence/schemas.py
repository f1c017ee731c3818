"""What clients send about typing."""

from __future__ import annotations

from app.web.schema import Flag, Schema, Text


class TypingRoom(Schema):
    """The room in which one types; the client is in it."""

    room_id = Text(max_length=64, required=True)


class TypingState(TypingRoom):
    """The room that it is about, and whether one types there; the client is in it."""

    is_typing = Flag(required=True)
