"""Signed tokens: JWT (RFC 7519) with HS256, and what else is derived from the secret.

Kinds: `access` (an account on one device), `guest` (a nickname in one room), `socket` (a minute to open or renew a socket, for
a page that cannot read its cookie). A token only says who it was issued to; whether that still holds is asked of the database
at every use. All are signed by the current secret and accepted by the previous ones, so that a rotation signs nobody out.

Flask-JWT-Extended issues them, PyJWT beneath it reads them: its own reading decodes each token twice, believes the machine's
clock, and wants an app context, which a socket's handshake has not.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal, cast, get_args

import jwt
import orjson
from flask import Flask, has_app_context
from flask_jwt_extended import create_access_token

from app.core.clock import add_ms, from_epoch_ms, to_epoch_ms
from app.core.errors import AppError
from app.core.ids import is_id
from app.extensions import jwt_manager

ALGORITHM = "HS256"
#: What Flask-JWT-Extended issues by: a CSRF token belongs to the device (`csrf_token`), and no time is the machine's.
CONFIG = {"JWT_ALGORITHM": ALGORITHM, "JWT_COOKIE_CSRF_PROTECT": False, "JWT_ENCODE_NBF": False}
SOCKET_TOKEN_MS = 60_000
MAX_TOKEN_CHARACTERS = 2_048
_MAX_EPOCH_S = 253_402_300_799  # the end of the year 9999

TokenKind = Literal["access", "guest", "socket"]


@dataclass(frozen=True, slots=True)
class Claims:
    """What a verified token says. `session_id` is the device of an account, `room_id` the room of a guest."""

    kind: TokenKind
    subject: str
    expires_at: datetime
    session_id: str | None = None
    room_id: str | None = None


class Keyring:
    """The secrets of this process; `bind` sets them, the current one first."""

    def __init__(self) -> None:
        self._secrets: tuple[str, ...] = ()
        self._app: Flask

    def bind(self, app: Flask, secret: str, previous: Sequence[str] = ()) -> None:
        """Sign by `secret`, accept `previous` as well; `app` carries `jwt_manager` and its CONFIG."""
        self._app = app
        self._secrets = (secret, *previous)

    def current(self) -> str:
        """The secret that signs."""
        return self._secrets[0]

    def sign(self, subject: str, claims: dict[str, Any]) -> str:
        """A JWT for `subject` with `claims`, which bring their own `iat` and `exp`."""
        with nullcontext() if has_app_context() else self._app.app_context():
            return str(create_access_token(subject, expires_delta=False, additional_claims=claims))

    def verify(self, token: str) -> dict[str, Any] | None:
        """The payload of a token signed by any of the secrets, whatever its age; None for anything else."""
        if (payload := self._own_payload(token)) is not None:
            return payload
        for secret in self._secrets:
            try:
                # Its age is judged by `read_token`: our time is the database's, not this machine's.
                return jwt.decode(token, secret, algorithms=[ALGORITHM], options=_SIGNATURE_ONLY)
            except jwt.InvalidTokenError:
                continue
        return None

    def _own_payload(self, token: str) -> dict[str, Any] | None:
        """The payload of a token as `sign` makes it with the current secret; None: ask PyJWT, which alone says no.

        Ten thousand sockets that come back at once are ten thousand of these, and PyJWT takes four times as long for each.
        """
        signed, _, signature = token.rpartition(".")
        header, _, payload = signed.partition(".")
        if header != _OWN_HEADER:
            return None
        digest = hmac.digest(self.current().encode(), signed.encode(), hashlib.sha256)
        if not hmac.compare_digest(_base64url(digest).encode(), signature.encode()):
            return None
        try:
            claims = orjson.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
        except ValueError:
            return None
        return claims if isinstance(claims, dict) else None

    def derive(self, purpose: str, value: str) -> list[str]:
        """HMAC-SHA256 of `value` for `purpose`, URL-safe (43 characters), by each secret; the current one first."""
        message = f"{purpose}:{value}".encode()
        digests = (hmac.digest(secret.encode(), message, hashlib.sha256) for secret in self._secrets)
        return [_base64url(digest) for digest in digests]


def _base64url(data: bytes) -> str:
    """As JWT writes it (RFC 7515, section 2): without padding."""
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


#: The header of what we issue, as PyJWT writes it.
_OWN_HEADER = _base64url(b'{"alg":"HS256","typ":"JWT"}')
_SIGNATURE_ONLY: Any = {"verify_exp": False, "verify_iat": False, "verify_nbf": False, "verify_aud": False}
keyring = Keyring()


@jwt_manager.encode_key_loader
def _signing_secret(identity: str) -> str:
    return keyring.current()


def issue_access_token(*, user_id: str, username: str, name: str, session_id: str, now: datetime, life_ms: int) -> str:
    """A token for REST and sockets, for `life_ms`."""
    return _issue("access", user_id, now, life_ms, sid=session_id, username=username, name=name)


def issue_guest_token(*, guest_id: str, room_id: str, name: str, now: datetime, life_ms: int) -> str:
    """A guest's token for one room, for `life_ms`."""
    return _issue("guest", guest_id, now, life_ms, room=room_id, name=name)


def issue_socket_token(*, user_id: str, session_id: str, now: datetime) -> str:
    """A token that opens or renews a socket within `SOCKET_TOKEN_MS`, and nothing else."""
    return _issue("socket", user_id, now, SOCKET_TOKEN_MS, sid=session_id)


def read_token(token: str, *, now: datetime) -> Claims:
    """What `token` says.

    Raises:
        AppError: `invalid_token` (not ours, or not of a form that we issue), `token_expired`.
    """
    if not token.isascii() or len(token) > MAX_TOKEN_CHARACTERS:
        raise AppError("invalid_token")
    claims = _claims(keyring.verify(token) or {})
    if claims.expires_at <= now:
        raise AppError("token_expired")
    return claims


def csrf_token(owner_id: str) -> str:
    """The CSRF token of a device or guest: lasts as long as the sign-in, and is useless for any other."""
    return keyring.derive("csrf", owner_id)[0]


def is_csrf_token(offered: str, owner_id: str) -> bool:
    """Whether `offered` is the CSRF token of `owner_id`."""
    return any(hmac.compare_digest(offered.encode(), good.encode()) for good in keyring.derive("csrf", owner_id))


def hash_token(token: str) -> str:
    """What is stored of a random token; 256 random bits need no salt and no slow hash."""
    return hashlib.sha256(token.encode()).hexdigest()


def _issue(kind: TokenKind, subject: str, now: datetime, life_ms: int, **more: str) -> str:
    issued_s, ends_s = to_epoch_ms(now) // 1000, to_epoch_ms(add_ms(now, life_ms)) // 1000
    return keyring.sign(subject, {"type": kind, "iat": issued_s, "exp": ends_s, **more})


def _claims(payload: dict[str, Any]) -> Claims:
    kind, subject, ends_s = payload.get("type"), payload.get("sub"), payload.get("exp")
    belongs_to = payload.get("room" if kind == "guest" else "sid")
    well_formed = kind in get_args(TokenKind) and is_id(subject) and is_id(belongs_to)
    if not well_formed or type(ends_s) is not int or not 0 <= ends_s <= _MAX_EPOCH_S:
        raise AppError("invalid_token")
    of = {"room_id": belongs_to} if kind == "guest" else {"session_id": belongs_to}
    return Claims(cast(TokenKind, kind), str(subject), from_epoch_ms(ends_s * 1000), **cast(dict[str, str], of))
