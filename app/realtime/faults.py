"""What the worker says to bytes that are no request it can serve: the one error shape, like every other answer.

gunicorn's own answer is a page of HTML that repeats what was sent, and its log line repeats it as well, tokens included.
"""

from __future__ import annotations

import json
from http import HTTPStatus
from typing import Any

from gunicorn.http.errors import (
    ConfigurationProblem,
    ExpectationFailed,
    InvalidResponseHeader,
    InvalidResponseHeaderName,
    LimitRequestHeaders,
    LimitRequestLine,
    ParseException,
    UnsupportedTransferCoding,
)

from app.core.errors import AppError
from app.core.ids import new_id

_OURS = (ConfigurationProblem, InvalidResponseHeader, InvalidResponseHeaderName)
_CODES: dict[type[Exception], str] = {LimitRequestLine: "uri_too_long", LimitRequestHeaders: "headers_too_large"}
_STATUSES: dict[type[Exception], HTTPStatus] = {
    UnsupportedTransferCoding: HTTPStatus.NOT_IMPLEMENTED,
    ExpectationFailed: HTTPStatus.EXPECTATION_FAILED,
}


def is_clients_fault(why: Any) -> bool:
    """Whether the request, and not we, is to blame."""
    return isinstance(why, ParseException) and not isinstance(why, _OURS)


def fault_answer(why: Any) -> bytes:
    """The whole answer, after which the connection closes."""
    error = AppError(_CODES.get(type(why), "malformed") if is_clients_fault(why) else "internal")
    status = _STATUSES.get(type(why), HTTPStatus(error.status))
    return _answer(error, status)


def busy_answer() -> bytes:
    """What a connection too many of one address is answered, whatever it asks."""
    return _answer(AppError("too_many_connections"), HTTPStatus.TOO_MANY_REQUESTS, "Retry-After: 1\r\n")


def _answer(error: AppError, status: HTTPStatus, headers: str = "") -> bytes:
    body = json.dumps({"error": error.to_wire()}).encode()
    head = (
        f"HTTP/1.1 {status.value} {status.phrase}\r\nConnection: close\r\nContent-Type: application/json\r\n{headers}"
        f"X-Request-ID: {new_id()}\r\nX-Content-Type-Options: nosniff\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    return head.encode("ascii") + body
