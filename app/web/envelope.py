"""Turns every failure of an HTTP request into the one error shape; the only place that catches broadly."""

from __future__ import annotations

import math
from collections.abc import Iterator
from itertools import islice
from typing import Any

import structlog
from flask import Flask, Response, current_app, g, jsonify
from gunicorn.http.errors import NoMoreData, ParseException
from marshmallow import ValidationError
from werkzeug.exceptions import HTTPException, RequestedRangeNotSatisfiable

from app.core.errors import AppError

log = structlog.get_logger(__name__)

SHOWN_CHARACTERS = 64
MOST_DETAILS = 50  # more than any form has fields: who sends a megabyte of wrong keys is not sent three back

_BY_STATUS = {
    400: "malformed",
    401: "unauthenticated",
    403: "forbidden",
    404: "not_found",
    405: "method_not_allowed",
    409: "conflict",
    412: "precondition_failed",
    413: "body_too_large",
    414: "uri_too_long",
    415: "unsupported_media_type",
    416: "range_not_satisfiable",
    422: "validation_failed",
    429: "rate_limited",
    431: "headers_too_large",
    503: "database_unavailable",
}


def as_app_error(why: Exception) -> AppError:
    """The `AppError` for any exception; what is not expected is logged here and told as `internal`."""
    if isinstance(why, AppError):
        return why
    if isinstance(why, ValidationError):
        rows = _rows(why.normalized_messages())  # type: ignore[no-untyped-call]
        return AppError("validation_failed", details=dict(islice(rows, MOST_DETAILS)))
    if isinstance(why, (ParseException, NoMoreData)):  # of the body, which is read when a handler asks for it
        return AppError("malformed", "The body ends too early, or is not framed as HTTP wants it.")
    if isinstance(why, HTTPException) and (why.code or 500) < 500:  # noqa: PLR2004
        return AppError(_BY_STATUS.get(why.code or 500, "malformed"))
    log.error("unexpected_error", exc_info=why)
    return AppError("internal")


def error_response(why: Exception) -> Response:
    """`{"error": {…}}`, or a page where one was asked for, with its status and, where it helps, `Retry-After` and `Allow`."""
    error = as_app_error(why)
    render = current_app.extensions.get("render_failure")
    response: Response | None = render(error) if render else None
    if response is None:
        response = jsonify(error=error.to_wire())
        response.status_code = error.status
    response.cache_control.no_store = True
    if error.retry_after_ms is not None:
        response.headers["Retry-After"] = str(max(1, math.ceil(error.retry_after_ms / 1000)))
    if isinstance(why, HTTPException) and why.code == 405:  # noqa: PLR2004
        response.headers["Allow"] = ", ".join(getattr(why, "valid_methods", None) or [])
    if isinstance(why, RequestedRangeNotSatisfiable) and why.length is not None:
        response.headers["Content-Range"] = f"bytes */{why.length}"
    if error.status == 401:  # noqa: PLR2004
        response.headers["WWW-Authenticate"] = "Bearer"
    g.error_code = error.code
    return response


def init_app(app: Flask) -> None:
    """Answer every exception of `app` in the one shape."""
    app.register_error_handler(Exception, error_response)
    app.register_error_handler(HTTPException, error_response)  # flask-smorest registers its own for this class


def shown(name: object) -> str:
    """A name that the caller made up, fit to be sent back: short, and without what no JSON can carry."""
    return str(name)[:SHOWN_CHARACTERS].encode("utf-8", "replace").decode()


def _rows(messages: Any, prefix: str = "") -> Iterator[tuple[str, list[str]]]:
    """marshmallow's nested messages as `("timers.0.title", ["…"])`, each made when it is asked for."""
    if isinstance(messages, dict):
        for key, value in messages.items():
            yield from _rows(value, f"{prefix}.{shown(key)}" if prefix else shown(key))
    else:
        yield prefix or "_schema", [str(message) for message in messages]
