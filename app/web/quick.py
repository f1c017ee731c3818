"""`schema.load` for payloads that come thousands of times a second.

Takes the fields that our hot events are made of and says yes to what is certainly right. Whatever else there is (an unknown
key, a wrong type, a value out of bounds) goes to the schema, which alone says no and why: so both always answer the same.
A schema that checks several fields together says by `holds(data)` whether its check would pass.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from marshmallow import fields, missing, validate

from app.core.ids import is_id
from app.web.schema import BROKEN_TEXT, Id, Schema, Text, Whole

Load = Callable[[dict[str, Any]], Any]
Read = Callable[[Any], Any]


class _UnsureError(Exception):
    """Ask the schema."""


def quick(schema: Schema) -> Load:
    """A function that answers, and raises, what `schema.load` does."""
    parse = _parser(schema)
    if parse is None:
        return schema.load

    def load(data: dict[str, Any]) -> Any:
        try:
            return parse(data)
        except _UnsureError:
            return schema.load(data)

    return load


def _parser(schema: Schema) -> Read | None:
    """How right values of `schema` are read; None if it takes more than reading its fields and asking its `holds`."""
    readers = {
        str(field.data_key): (str(field.attribute or name), _reader(field))
        for name, field in schema.load_fields.items()
    }
    holds = getattr(schema, "holds", None)
    if any(read is None for _, read in readers.values()) or (any(schema._hooks.values()) and holds is None):  # noqa: SLF001 - no public way to ask
        return None
    required = frozenset(str(field.data_key) for field in schema.load_fields.values() if field.required)
    defaults = {
        str(field.attribute or name): field.load_default
        for name, field in schema.load_fields.items()
        if field.load_default is not missing
    }
    if any(callable(default) for default in defaults.values()):
        return None
    return _object_reader(readers, required, defaults, holds)  # type: ignore[arg-type]


def _object_reader(
    readers: dict[str, tuple[str, Read]],
    required: frozenset[str],
    defaults: dict[str, Any],
    holds: Callable[[dict[str, Any]], bool] | None,
) -> Read:
    def read_object(data: Any) -> dict[str, Any]:
        if type(data) is not dict or not required <= data.keys():
            raise _UnsureError
        loaded = defaults.copy()
        try:
            for key, value in data.items():
                attribute, read = readers[key]
                loaded[attribute] = read(value)
        except KeyError:
            raise _UnsureError from None
        if holds is not None and not holds(loaded):
            raise _UnsureError
        return loaded

    return read_object


def _reader(field: fields.Field[Any]) -> Read | None:
    """How a right value of `field` is read; None for fields that only marshmallow knows."""
    read: Read | None = None
    if type(field)._deserialize is Text._deserialize and isinstance(field, Text):  # noqa: SLF001 - the same mechanism
        read = _text_reader(field)
    elif type(field) is Id and not field.validators:
        read = _read_id
    elif (
        type(field) is fields.String and len(field.validators) == 1 and isinstance(field.validators[0], validate.OneOf)
    ):
        read = _choice_reader(frozenset(field.validators[0].choices))
    elif type(field) is Whole and len(field.validators) == 1:
        read = _whole_reader(field.validators[0])
    elif type(field) is fields.Nested and not field.many and field.unknown is None:
        read = _parser(field.schema)  # type: ignore[arg-type]
    return _or_none(read) if read is not None and field.allow_none else read


def _text_reader(field: Text) -> Read | None:
    if len(field.validators) != 1:
        return None
    length: Any = field.validators[0]
    shortest, longest, clean = length.min, length.max, field.clean

    def read(value: Any) -> str:
        if type(value) is not str:
            raise _UnsureError
        text = clean(value)
        if not shortest <= len(text) <= longest:
            raise _UnsureError
        if "\x00" in text if text.isascii() else BROKEN_TEXT.search(text):
            raise _UnsureError
        return text

    return read


def _choice_reader(choices: frozenset[Any]) -> Read:
    def read(value: Any) -> str:
        if type(value) is not str or value not in choices:
            raise _UnsureError
        return value

    return read


def _whole_reader(bounds: Any) -> Read:
    least = -math.inf if bounds.min is None else bounds.min
    most = math.inf if bounds.max is None else bounds.max

    def read(value: Any) -> int:
        if type(value) is not int or not least <= value <= most:
            raise _UnsureError
        return value

    return read


def _read_id(value: Any) -> str:
    if not is_id(value):
        raise _UnsureError
    return str(value)


def _or_none(read: Read) -> Read:
    return lambda value: None if value is None else read(value)
