"""What clients send about being in a room."""

from __future__ import annotations

from typing import Any

from marshmallow import ValidationError, fields, validate, validates_schema

from app.backends.screens import KINDS
from app.realtime.codec import encode
from app.web.schema import Id, Instant, Line, Schema, Text, Whole, is_json

PROBLEMS = ("silent", "behind", "clock", "slow")
MAX_SEQ = 2**63 - 1
MAX_CLOCK_MS = 253_000_000_000_000
MAX_ROUND_TRIP_MS = 600_000


class PositionSchema(Schema):
    """Where a client is in the two streams of a room: up to which change it knows them."""

    epoch = Text(max_length=64, required=True)
    room = Whole(minimum=0, maximum=MAX_SEQ, required=True)
    chat = Whole(minimum=0, maximum=MAX_SEQ, load_default=0)


class JoinRoom(Schema):
    """The room to join, by exactly one of its id and its share token; a bare string may be either."""

    room_id = Text(max_length=64)
    share_token = Text(max_length=64)
    position = fields.Nested(PositionSchema, allow_none=True)

    def holds(self, data: dict[str, Any]) -> bool:
        """Whether the room is named once."""
        return ("room_id" in data) != ("share_token" in data)

    @validates_schema
    def _one_of_them(self, data: dict[str, Any], **kwargs: Any) -> None:
        if not self.holds(data):
            raise ValidationError("Give either roomId or shareToken.", "roomId")


class LeaveRoom(Schema):
    """The room to leave, by its id or by the token it was joined with. Without one all rooms are left."""

    room_id = Text(max_length=64)


class RequestSync(Schema):
    """The room to catch up with, and where the client is there. Without one all rooms are told anew."""

    room_id = Text(max_length=64)
    position = fields.Nested(PositionSchema, allow_none=True)


def _comes_back(value: Any) -> None:
    try:
        encode(value)
        can_be_sent = is_json(value)  # `encode` writes null for what is not finite
    except TypeError:
        can_be_sent = False
    if not can_be_sent:
        raise ValidationError("Must be JSON that can be sent back.")


class Ping(Schema):
    """Asks for the server's time; `t` comes back as it was."""

    t = fields.Raw(allow_none=True, validate=_comes_back)


class Authenticate(Schema):
    """A fresh token of the same person, for a socket whose token runs out."""

    token = Text(max_length=4096, required=True)


class ScreenReportSchema(Schema):
    """How a stage or a viewer's page is; the ack says when to report again (`againMs`, 0: not at all)."""

    room_id = Id(required=True)
    screen_id = Text(max_length=64)
    kind = fields.String(validate=validate.OneOf(KINDS), required=True)
    name = Line(max_length=40)
    clock = Whole(
        minimum=0,
        maximum=MAX_CLOCK_MS,
        required=True,
        metadata={"description": "What the screen thinks the server's clock says, ms since 1970."},
    )
    round_trip_ms = Whole(minimum=0, maximum=MAX_ROUND_TRIP_MS, required=True)
    revision = Whole(minimum=0, maximum=MAX_SEQ, required=True)


class ScreenSchema(Schema):
    """A stage or a viewer's page that is open somewhere, as hosts see it."""

    id = fields.String()
    kind = fields.String(validate=validate.OneOf(KINDS))
    name = fields.String(allow_none=True)
    last_seen_at = Instant()
    silent_ms = Whole()
    offset_ms = Whole(metadata={"description": "How far its idea of the server's clock is ahead, in milliseconds."})
    round_trip_ms = Whole()
    revision = Whole(metadata={"description": "The last number of the room's stream that it has applied."})
    problems = fields.List(fields.String(validate=validate.OneOf(PROBLEMS)))


class ScreenBoard(Schema):
    """The screens of a room, those with a problem first; `revision` is the newest number of the room's stream."""

    items = fields.List(fields.Nested(ScreenSchema))
    revision = Whole()
