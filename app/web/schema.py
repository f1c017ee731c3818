"""The base of all schemas: they validate what comes in, shape what goes out, and are what the documents are made of.

Wire rules (contract): camelCase keys, unknown keys refused, instants as ISO 8601 UTC with milliseconds and `Z`, durations as
integer milliseconds, no NUL and no lone surrogate in any text.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any, ClassVar

import marshmallow as ma
from marshmallow import ValidationError, fields, validate

from app.core.clock import from_wire, to_wire
from app.core.ids import is_id
from app.core.lines import EMPTY_LINE_PATTERN, LINE_NOT, LINE_PATTERN, is_one_line, one_line

_DIGITS_MAX = 19

MAX_DEPTH = 16
MAX_KEYS = 64  # of one object or form: twice as many as any has that we know
BROKEN_TEXT = re.compile("[\x00\ud800-\udfff]")
_ID_PATTERN = "^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$"
# The same as JSON Schema, whose regular expressions are ECMA-262's.
_ANY_TEXT = r"^[^\x00]*$"
_SOME_TEXT = r"^[^\x00]*[^\s\x00\x1c-\x1f\x85][^\x00]*$"


class Schema(ma.Schema):
    """snake_case attributes, camelCase keys, unknown keys refused."""

    #: What its validators ask of several keys together, as JSON Schema: for the documents.
    json_rules: ClassVar[dict[str, Any]] = {}

    class Meta:
        unknown = ma.RAISE

    def on_bind_field(self, field_name: str, field_obj: fields.Field[Any]) -> None:
        if field_obj.data_key is None:
            field_obj.data_key = camel(field_name)

    def load(self, data: Any, **kwargs: Any) -> Any:
        """As marshmallow does, nested ones included; an object of very many keys is refused before any is looked at."""
        refuse_many_keys(len(data) if isinstance(data, Mapping) else 0)
        return super().load(data, **kwargs)

    def without_read_only(self, data: dict[str, Any]) -> dict[str, Any]:
        """`data` without the keys that this schema only gives: for a PUT that sends back the object it was given."""
        given = {field.data_key for field in self.fields.values() if field.dump_only}
        return {key: value for key, value in data.items() if key not in given}


def refuse_many_keys(count: int) -> None:
    """Refuse an object or a form of so many keys.

    Raises:
        ValidationError: they are more than `MAX_KEYS`.
    """
    if count > MAX_KEYS:
        raise ValidationError(f"At most {MAX_KEYS} keys.")


class Empty(Schema):
    """Nothing: the action takes nothing but its address."""


class Text(fields.String):
    """Text a person wrote: trimmed, between `min_length` and `max_length` characters, free of NUL and lone surrogates."""

    def __init__(self, *, max_length: int, min_length: int = 1, trim: bool = True, **kwargs: Any) -> None:
        self._trim = trim
        self._length = validate.Length(min=min_length, max=max_length)
        validators = [self._length, *_listed(kwargs.pop("validate", None))]
        pattern = _SOME_TEXT if trim and min_length else _ANY_TEXT
        super().__init__(validate=validators, **_described(kwargs, pattern=pattern))

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> str:
        if not isinstance(value, str):
            raise self.make_error("invalid")
        text = self.clean(value)
        self._length(text)  # first, and by itself: what is too long is not looked at any closer
        if BROKEN_TEXT.search(text):
            raise ValidationError("Must not contain NUL or lone surrogates.")
        return text

    def clean(self, value: str) -> str:
        """What is kept of a text that may be written."""
        return value.strip() if self._trim else value


class Line(Text):
    """A name, a title or a label (`app.core.lines`); with `joins` line breaks and runs of spaces become one space."""

    def __init__(self, *, max_length: int, min_length: int = 1, joins: bool = False, **kwargs: Any) -> None:
        self._joins, self._longest = joins, max_length
        pattern = LINE_PATTERN if min_length else EMPTY_LINE_PATTERN
        super().__init__(
            max_length=max_length,
            min_length=min_length,
            validate=[_one_line, *_listed(kwargs.pop("validate", None))],
            **_described(kwargs, **{"pattern": pattern, "not": LINE_NOT}),
        )

    def clean(self, value: str) -> str:
        return one_line(value, most=self._longest) if self._joins else super().clean(value)


class Items(fields.List[Any]):
    """A list of at most `max_length` items; of a longer one none is looked at."""

    def __init__(self, item: fields.Field[Any], *, max_length: int, **kwargs: Any) -> None:
        self._length = validate.Length(max=max_length)
        super().__init__(item, validate=[self._length, *_listed(kwargs.pop("validate", None))], **kwargs)

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> list[Any]:
        if isinstance(value, list):
            self._length(value)
        return super()._deserialize(value, attr, data, **kwargs)


class Id(fields.String):
    """An identifier made by Greenroom; anything of another form is refused."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**_described(kwargs, pattern=_ID_PATTERN))

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> str:
        if not is_id(value):
            raise ValidationError("Not an identifier.")
        return str(value)


class Whole(fields.Integer):
    """A JSON integer between `minimum` and `maximum`; no strings, no fractions, no booleans. `1.0` is one (JSON Schema)."""

    def __init__(self, *, minimum: int | None = None, maximum: int | None = None, **kwargs: Any) -> None:
        validators = [validate.Range(min=minimum, max=maximum), *_listed(kwargs.pop("validate", None))]
        super().__init__(strict=True, validate=validators, **kwargs)

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> int:
        if isinstance(value, float) and value.is_integer():
            return int(value)
        if isinstance(value, bool) or not isinstance(value, int):
            raise self.make_error("invalid")
        return value


class QueryWhole(Whole):
    """A whole number written in a query string."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> int:
        if not (isinstance(value, str) and value.isascii() and value.isdigit() and len(value) <= _DIGITS_MAX):
            raise self.make_error("invalid")
        return super()._deserialize(int(value), attr, data, **kwargs)


class Flag(fields.Boolean):
    """JSON true or false, nothing that merely looks like it."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> bool:
        if not isinstance(value, bool):
            raise self.make_error("invalid", input=value)
        return value


class Instant(fields.DateTime):
    """An instant: ISO 8601 with its offset in, `2026-01-01T12:00:00.000Z` out."""

    def _serialize(self, value: datetime | None, attr: str | None, obj: Any, **kwargs: Any) -> str | None:
        return None if value is None else to_wire(value)

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> datetime:
        if not isinstance(value, str):
            raise ValidationError("Must be an ISO 8601 instant with its offset.")
        try:
            return from_wire(value)
        except ValueError:
            raise ValidationError("Must be an ISO 8601 instant with its offset.") from None


def camel(name: str) -> str:
    """`start_timestamp` as `startTimestamp`."""
    head, *rest = name.split("_")
    return head + "".join(part.title() for part in rest)


def one_of(*keys: str) -> dict[str, Any]:
    """The `json_rules` of a schema that wants exactly one of `keys`."""
    return {"oneOf": [{"required": [key]} for key in keys]}


def _one_line(text: str) -> None:
    if text and not is_one_line(text):
        raise ValidationError("Must be one line of plain text.")


def is_json(value: Any) -> bool:
    """Whether a value that was parsed could be sent: numbers are finite, no text has a lone surrogate."""
    try:
        json.dumps(value, allow_nan=False, ensure_ascii=False).encode()
    except (ValueError, TypeError):
        return False
    return True


def _described(kwargs: dict[str, Any], **known: Any) -> dict[str, Any]:
    """`kwargs` with what is `known` of every such field, unless its own metadata say more exactly."""
    return {**kwargs, "metadata": {**known, **kwargs.get("metadata", {})}}


def _listed(validators: Any) -> list[Any]:
    if validators is None:
        return []
    return list(validators) if isinstance(validators, (list, tuple)) else [validators]
