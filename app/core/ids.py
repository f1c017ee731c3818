"""Identifiers: UUID version 7 (RFC 9562), as lower-case strings; they sort by the time they were made."""

from __future__ import annotations

import re
import secrets

import uuid_utils

_CANONICAL = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\Z")
_REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{1,64}\Z")
_WORKER_ID = re.compile(r"[A-Za-z0-9]{1,32}\Z")


def new_id() -> str:
    """A fresh UUIDv7 in canonical form."""
    return str(uuid_utils.uuid7())


def is_id(text: object) -> bool:
    """Whether `text` is a UUID in canonical form. Anything else can be answered 404 without asking the database."""
    return isinstance(text, str) and _CANONICAL.match(text) is not None


def request_id(offered: str) -> str:
    """What a request goes by in its answer and in the logs: what its client `offered` (`X-Request-ID`) if that is harmless."""
    return offered if _REQUEST_ID.match(offered) else new_id()


def is_worker_id(text: str) -> bool:
    """Whether `text` can stand in front of an Engine.IO sid, from where nginx reads it."""
    return _WORKER_ID.match(text) is not None


def new_token(size_bytes: int = 16) -> str:
    """An unguessable URL-safe token of `size_bytes` random bytes (16 bytes: 22 characters)."""
    return secrets.token_urlsafe(size_bytes)
