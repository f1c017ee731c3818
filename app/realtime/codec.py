"""JSON as the wire wants it: orjson, instants in UTC with milliseconds and a `Z`, nothing silent."""

import json
from datetime import UTC, datetime
from typing import Any

import orjson

from app.core.nesting import nesting

MAX_DEPTH = 1_024
OPTIONS = orjson.OPT_PASSTHROUGH_DATETIME


def format_instant(value: datetime) -> str:
    """ISO-8601, UTC, milliseconds, `Z`. Raises TypeError for a naive datetime."""
    if value.tzinfo is None:
        raise TypeError("a naive datetime has no instant; use an aware one")
    return value.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _default(value: object) -> str:
    if isinstance(value, datetime):
        return format_instant(value)
    raise TypeError(f"{type(value).__name__} has no JSON form")


def encode(value: object) -> bytes:
    """JSON bytes. Raises TypeError for what has no JSON form."""
    return orjson.dumps(value, default=_default, option=OPTIONS)


def dumps(value: object, **_: object) -> str:
    """`encode` as text, with the signature that python-socketio calls."""
    return encode(value).decode()


def loads(text: str | bytes, **_: object) -> Any:  # noqa: ANN401 - JSON is any of its types
    """Parse JSON. Raises ValueError for what is not JSON, also when it is nested too deep.

    orjson refuses escaped lone surrogates (RFC 8259 section 8.2 allows them) and numbers beyond a
    double; some clients write NaN and Infinity. Who sends such deserves an error that says so, not
    a lost connection: the slower parser reads it, and the event's validation refuses it.
    """
    try:
        return orjson.loads(text)
    except ValueError:
        try:
            value = json.loads(text)
        except RecursionError as error:
            raise ValueError("nested too deep") from error
        # As deep as the first parser goes: how deep the second one does depends on the Python.
        if nesting(value, limit=MAX_DEPTH) > MAX_DEPTH:
            raise ValueError("nested too deep") from None
        return value
