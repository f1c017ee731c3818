"""Who presents a token, and the tokens that are asked for by name."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

from app.auth import tokens
from app.auth.bearers import find_account_actor, find_guest_actor
from app.auth.guests import is_banned
from app.auth.service.accounts import require_account
from app.auth.tokens import Claims, TokenKind, read_token
from app.backends.handles import handles
from app.backends.transaction import database, reading
from app.core.actor import Actor
from app.core.clock import add_ms
from app.core.errors import AppError

EVERY_KIND: frozenset[TokenKind] = frozenset({"access", "guest", "socket"})


def make_socket_token(*, actor: Actor) -> str:
    """A token for a socket's handshake or `authenticate`, good for a minute.

    Raises:
        AppError: `unauthenticated`, `forbidden` (no account).
    """
    user_id = require_account(actor)
    return tokens.issue_socket_token(user_id=user_id, session_id=str(actor.session_id), now=database.now())


def issue_guest_token(*, guest_id: str, room_id: str, name: str) -> str:
    """The token of a guest who was just let in; the caller has checked that they may be."""
    life_ms = handles.settings.guest_token_ms
    return tokens.issue_guest_token(guest_id=guest_id, room_id=room_id, name=name, now=database.now(), life_ms=life_ms)


def authenticate(token: str, *, kinds: Collection[TokenKind] = EVERY_KIND) -> tuple[Actor, datetime]:
    """Who presents `token`, and until when that holds; one query, shared by those who ask at the same moment.

    The database is asked each time: a device that was signed out, or a guest who was removed, is refused at once. A socket
    opened by a `socket` token may live as long as by an access token made at the same moment.

    Raises:
        AppError: `invalid_token` (with `details.guest: ["banned"]` for a guest who is), `token_expired`.
    """
    claims = read_token(token, now=database.now())
    if claims.kind not in kinds:
        raise AppError("invalid_token")
    actor = find_guest_actor(claims) if claims.kind == "guest" else find_account_actor(claims)
    if actor is None:
        raise _refusal(claims)
    lead_ms = handles.settings.access_token_ms - tokens.SOCKET_TOKEN_MS if claims.kind == "socket" else 0
    return actor, add_ms(claims.expires_at, max(lead_ms, 0))


def _refusal(claims: Claims) -> AppError:
    """A guest's page that asks again learns from it when a ban was lifted: then it may ask for another nickname."""
    if claims.kind != "guest":
        return AppError("invalid_token")
    with reading() as session:
        is_out = is_banned(session, claims.subject, str(claims.room_id))
    return AppError("invalid_token", details={"guest": ["banned"]} if is_out else None)
