"""What the conversation takes and gives; the OpenAPI and AsyncAPI documents are made of these."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, get_args

from marshmallow import ValidationError, fields, validate

from app.core.clock import from_epoch_ms, from_wire
from app.messages.history import PAGE_MAX, RECENT
from app.messages.models import CLIENT_MESSAGE_ID_MAX, CLIENT_TYPES, CONTENT_MAX, QUESTION_STATES, NotificationKind
from app.web.schema import Flag, Id, Instant, QueryWhole, Schema, Text, Whole

NOTIFICATION_KINDS = get_args(NotificationKind)
_LARGEST_SEQ = 2**63 - 1
_EPOCH_MS_MAX = 253_000_000_000_000
_DATE = "(19[7-9]|20[0-9])[0-9]-(0[1-9]|1[0-2])-(0[1-9]|1[0-9]|2[0-8])"
_TIME = "([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9]([.][0-9]{3})?"
_MOMENT_PATTERN = f"^([0-9]{{1,14}}|{_DATE}T{_TIME}(Z|[+-](0[0-9]|1[0-3]):[0-5][0-9]))$"


class Content(Text):
    """What somebody says: 1-4,000 characters after trimming, kept as sent.

    The space around a text counts only against itself: where both together are too long, the text goes without it.
    """

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(max_length=CONTENT_MAX, **kwargs)

    def clean(self, value: str) -> str:
        said = super().clean(value)
        return value if said and len(value) <= CONTENT_MAX else said


class PostMessage(Schema):
    """A message that is to be written."""

    content = Content(required=True)
    message_type = fields.String(load_default="text", validate=validate.OneOf(CLIENT_TYPES))
    client_message_id = Text(max_length=CLIENT_MESSAGE_ID_MAX, allow_none=True)
    attachment_id = Id(allow_none=True)
    reply_to = Id(allow_none=True)


class SendMessage(PostMessage):
    """A message that is to be written into the conversation of a room."""

    room_id = Id(required=True)


class FlatMessage(Schema):
    """A message that is to be written, with `text` for its content."""

    room_id = Id(required=True)
    text = Content(required=True)
    attachment_id = Id(allow_none=True)
    client_message_id = Text(max_length=CLIENT_MESSAGE_ID_MAX, allow_none=True)


class EditContent(Schema):
    """What a message is to say from now on."""

    content = Content(required=True)


class EditMessage(EditContent):
    """What which message is to say from now on."""

    message_id = Id(required=True)


class MessageRef(Schema):
    """One message, by its id."""

    message_id = Id(required=True)


class MarkRead(MessageRef):
    """The newest message of a room that one has read."""

    room_id = Id(required=True)


class Moment(fields.Field[datetime]):
    """Milliseconds since 1970, or ISO 8601 with its offset."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> datetime:
        text = str(value)
        try:
            if text.isascii() and text.isdigit() and int(text) <= _EPOCH_MS_MAX:
                return from_epoch_ms(int(text))
            return from_wire(text.replace(" ", "+")).astimezone(UTC)
        except ValueError:
            raise ValidationError("Must be milliseconds since 1970 or ISO 8601 with its offset.") from None


def _limit() -> QueryWhole:
    return QueryWhole(minimum=1, maximum=PAGE_MAX, load_default=RECENT)


class ListQuery(Schema):
    cursor = Text(max_length=200)
    limit = _limit()


class SearchQuery(ListQuery):
    q = Text(max_length=200, required=True)


class PageQuery(ListQuery):
    after_change = QueryWhole(minimum=0, maximum=_LARGEST_SEQ)


class TimePageQuery(Schema):
    room_id = Text(max_length=64, required=True)
    before_ts = Moment(metadata={"type": "string", "pattern": _MOMENT_PATTERN})
    limit = _limit()


class Person(Schema):
    """Somebody in a room, with an account or as a guest."""

    id = Id()
    username = fields.String()
    name = fields.String()
    is_guest = Flag()


class QuestionState(Schema):
    """What hosts have made of a question so far."""

    state = fields.String(validate=validate.OneOf(QUESTION_STATES), required=True)


class MessageSchema(Schema):
    """A message. `user` and `userId` are null for the server's lines; deleted messages have an empty `content`.

    `question` is null for what is none.
    """

    id = Id()
    room_id = Id()
    seq = Whole()
    change_seq = Whole()
    user = fields.Nested(Person, allow_none=True)
    user_id = Id(allow_none=True)
    content = fields.String()
    message_type = fields.String(validate=validate.OneOf((*CLIENT_TYPES, "system")))
    client_message_id = fields.String(allow_none=True)
    attachment = fields.Dict(allow_none=True)
    reply_to = Id(allow_none=True)
    votes = Whole()
    question = fields.Nested(QuestionState, allow_none=True)
    created_at = Instant()
    edited_at = Instant(allow_none=True)
    deleted_at = Instant(allow_none=True)


class FlatMessageSchema(MessageSchema):
    """A message in its flat form: `name`, `text`, `ts` and `attachmentId` beside the other keys."""

    name = fields.String(allow_none=True)
    text = fields.String()
    ts = Whole()
    attachment_id = Id(allow_none=True)


class MessagePage(Schema):
    """A page of messages."""

    items = fields.List(fields.Nested(MessageSchema))
    next_cursor = fields.String(allow_none=True)


class Part(Schema):
    """A piece of a text that was searched."""

    text = fields.String()
    match = Flag()


class HitSchema(MessageSchema):
    """A message that was searched for, with an excerpt of its text cut where the words are."""

    highlight = fields.List(fields.Nested(Part))


class HitPage(Schema):
    """A page of messages that were found, the best first."""

    items = fields.List(fields.Nested(HitSchema))
    next_cursor = fields.String(allow_none=True)


class CursorSchema(Schema):
    """How far somebody has read in a room."""

    room_id = Id()
    message_id = Id()
    read_at = Instant()


class ReceiptSchema(Schema):
    """Somebody who has read the message."""

    user_id = Id()
    username = fields.String()
    name = fields.String()
    is_guest = Flag()
    read_at = Instant()


class ReceiptPage(Schema):
    """A page of those who have read a message."""

    items = fields.List(fields.Nested(ReceiptSchema))
    next_cursor = fields.String(allow_none=True)


class VotePage(Schema):
    """A page of the questions that one has voted for."""

    items = fields.List(fields.Nested(MessageRef))
    next_cursor = fields.String(allow_none=True)


class TranscriptSchema(Schema):
    """The conversation as a file, oldest first; deleted messages keep their place."""

    room_id = Id()
    room_name = fields.String()
    exported_at = Instant()
    items = fields.List(fields.Nested(MessageSchema))


class FlatMessagePage(Schema):
    """A page of messages in their flat form, the oldest first."""

    items = fields.List(fields.Nested(FlatMessageSchema))
