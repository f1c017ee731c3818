"""Every event that the server sends, with the schemas of its arguments: the table that the AsyncAPI document shows.

A test compares it with what the services emit.
"""

from __future__ import annotations

from dataclasses import dataclass

from marshmallow import fields

from app.live.schemas import PositionSchema
from app.messages.schemas import MessageSchema, Person
from app.rooms.schemas import RoomSchema, Stage
from app.timers.schemas import TimerSchema
from app.web.schema import Flag, Id, Instant, Schema, Whole


class RoomState(RoomSchema):
    """A room as every viewer sees it."""

    timers = fields.List(fields.Nested(TimerSchema))
    stage = fields.Nested(Stage)
    position = fields.Nested(PositionSchema)
    user_count = Whole()
    server_now = Instant()
    share_token = fields.String(metadata={"description": "For whoever presented it or may share."})


class RoomJoined(Schema):
    """The room, who is there and the last 50 messages; `users` and `onlineUsers` are cut at 100."""

    room_id = Id()
    room = fields.Nested(RoomState)
    online_users = fields.List(Id())
    users = fields.List(fields.Nested(Person))
    messages = fields.List(fields.Nested(MessageSchema))
    recovered = Flag(metadata={"description": "What was missed came as events before this one."})
    presence_limited = Flag(metadata={"description": "A crowd: joins, leaves and typing are not told."})


class RoomLeft(Schema):
    """The socket is no longer in the room, and why."""

    room_id = Id()
    reason = fields.String()


class InRoom(Schema):
    """Names a room."""

    room_id = Id()


class UserInRoom(InRoom):
    """Names somebody in a room."""

    user_id = Id()


class UserJoined(InRoom):
    """Somebody came."""

    user = fields.Nested(Person)


class Typing(UserInRoom):
    """Somebody types."""

    username = fields.String()


class Online(Schema):
    """Somebody came online."""

    user_id = Id()
    username = fields.String()


class Offline(Schema):
    """Somebody went offline."""

    user_id = Id()
    last_seen = Instant()


class RoomUpdated(RoomSchema):
    """The room without its timers, and the event's number."""

    seq = Whole()


class RoomDeleted(InRoom):
    """The room is gone."""

    seq = Whole()


class TimerDeleted(Schema):
    """A timer is gone."""

    id = Id()
    timer_id = Id()
    room_id = Id()
    seq = Whole()


class StageUpdate(Stage):
    """What every viewer sees beside the timer."""

    room_id = Id()
    seq = Whole()


class MessageEdited(MessageSchema):
    """The message as it is now."""

    message_id = Id()


class MessageDeleted(Schema):
    """A message was deleted; it keeps its place."""

    message_id = Id()
    room_id = Id()
    change_seq = Whole()


class MessageRead(UserInRoom):
    """The newest of the recipient's messages that the reader has seen."""

    message_id = Id()
    read_at = Instant()


class Notification(Schema):
    """To one person: a mention, an invitation or a direct message."""

    id = Id()
    kind = fields.String()
    room_id = Id()
    message_id = Id()
    from_ = fields.Nested(Person, data_key="from")
    created_at = Instant()


class Draining(Schema):
    """The server is about to stop: connect again within that time."""

    reconnect_in_ms = Whole()


class TokenExpired(Schema):
    """The token has run out; `authenticate` within 60 s."""

    expires_at = Instant()


class Pong(Schema):
    """The answer to `ping`."""

    t = fields.Raw(allow_none=True)
    server_now = Instant()


class ErrorEvent(Schema):
    """Why an event without an ack failed."""

    code = fields.String()
    message = fields.String()
    details = fields.Dict()
    retryable = Flag()
    event = fields.String()


@dataclass(frozen=True, slots=True)
class ServerEvent:
    """A row: the name and the schema of its first argument (`user-count` has a number before it)."""

    name: str
    schema: type[Schema]


SERVER_EVENTS = (
    ServerEvent("room-state", RoomState),
    ServerEvent("room-joined", RoomJoined),
    ServerEvent("room-left", RoomLeft),
    ServerEvent("user-joined-room", UserJoined),
    ServerEvent("user-left-room", UserInRoom),
    ServerEvent("user-count", InRoom),
    ServerEvent("timer-created", TimerSchema),
    ServerEvent("timer-update", TimerSchema),
    ServerEvent("timer-finished", TimerSchema),
    ServerEvent("timer-deleted", TimerDeleted),
    ServerEvent("room-updated", RoomUpdated),
    ServerEvent("room-deleted", RoomDeleted),
    ServerEvent("stage-update", StageUpdate),
    ServerEvent("stage-flash", InRoom),
    ServerEvent("message-received", MessageSchema),
    ServerEvent("message-edited", MessageEdited),
    ServerEvent("message-deleted", MessageDeleted),
    ServerEvent("message-read", MessageRead),
    ServerEvent("user-typing", Typing),
    ServerEvent("user-stopped-typing", UserInRoom),
    ServerEvent("user-online", Online),
    ServerEvent("user-offline", Offline),
    ServerEvent("notification", Notification),
    ServerEvent("server-draining", Draining),
    ServerEvent("token-expired", TokenExpired),
    ServerEvent("pong", Pong),
    ServerEvent("error", ErrorEvent),
)
