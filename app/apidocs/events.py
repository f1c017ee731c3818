"""Every event that the server sends, with the schemas of its arguments: the table that the AsyncAPI document shows.

A test compares it with what the services emit.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from marshmallow import fields, validate

from app.core.errors import CATALOGUE
from app.live.schemas import PositionSchema
from app.messages.schemas import NOTIFICATION_KINDS, FlatMessageSchema, MessageSchema, Person
from app.rooms.schemas import LEFT_REASONS, ROLES, RoomSchema, Stage
from app.timers.schemas import TimerSchema
from app.web.schema import Flag, Id, Instant, Schema, Whole


class RoomState(RoomSchema):
    """The whole state of a room as every viewer sees it: the room, its timers in order, and its stage."""

    timers = fields.List(fields.Nested(TimerSchema))
    stage = fields.Nested(Stage)
    position = fields.Nested(PositionSchema)
    user_count = Whole()
    server_now = Instant()
    share_token = fields.String(metadata={"description": "For whoever presented it or may share."})


class Reader(Schema):
    """Who the reader of the answer is in this room, and with which role."""

    role = fields.String(validate=validate.OneOf(ROLES))
    user_id = fields.String(allow_none=True, metadata={"description": "The account's or the guest's; null for nobody."})


class ReadRoomState(RoomState):
    """The whole state of a room as every viewer sees it, and who the reader is there."""

    you = fields.Nested(Reader)


class RoomJoined(Schema):
    """The room was joined: its state, who is there, and the last 50 messages. `users` and `onlineUsers` are cut at 100."""

    room_id = Id()
    room = fields.Nested(RoomState)
    online_users = fields.List(Id())
    users = fields.List(fields.Nested(Person))
    messages = fields.List(fields.Nested(MessageSchema))
    recovered = Flag(metadata={"description": "Whether what was missed came as events before this one."})
    presence_limited = Flag(metadata={"description": "Whether it is a crowd: joins, leaves and typing are not told."})


class RoomLeft(Schema):
    """The socket is no longer in the room; `reason` says why."""

    room_id = Id()
    reason = fields.String(validate=validate.OneOf(LEFT_REASONS))


class InRoom(Schema):
    """The event is about this room as a whole."""

    room_id = Id()


class UserInRoom(InRoom):
    """The event is about this person in this room."""

    user_id = Id()


class UserJoined(InRoom):
    """Somebody came into the room, who was not in it by another socket."""

    user = fields.Nested(Person)


class Typing(UserInRoom):
    """Somebody types in the conversation of the room. It holds for 5 s, unless it is renewed or ended."""

    username = fields.String()


class Online(Schema):
    """Somebody in one of the rooms that the socket is in came online."""

    user_id = Id()
    username = fields.String()


class Offline(Schema):
    """The last socket of somebody in one of the rooms that the socket is in is gone."""

    user_id = Id()
    last_seen = Instant()


class RoomUpdated(RoomSchema):
    """The room changed: this is all of it but its timers. `seq` moves the position's `room`."""

    seq = Whole()


class RoomDeleted(InRoom):
    """The room was deleted and is gone. `seq` moves the position's `room`."""

    seq = Whole()


class TimerDeleted(Schema):
    """A timer was deleted and is gone. `seq` moves the position's `room`."""

    id = Id()
    timer_id = Id()
    room_id = Id()
    seq = Whole()


class StageUpdate(Stage):
    """The stage changed: this is what every viewer now sees beside the timer. `seq` moves the position's `room`."""

    room_id = Id()
    seq = Whole()


class MessageEdited(MessageSchema):
    """The message as it is now, after an edit, a vote or a question's new state. `changeSeq` moves the position's `chat`."""

    message_id = Id()


class MessageDeleted(Schema):
    """A message was deleted: it keeps its place and loses its text. `changeSeq` moves the position's `chat`."""

    message_id = Id()
    room_id = Id()
    change_seq = Whole()


class MessageRead(UserInRoom):
    """Somebody has read on: `messageId` is the newest of the receiver's own messages that they have seen."""

    message_id = Id()
    read_at = Instant()


class Notification(Schema):
    """Something for this person alone: they were mentioned, let into a room, or written to directly."""

    id = Id()
    kind = fields.String(validate=validate.OneOf(NOTIFICATION_KINDS))
    room_id = Id()
    message_id = Id()
    from_ = fields.Nested(Person, data_key="from")
    created_at = Instant()


class Draining(Schema):
    """The worker is about to stop: connect again after `reconnectInMs`, to whichever worker answers."""

    reconnect_in_ms = Whole()


class TokenExpired(Schema):
    """The token of the socket has run out: `authenticate` with a fresh one within `TOKEN_GRACE_MS` (60 s), or it is closed."""

    expires_at = Instant()


class Pong(Schema):
    """The answer to `ping`, by which a client learns the server's time."""

    t = fields.Raw(allow_none=True)
    server_now = Instant()


class ErrorEvent(Schema):
    """An event that was sent without an ack failed, and why."""

    code = fields.String(validate=validate.OneOf(tuple(CATALOGUE)))
    message = fields.String()
    details = fields.Dict()
    retryable = Flag()
    retry_after_ms = Whole(
        metadata={
            "description": "How long to wait before another try, in milliseconds; missing where waiting does not help."
        }
    )
    event = fields.String()


class SnakePast(FlatMessageSchema):
    """One of the last messages, for a client that joined with `join_room`: it has the flat keys beside the rest."""


class SnakeRoomJoined(RoomJoined):
    """In place of `room-joined`, for a client that joined with `join_room`: its messages have their flat keys as well."""

    messages = fields.List(fields.Nested(SnakePast))


class SnakeMessage(Schema):
    """In place of `message-received`, for a client that joined with `join_room`: somebody wrote. `text` is the `content`."""

    id = Id()
    room_id = Id()
    user_id = Id(allow_none=True)
    content = fields.String()
    created_at = Instant()
    name = fields.String(allow_none=True)
    text = fields.String()
    ts = Whole()
    attachment_id = Id(allow_none=True)


class SnakeTyping(UserInRoom):
    """In place of `user-typing` and `user-stopped-typing`, for a client that joined with `join_room`."""

    is_typing = Flag()


class SnakePresence(InRoom):
    """In place of joins, leaves and who is online, for a client that joined with `join_room`: the ids of all who are there."""

    users = fields.List(Id())


NUMBERED = "`seq` moves the position's `room`; `serverNow` is the server's clock."
COUNT = "Two arguments, `count, {roomId}`: how many people are in the room, viewers without a name included."
RECEIVED = (
    "Somebody wrote, the receiver's own words included; `changeSeq` moves the position's `chat`. `user` and `userId` are null "
    "for the server's lines."
)


@dataclass(frozen=True, slots=True)
class ServerEvent:
    """A row: the name, the schema of its object, and what it says where that is not what the schema is.

    leading: the argument before the object, as JSON Schema, for an event with two.
    """

    name: str
    schema: type[Schema]
    says: str = ""
    leading: dict[str, Any] | None = None


SERVER_EVENTS = (
    ServerEvent("room-state", RoomState),
    ServerEvent("room-joined", RoomJoined),
    ServerEvent("room-left", RoomLeft),
    ServerEvent("user-joined-room", UserJoined),
    ServerEvent("user-left-room", UserInRoom, "Somebody left, or has been gone for a while."),
    ServerEvent("user-count", InRoom, COUNT, {"type": "integer", "minimum": 0}),
    ServerEvent("timer-created", TimerSchema, f"A timer was made. {NUMBERED}"),
    ServerEvent("timer-update", TimerSchema, f"A timer changed: this is how it is now. {NUMBERED}"),
    ServerEvent("timer-finished", TimerSchema, f"A timer's run ended, at `finishedAt`; once for each run. {NUMBERED}"),
    ServerEvent("timer-deleted", TimerDeleted),
    ServerEvent("room-updated", RoomUpdated),
    ServerEvent("room-deleted", RoomDeleted),
    ServerEvent("stage-update", StageUpdate),
    ServerEvent("stage-flash", InRoom, "The stage shall flash once."),
    ServerEvent("message-received", MessageSchema, RECEIVED),
    ServerEvent("message-edited", MessageEdited),
    ServerEvent("message-deleted", MessageDeleted),
    ServerEvent("message-read", MessageRead),
    ServerEvent("user-typing", Typing),
    ServerEvent("user-stopped-typing", UserInRoom, "Somebody no longer types."),
    ServerEvent("user-online", Online),
    ServerEvent("user-offline", Offline),
    ServerEvent("notification", Notification),
    ServerEvent("server-draining", Draining),
    ServerEvent("token-expired", TokenExpired),
    ServerEvent("pong", Pong),
    ServerEvent("error", ErrorEvent),
    ServerEvent("room_joined", SnakeRoomJoined),
    ServerEvent("room_left", RoomLeft, "In place of `room-left`, for a client that joined with `join_room`."),
    ServerEvent("message", SnakeMessage),
    ServerEvent("typing", SnakeTyping),
    ServerEvent("presence", SnakePresence),
)
