"""`schema.load` for payloads that come thousands of times a second.

Takes the fields that our hot events are made of and says yes to what is certainly right. Whatever else there is (an unknown
key, a wrong type, a value out of bounds) goes to the schema, which alone says no and why: so both always answer the same.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from marshmallow import fields, missing, validate

from app.core.ids import is_id
from app.web.schema import BROKEN_TEXT, Id, Schema, Text

Load = Callable[[dict[str, Any]], Any]
Read = Callable[[Any], Any]


class _UnsureError(Exception):
    """Ask the schema."""


def quick(schema: Schema) -> Load:
    """A function that answers, and raises, what `schema.load` does."""
    readers = {
        str(field.data_key): (str(field.attribute or name), _reader(field))
        for name, field in schema.load_fields.items()
    }
    if any(schema._hooks.values()) or any(read is None for _, read in readers.values()):  # noqa: SLF001 - no public way to ask
        return schema.load
    required = frozenset(str(field.data_key) for field in schema.load_fields.values() if field.required)
    defaults = {
        str(field.attribute or name): field.load_default
        for name, field in schema.load_fields.items()
        if field.load_default is not missing
    }
    if any(callable(default) for default in defaults.values()):
        return schema.load
    return _loader(schema, readers, required, defaults)  # type: ignore[arg-type]


def _loader(
    schema: Schema, readers: dict[str, tuple[str, Read]], required: frozenset[str], defaults: dict[str, Any]
) -> Load:
    def load(data: dict[str, Any]) -> Any:
        loaded = defaults.copy()
        try:
            for key, value in data.items():
                attribute, read = readers[key]
                loaded[attribute] = read(value)
        except (KeyError, _UnsureError):
            return schema.load(data)
        return loaded if required <= data.keys() else schema.load(data)

    return load


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
    return _or_none(read) if read is not None and field.allow_none else read


def _text_reader(field: Text) -> Read | None:
    if len(field.validators) != 1:
        return None
    length: Any = field.validators[0]
    shortest, longest, clean = length.min, length.max, field.clean

    def read(value: Any) -> str:
        if type(value) is not str or ("\x00" in value if value.isascii() else BROKEN_TEXT.search(value)):
            raise _UnsureError
        text = clean(value)
        if not shortest <= len(text) <= longest:
            raise _UnsureError
        return text

    return read


def _choice_reader(choices: frozenset[Any]) -> Read:
    def read(value: Any) -> str:
        if type(value) is not str or value not in choices:
            raise _UnsureError
        return value

    return read


def _read_id(value: Any) -> str:
    if not is_id(value):
        raise _UnsureError
    return str(value)


def _or_none(read: Read) -> Read:
    return lambda value: None if value is None else read(value)
