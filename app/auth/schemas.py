"""What auth takes and gives."""

from __future__ import annotations

from typing import Any, ClassVar

from marshmallow import ValidationError, fields, validate, validates_schema

from app.auth.models import Device
from app.auth.names import MAX_USERNAME, USERNAME_SCHEMA, is_username
from app.web.schema import Flag, Instant, Line, Schema, Text

MAX_EMAIL = 254
MAX_NAME = 80
_EMAIL_PATTERN = "^[A-Za-z0-9_+-]{1,60}@([A-Za-z0-9]([A-Za-z0-9-]{0,60}[A-Za-z0-9])?[.]){1,3}[A-Za-z]{2,20}$"
MIN_PASSWORD = 10
MAX_PASSWORD = 1_000
MAX_REFRESH_TOKEN = 128


def _username(text: str) -> None:
    if not is_username(text):
        raise ValidationError("Letters, digits and _, inside also . and -, at most 40.")


def _new_password(**kwargs: Any) -> Text:
    return Text(min_length=MIN_PASSWORD, max_length=MAX_PASSWORD, trim=False, load_only=True, **kwargs)


def _password(**kwargs: Any) -> Text:
    return Text(max_length=MAX_PASSWORD, trim=False, load_only=True, **kwargs)


def _session_kind() -> fields.String:
    description = "`cookie`: the tokens are set as cookies and not returned."
    return fields.String(
        validate=validate.OneOf(["cookie", "token"]), load_default="token", metadata={"description": description}
    )


class _Identified(Schema):
    """Base of what names an account."""

    json_rules: ClassVar[dict[str, Any]] = {"anyOf": [{"required": ["email"]}, {"required": ["username"]}]}

    @validates_schema
    def _names_an_account(self, data: dict[str, Any], **kwargs: Any) -> None:
        if not data.get("email") and not data.get("username"):
            raise ValidationError({"email": ["One of email, username is required."]})


class Register(_Identified):
    """The account that is to be made. At least one of `email` and `username` is required."""

    email = Text(max_length=MAX_EMAIL, validate=validate.Email(), metadata={"pattern": _EMAIL_PATTERN})
    username = Text(max_length=MAX_USERNAME, validate=_username, metadata=USERNAME_SCHEMA)
    name = Line(max_length=MAX_NAME)
    password = _new_password(required=True)
    session = _session_kind()


class LogIn(_Identified):
    """Who signs in, and with which password. An e-mail address is taken in either field."""

    email = Text(max_length=MAX_EMAIL)
    username = Text(max_length=MAX_EMAIL)
    password = _password(required=True)
    session = _session_kind()


class Refresh(Schema):
    """The refresh token. It may be left out where its cookie is sent."""

    refresh_token = Text(max_length=MAX_REFRESH_TOKEN)


class ChangePassword(Schema):
    """The password as it is, and as it is to be."""

    current = _password(required=True)
    new = _new_password(required=True)


class UpdateMe(Schema):
    """What an account may change of itself."""

    name = Line(max_length=MAX_NAME, required=True)


class UserSchema(Schema):
    """An account as its owner sees it."""

    id = fields.String(dump_only=True)
    username = fields.String(dump_only=True)
    email = fields.String(dump_only=True, allow_none=True)
    name = fields.String(dump_only=True)
    created_at = Instant(dump_only=True)
    updated_at = Instant(dump_only=True)


class SignInSchema(Schema):
    """The account and its tokens; with `session: "cookie"` only the account and the life of its cookie."""

    user = fields.Nested(UserSchema, dump_only=True)
    access_token = fields.String(dump_only=True)
    expires_in = fields.Integer(dump_only=True, metadata={"description": "Seconds until the access token expires."})
    refresh_token = fields.String(dump_only=True)


class SocketTokenSchema(Schema):
    """A token for one handshake of a socket, or for one `authenticate`."""

    token = fields.String(dump_only=True)
    expires_in = fields.Integer(dump_only=True, metadata={"description": "Seconds in which to present it."})


class SessionSchema(Schema):
    """A device that is signed in."""

    id = fields.String(dump_only=True)
    user_agent = fields.String(dump_only=True)
    current = Flag(dump_only=True)
    created_at = Instant(dump_only=True)
    last_used_at = Instant(dump_only=True)
    expires_at = Instant(dump_only=True)


class SessionsSchema(Schema):
    """All of an account's devices: `nextCursor` is always null."""

    items = fields.List(fields.Nested(SessionSchema), dump_only=True)
    next_cursor = fields.String(dump_only=True, allow_none=True, dump_default=None)


def session_view(device: Device, *, current: bool) -> dict[str, Any]:
    """What `SessionSchema` dumps."""
    names = ("id", "user_agent", "created_at", "last_used_at", "expires_at")
    return {"current": current, **{name: getattr(device, name) for name in names}}
