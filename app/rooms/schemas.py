"""What the rooms' routes take and give, and the payloads of their events."""

from __future__ import annotations

from typing import Any, ClassVar, Literal, get_args

import marshmallow as ma
from marshmallow import fields, validate

from app.rooms.models import CHAT_MODES, HISTORY_MODES, STAGE_STYLES, Role, Room
from app.rooms.recording import ACTIONS, SubjectKind
from app.web.cursor import PageQuery, page_schema
from app.web.schema import Flag, Id, Instant, Line, Schema, Text, Whole, one_of

MAX_SLOW_MODE_MS = 3_600_000
MAX_LINK_USES = 100_000
GIVEN_ROLES = ("viewer", "member", "host")
ROLES = tuple(role.wire for role in Role)
#: Why rights changed; all but `admitted` end seats, and are then the `reason` of `room-left`.
Reason = Literal[
    "admitted", "removed", "banned", "left", "rotated", "deleted", "role", "muted", "private", "guests", "conversation"
]
LEFT_REASONS = tuple(reason for reason in get_args(Reason) if reason != "admitted")


class RoomSettings(Schema):
    """The settings of a room. In a request those that are given change, and the others stay as they are."""

    guests = Flag()
    chat_mode = fields.String(validate=validate.OneOf(CHAT_MODES))
    slow_mode_ms = Whole(minimum=0, maximum=MAX_SLOW_MODE_MS)
    history = fields.String(validate=validate.OneOf(HISTORY_MODES))
    receipts = Flag()
    uploads = Flag()
    system_messages = Flag()
    one_timer_at_a_time = Flag()
    embeddable = Flag()

    def on_bind_field(self, field_name: str, field_obj: fields.Field[Any]) -> None:
        super().on_bind_field(field_name, field_obj)
        field_obj.attribute = field_obj.data_key  # kept in the database as on the wire


class Stage(Schema):
    """What every viewer sees beside the timer: a text of the hosts, or nothing at all."""

    text = Text(min_length=0, max_length=500, required=True)
    style = fields.String(validate=validate.OneOf(STAGE_STYLES), allow_none=True, load_default=None)
    visible = Flag(required=True)
    blackout = Flag(load_default=False)
    room_id = Id(dump_only=True)
    seq = Whole(dump_only=True)


class RoomSchema(Schema):
    """A room without its timers and stage, as every viewer may see it."""

    id = Id(dump_only=True)
    name = Line(max_length=120)
    description = Text(min_length=0, max_length=2000, allow_none=True)
    is_private = Flag()
    owner_id = Id(dump_only=True)
    settings = fields.Nested(RoomSettings, attribute="all_settings")
    created_at = Instant(dump_only=True)
    updated_at = Instant(dump_only=True)


class RoomViewSchema(RoomSchema):
    """A room as one person sees it.

    `shareToken` is there for who may share it, `unreadCount` in lists.
    """

    role = fields.String(dump_only=True, validate=validate.OneOf(ROLES))
    is_direct = Flag(dump_only=True)
    share_token = fields.String(dump_only=True)
    unread_count = Whole(dump_only=True)

    def get_attribute(self, obj: Any, attr: str, default: Any) -> Any:
        """What the view does not have of its own is the room's."""
        value = super().get_attribute(obj, attr, ma.missing)
        return super().get_attribute(obj.room, attr, default) if value is ma.missing else value

    @ma.post_dump
    def _leave_out(self, data: dict[str, Any], **_: Any) -> dict[str, Any]:
        return {key: value for key, value in data.items() if value is not None or key == "description"}


class NewRoom(Schema):
    """The room that is to be made."""

    name = Line(max_length=120, required=True)
    description = Text(min_length=0, max_length=2000, allow_none=True, load_default=None)
    is_private = Flag(load_default=False)
    settings = fields.Nested(RoomSettings, load_default=dict)


class RoomChange(RoomViewSchema):
    """What may change of a room. A PUT may send back the whole state that it was given: read-only keys are ignored."""

    settings = fields.Nested(RoomSettings)
    timers = fields.Raw(dump_only=True)
    stage = fields.Raw(dump_only=True)
    position = fields.Raw(dump_only=True)
    user_count = fields.Raw(dump_only=True)
    server_now = fields.Raw(dump_only=True)
    you = fields.Raw(dump_only=True)
    seq = fields.Raw(dump_only=True)


class RoomQuery(PageQuery):
    """Which page of the list: `?q=&cursor=&limit=`."""

    q = Text(min_length=0, max_length=120, load_default="")


class AccountSchema(Schema):
    """An account as other people see it."""

    id = Id(dump_only=True)
    username = fields.String(dump_only=True)
    name = fields.String(dump_only=True)


class MemberSchema(Schema):
    """Somebody's membership of a room, and who they are."""

    user_id = Id(dump_only=True)
    room_id = Id(dump_only=True)
    role = fields.String(dump_only=True, validate=validate.OneOf(ROLES))
    muted_until = Instant(dump_only=True, allow_none=True)
    created_at = Instant(dump_only=True)
    updated_at = Instant(dump_only=True)
    user = fields.Nested(AccountSchema, dump_only=True)


class NewMember(Schema):
    """Who is to be added to the room, named by exactly one of `userId`, `email` and `username`, and in which role."""

    json_rules: ClassVar[dict[str, Any]] = one_of("userId", "email", "username")
    user_id = Id()
    email = Text(max_length=254)
    username = Text(max_length=40)
    role = fields.String(validate=validate.OneOf(GIVEN_ROLES), load_default="member")

    @ma.validates_schema
    def _one_name(self, data: dict[str, Any], **_: Any) -> None:
        if len({"user_id", "email", "username"} & set(data)) != 1:
            raise ma.ValidationError("Give one of userId, email, username.", "userId")


class MemberChange(MemberSchema):
    """What may change of a membership."""

    role = fields.String(validate=validate.OneOf((*GIVEN_ROLES, "owner")))
    muted_until = Instant(allow_none=True)


class GuestSchema(Schema):
    """A guest of the room: somebody without an account, under a nickname."""

    id = Id(dump_only=True)
    name = fields.String(dump_only=True)
    muted_until = Instant(dump_only=True, allow_none=True)
    created_at = Instant(dump_only=True)


class NewGuest(Schema):
    """The nickname that somebody without an account wants to enter the room with."""

    name = Line(max_length=40, joins=True, required=True)


class GuestChange(GuestSchema):
    """What may change of a guest."""

    muted_until = Instant(allow_none=True, required=True)


class GuestNameSchema(Schema):
    """Who the guest is from now on. Where the nickname was taken, a number was put behind it."""

    id = Id(dump_only=True)
    name = fields.String(dump_only=True)


class AdmittedGuest(Schema):
    """The guest, and the token that they act with, in this room only."""

    guest = fields.Nested(GuestNameSchema, dump_only=True)
    access_token = fields.String(dump_only=True)


class BanSchema(Schema):
    """A ban: this account or guest may not come into the room until it is lifted."""

    id = Id(dump_only=True)
    room_id = Id(dump_only=True)
    user_id = Id(dump_only=True, allow_none=True)
    guest_id = Id(dump_only=True, allow_none=True)
    name = fields.String(dump_only=True)
    reason = fields.String(dump_only=True, allow_none=True)
    created_by = Id(dump_only=True, allow_none=True)
    created_at = Instant(dump_only=True)


class AuditSubjectSchema(Schema):
    """Upon what something was done. `name` is a timer's title as it was then, or a person's (a message's author's) as it is."""

    kind = fields.String(dump_only=True, validate=validate.OneOf(get_args(SubjectKind)))
    id = Id(dump_only=True)
    name = fields.String(dump_only=True, allow_none=True)


class AuditEntrySchema(Schema):
    """One action: who did it, under the name they had then, what, and upon what (`subject` null: the room).

    `event` is how clients heard of it, `seq` its number in the room's stream, null if it is not in it. `timerId` and `userId`
    repeat the subject's id where it is one. `details` are a few words more, by the action: `{"role": "host"}`.
    """

    id = Id(dump_only=True)
    seq = Whole(dump_only=True, allow_none=True)
    at = Instant(dump_only=True)
    action = fields.String(dump_only=True, validate=validate.OneOf(ACTIONS))
    event = fields.String(dump_only=True)
    actor_id = Id(dump_only=True)
    actor_name = fields.String(dump_only=True)
    subject = fields.Nested(AuditSubjectSchema, dump_only=True, allow_none=True)
    details = fields.Dict(keys=fields.String(), dump_only=True)
    timer_id = Id(dump_only=True, allow_none=True)
    user_id = Id(dump_only=True, allow_none=True)


class NewBan(Schema):
    """Who is to be banned, named by exactly one of `userId` and `guestId`, and why."""

    json_rules: ClassVar[dict[str, Any]] = one_of("userId", "guestId")
    user_id = Id()
    guest_id = Id()
    reason = Text(min_length=0, max_length=500, allow_none=True, load_default=None)

    @ma.validates_schema
    def _one_person(self, data: dict[str, Any], **_: Any) -> None:
        if len({"user_id", "guest_id"} & set(data)) != 1:
            raise ma.ValidationError("Give one of userId, guestId.", "userId")


class LinkSchema(Schema):
    """An invitation into the room. Whoever has its `token` may accept it, until it ends."""

    id = Id(dump_only=True)
    room_id = Id(dump_only=True)
    token = fields.String(dump_only=True)
    role = fields.String(dump_only=True, validate=validate.OneOf(GIVEN_ROLES))
    label = fields.String(dump_only=True, allow_none=True)
    expires_at = Instant(dump_only=True, allow_none=True)
    max_uses = Whole(dump_only=True, allow_none=True)
    uses = Whole(dump_only=True)
    created_at = Instant(dump_only=True)


class InvitationSchema(Schema):
    """What whoever holds an invitation may know of it before they accept."""

    room_name = fields.String(dump_only=True)
    room_description = fields.String(dump_only=True, allow_none=True)
    role = fields.String(dump_only=True, validate=validate.OneOf(GIVEN_ROLES))
    invited_by = fields.String(
        dump_only=True,
        allow_none=True,
        metadata={"description": "The name of the room's owner, who makes invitations."},
    )
    expires_at = Instant(dump_only=True, allow_none=True)


class NewLink(Schema):
    """The invitation that is to be made: which role it gives, and how it ends."""

    role = fields.String(validate=validate.OneOf(GIVEN_ROLES), required=True)
    label = Line(min_length=0, max_length=120, allow_none=True, load_default=None)
    expires_at = Instant(allow_none=True, load_default=None)
    max_uses = Whole(minimum=1, maximum=MAX_LINK_USES, allow_none=True, load_default=None)


class NewDirect(Schema):
    """The person with whom the direct room of two is."""

    user_id = Id(required=True)


RoomPage = page_schema(RoomViewSchema)
MemberPage = page_schema(MemberSchema)
GuestPage = page_schema(GuestSchema)
AuditPage = page_schema(AuditEntrySchema)
BanPage = page_schema(BanSchema)
LinkPage = page_schema(LinkSchema)

_ROOM = RoomSchema()


def room_payload(room: Room) -> dict[str, Any]:
    """The room without timers, as in `room-updated` and the room state."""
    payload: dict[str, Any] = _ROOM.dump(room)
    return payload


def stage_payload(room: Room) -> dict[str, Any]:
    """The stage as in the room state: `{text, style, visible, blackout}`."""
    return dict(room.stage)
