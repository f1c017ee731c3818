"""Forms: what a browser sends as text becomes the same body that the API's schemas validate."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Mapping
from datetime import UTC, datetime
from functools import wraps
from typing import Any

from flask import Response, g, make_response, request
from markupsafe import Markup
from marshmallow import ValidationError

from app.auth.cookies import form_token
from app.core.clock import to_wire
from app.core.errors import AppError
from app.web.envelope import as_app_error
from app.web.http import CSRF_FIELD
from app.web.schema import Schema

_WHOLE = re.compile(r"\s*[0-9]{1,18}\s*\Z", re.ASCII)
_DURATION = re.compile(r"(?:(?:(\d{1,3}):)?(\d{1,4}):)?(\d{1,6})\Z")


def csrf_field() -> Markup:
    """The hidden field that every form of a signed-in person carries; a page of many timers has thousands of them."""
    if "csrf_field" not in g:
        g.csrf_field = Markup('<input type="hidden" name="{}" value="{}">').format(CSRF_FIELD, form_token())
    made: Markup = g.csrf_field
    return made


def read_form(
    schema: Schema,
    *,
    flags: Iterable[str] = (),
    convert: Mapping[str, Callable[[str], Any]] | None = None,
    ignore: Collection[str] = (),
    clear: Collection[str] = (),
    rename: Mapping[str, str] | None = None,
) -> dict[str, Any]:
    """Validate the form as `schema` would a JSON body.

    Args:
        flags: fields that are checkboxes: absent means false.
        ignore: fields that are the page's own.
        convert: how a field's text becomes the value of the API.
        clear: fields that mean null when they are there and empty.
        rename: fields that the API calls otherwise.

    Raises:
        ValidationError: with the fields' own names.
    """
    fields = {name: value for name, value in request.form.items() if name not in {CSRF_FIELD, *ignore} and value}
    body: dict[str, Any] = dict(fields)
    for name, function in (convert or {}).items():
        if name in fields:
            body[name] = converted(name, function, fields[name])
    body.update({name: name in fields for name in flags})
    body.update({name: None for name in clear if request.form.get(name) == ""})
    names = rename or {}
    data: dict[str, Any] = schema.load({names.get(name, name): value for name, value in body.items()})
    return data


def duration_ms(text: str) -> int:
    """`25` minutes, `25:30` or `1:05:00` as milliseconds.

    Raises:
        ValidationError: anything else.
    """
    match = _DURATION.match(text.strip())
    if match is None:
        raise ValidationError("Write minutes, as 25, or 25:30, or 1:05:00.")
    hours, minutes, last = match.groups()
    if minutes is None:
        return int(last) * 60_000
    return ((int(hours or 0) * 60 + int(minutes)) * 60 + int(last)) * 1000


def converted(name: str, function: Callable[[str], Any], text: str) -> Any:
    """The value, or a refusal that names the field."""
    try:
        return function(text)
    except ValidationError as why:
        raise ValidationError({name: why.messages}) from None


def whole(text: str) -> int:
    """A number as people type it.

    Raises:
        ValidationError: anything else.
    """
    if not _WHOLE.match(text):
        raise ValidationError("Write a number.")
    return int(text)


def instant(text: str) -> str:
    """What a date field holds, in the form of the API. Without an offset it is UTC: scripts send the offset along.

    Raises:
        ValidationError: no instant.
    """
    try:
        moment = datetime.fromisoformat(text.strip())
    except ValueError:
        raise ValidationError("Write a date and a time, as 2030-05-04T09:30.") from None
    return to_wire(moment if moment.tzinfo else moment.replace(tzinfo=UTC))


def duration_text(ms: int) -> str:
    """`25:00` or `1:05:00`."""
    minutes, seconds = divmod(ms // 1000, 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{seconds:02}" if hours else f"{minutes}:{seconds:02}"


def shows_again(page: Callable[..., Any]) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """A form's view that fails shows `page` again, with why and with what was typed."""

    def decorate(view: Callable[..., Any]) -> Callable[..., Any]:
        @wraps(view)
        def wrapped(**arguments: Any) -> Any:
            try:
                return view(**arguments)
            except (AppError, ValidationError) as why:
                error = as_app_error(why)
                if error.code in ("unauthenticated", "room_not_found", "timer_not_found"):
                    raise
                response: Response = make_response(page(error=error, **arguments))
                response.status_code = error.status
                return response

        return wrapped

    return decorate
