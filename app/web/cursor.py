"""Pages of a list: a cursor is an opaque (createdAt, id), so that equal instants are neither repeated nor skipped."""

from __future__ import annotations

import binascii
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Generic, TypeVar

from marshmallow import fields, validate
from sqlalchemy import ColumnElement, tuple_

from app.core.clock import from_epoch_ms, to_epoch_ms
from app.core.errors import AppError
from app.core.ids import is_id
from app.web.schema import QueryWhole, Schema

PAGE_SIZE = 50
MAX_PAGE_SIZE = 100
_LAST_EPOCH_MS = 253_402_300_799_999  # the end of the year 9999
_DIGITS = 15

Item = TypeVar("Item")
Position = tuple[datetime, str]


@dataclass(frozen=True, slots=True)
class Page(Generic[Item]):
    """Some of a list, and where the rest begins (None at the end)."""

    items: list[Item]
    next_cursor: str | None


class PageQuery(Schema):
    """Which page of a list: `?cursor=&limit=`."""

    cursor = fields.String(validate=validate.Length(max=200), load_default=None)
    limit = QueryWhole(minimum=1, maximum=MAX_PAGE_SIZE, load_default=PAGE_SIZE)


def page_schema(item: type[Schema]) -> type[Schema]:
    """The schema of a `Page` of `item`: `{items, nextCursor}`."""
    parts = {
        "items": fields.List(fields.Nested(item), required=True),
        "next_cursor": fields.String(required=True, allow_none=True),
    }
    return type(f"{item.__name__.removesuffix('Schema')}PageSchema", (Schema,), parts)


def encode_cursor(position: Position) -> str:
    """The opaque form of a position in a list."""
    instant, ident = position
    return urlsafe_b64encode(f"{to_epoch_ms(instant)}.{ident}".encode()).decode().rstrip("=")


def decode_cursor(cursor: str) -> Position:
    """The position that `encode_cursor` made it from.

    Raises:
        AppError: `bad_cursor`.
    """
    try:
        text = urlsafe_b64decode(cursor.encode("ascii") + b"=" * (-len(cursor) % 4)).decode("ascii")
    except (UnicodeError, binascii.Error):
        raise AppError("bad_cursor") from None
    epoch_ms, _, ident = text.partition(".")
    if not (epoch_ms.isdecimal() and len(epoch_ms) <= _DIGITS and int(epoch_ms) <= _LAST_EPOCH_MS and is_id(ident)):
        raise AppError("bad_cursor")
    return from_epoch_ms(int(epoch_ms)), ident


def older_than(cursor: str, created_at: Any, ident: Any) -> ColumnElement[bool]:
    """The condition for the rows after `cursor` in a list with the newest first."""
    return tuple_(created_at, ident) < decode_cursor(cursor)


def newer_than(cursor: str, created_at: Any, ident: Any) -> ColumnElement[bool]:
    """The condition for the rows after `cursor` in a list with the oldest first."""
    return tuple_(created_at, ident) > decode_cursor(cursor)


def cut_page(rows: Sequence[Item], limit: int, position: Callable[[Item], Position]) -> Page[Item]:
    """The page of `rows`, which were read with one more than `limit` to see whether there is a next page."""
    items = list(rows[:limit])
    return Page(items, encode_cursor(position(items[-1])) if len(rows) > limit else None)
