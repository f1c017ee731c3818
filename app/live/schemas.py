"""What clients send about being in a room."""

from __future__ import annotations

from typing import Any

from marshmallow import ValidationError, fields, validates_schema

from app.realtime.codec import encode
from app.web.schema import Schema, Text, Whole

MAX_SEQ = 2**63 - 1


class PositionSchema(Schema):
    """Where the client is in a room's streams."""

    epoch = Text(max_length=64, required=True)
    room = Whole(minimum=0, maximum=MAX_SEQ, required=True)
    chat = Whole(minimum=0, maximum=MAX_SEQ, load_default=0)


class JoinRoom(Schema):
    """A room by its id or share token; a bare string may be either."""

    room_id = Text(max_length=64)
    share_token = Text(max_length=64)
    position = fields.Nested(PositionSchema, allow_none=True)

    @validates_schema
    def _one_of_them(self, data: dict[str, Any], **kwargs: Any) -> None:
        if ("room_id" in data) == ("share_token" in data):
            raise ValidationError("Give either roomId or shareToken.", "roomId")


class LeaveRoom(Schema):
    """A room by its id, or by the token it was joined with; nothing: all rooms."""

    room_id = Text(max_length=64)


class RequestSync(Schema):
    """A room that the client is in, and its position there; nothing: all rooms, anew."""

    room_id = Text(max_length=64)
    position = fields.Nested(PositionSchema, allow_none=True)


def _comes_back(value: Any) -> None:
    try:
        encode(value)
    except TypeError:
        raise ValidationError("Must be JSON that can be sent back.") from None


class Ping(Schema):
    """`t` comes back as it was."""

    t = fields.Raw(allow_none=True, validate=_comes_back)


class Authenticate(Schema):
    """A fresh token of the same person."""

    token = Text(max_length=4096, required=True)
