"""Places in the lists of a conversation, as opaque text: before an instant and id, after a change, or past some results."""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass
from datetime import datetime

from app.core.clock import from_epoch_ms, to_epoch_ms
from app.core.errors import AppError
from app.core.ids import is_id

_LARGEST = 2**63 - 1


@dataclass(frozen=True, slots=True)
class Before:
    """Older than this: equal instants are told apart by the id."""

    at: datetime
    id: str


@dataclass(frozen=True, slots=True)
class After:
    """Changed after this number."""

    change_seq: int


@dataclass(frozen=True, slots=True)
class Offset:
    """Past so many ranked results."""

    count: int


Place = Before | After | Offset


def encode_place(place: Place) -> str:
    """The cursor of `place`."""
    if isinstance(place, Before):
        return _encode(f"b{to_epoch_ms(place.at)}.{place.id}")
    return _encode(f"c{place.change_seq}" if isinstance(place, After) else f"o{place.count}")


def decode_place(cursor: str | None, *kinds: type[Before | After | Offset]) -> Place | None:
    """The place of one of `kinds` that `cursor` stands for; None for none.

    Raises:
        AppError: `bad_cursor`.
    """
    if cursor is None:
        return None
    try:
        text = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)).decode()
        place = _parse(text)
    except (binascii.Error, ValueError, OverflowError):
        raise AppError("bad_cursor") from None
    if not isinstance(place, kinds) or encode_place(place) != cursor:  # the decoder skips what it does not know
        raise AppError("bad_cursor")
    return place


def _parse(text: str) -> Place | None:
    number, _, ident = text[1:].partition(".")
    if not 0 <= int(number) <= _LARGEST:
        return None
    if text[0] == "b" and is_id(ident):
        return Before(from_epoch_ms(int(number)), ident)
    if text[0] == "c":
        return After(int(number))
    return Offset(int(number)) if text[0] == "o" else None


def _encode(text: str) -> str:
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")
