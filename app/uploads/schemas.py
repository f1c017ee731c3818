"""What the upload calls take and answer."""

from __future__ import annotations

from marshmallow import fields, validate

from app.uploads.models import ALT_MAX, MIME_MAX
from app.web.schema import Id, Instant, Schema, Text, Whole

METHODS = ("POST", "PUT")
ANNOUNCED_NAME_MAX = 1_000  # shortened to what is kept; browsers send what the disk has
NAME_RULE = (
    "Kept as people may safely see it: without folders, controls and invisible characters (those that turn the direction of"
    " text among them), ending as its type does, at most 120 characters. NUL is refused."
)
TYPE_RULE = (
    "The file's type; the content must be of it. `application/octet-stream`, for who does not know: the type is taken by the"
    " name's ending, where that belongs to one of the types that are taken."
)


class InitUpload(Schema):
    """The file that somebody wants to send to a room."""

    room_id = Id(required=True)
    filename = Text(max_length=ANNOUNCED_NAME_MAX, required=True, metadata={"description": NAME_RULE})
    mime = Text(max_length=MIME_MAX, required=True, metadata={"description": TYPE_RULE})
    bytes = Whole(minimum=1, maximum=2**53, required=True)
    alt = Text(min_length=0, max_length=ALT_MAX, load_default="")


class CompleteUpload(Schema):
    """The upload whose file has been sent."""

    upload_id = Id(required=True)


class UploadTicketSchema(Schema):
    """How to send it: a POST of a form with `fields` and then `file`, or a PUT of the bytes with `headers`."""

    upload_id = Id()
    method = fields.String(validate=validate.OneOf(METHODS))
    url = fields.String()
    fields_ = fields.Dict(keys=fields.String(), values=fields.String(), data_key="fields", attribute="fields")
    headers = fields.Dict(keys=fields.String(), values=fields.String())
    expires_at = Instant()


class AttachmentSchema(Schema):
    """A file of a room. `url` and `thumbnailUrl` are signed and soon run out; `ts` is in ms since 1970."""

    id = Id()
    room_id = Id()
    user_id = Id(allow_none=True)
    filename = fields.String()
    mime = fields.String()
    bytes = Whole()
    width = Whole(allow_none=True)
    height = Whole(allow_none=True)
    alt = fields.String()
    url = fields.String()
    thumbnail_url = fields.String(allow_none=True)
    ts = Whole()
