"""Every way in which Greenroom says no.

One exception, one catalogue. The codes are stable: clients may switch on them; `docs/errors.md` is generated from here.
`retryable` tells a client that the same request may succeed later without being changed.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class ErrorCode:
    """A row of the catalogue: the HTTP status, the sentence for people, and whether trying again can help."""

    status: int
    message: str
    retryable: bool = False


CATALOGUE: dict[str, ErrorCode] = {
    # 400: the request could not be read
    "malformed": ErrorCode(400, "The request could not be read."),
    "bad_cursor": ErrorCode(400, "The cursor is not one that this list gave out."),
    "unknown_event": ErrorCode(400, "There is no event of that name."),
    # 401: who are you?
    "unauthenticated": ErrorCode(401, "Sign in first."),
    "bad_credentials": ErrorCode(401, "No account with that name and password."),
    "invalid_token": ErrorCode(401, "The token is not valid."),
    "token_expired": ErrorCode(401, "The token has expired."),
    "refresh_reused": ErrorCode(401, "That refresh token was used before; the device has been signed out."),
    # 403: you may not
    "forbidden": ErrorCode(403, "You may not do that here."),
    "csrf_failed": ErrorCode(403, "The CSRF token is missing or wrong."),
    "origin_not_allowed": ErrorCode(403, "This origin is not allowed."),
    "banned": ErrorCode(403, "You are banned from this room."),
    "muted": ErrorCode(403, "You are muted in this room."),
    "guests_not_allowed": ErrorCode(403, "This room does not take guests."),
    "chat_closed": ErrorCode(403, "The conversation is closed to you at the moment."),
    "receipts_off": ErrorCode(403, "This room keeps no receipts."),
    "uploads_off": ErrorCode(403, "This room does not take files."),
    # 404: not there, or not for you to know
    "not_found": ErrorCode(404, "There is nothing at this address."),
    "room_not_found": ErrorCode(404, "There is no such room."),
    "timer_not_found": ErrorCode(404, "There is no such timer."),
    "message_not_found": ErrorCode(404, "There is no such message."),
    "user_not_found": ErrorCode(404, "There is no such person."),
    "member_not_found": ErrorCode(404, "There is no such member in this room."),
    "guest_not_found": ErrorCode(404, "There is no such guest in this room."),
    "ban_not_found": ErrorCode(404, "There is no such ban."),
    "link_not_found": ErrorCode(404, "There is no such link, or it can no longer be used."),
    "session_not_found": ErrorCode(404, "There is no such device."),
    "attachment_not_found": ErrorCode(404, "There is no such file."),
    "upload_not_found": ErrorCode(404, "There is no such upload."),
    "notification_not_found": ErrorCode(404, "There is no such notification."),
    # 405-416, 431: not like that
    "method_not_allowed": ErrorCode(405, "That method does not work here."),
    "precondition_failed": ErrorCode(412, "What is here is not what `If-Match` names."),
    "body_too_large": ErrorCode(413, "The request is too large."),
    "file_too_large": ErrorCode(413, "The file is too large."),
    "uri_too_long": ErrorCode(414, "The address is too long."),
    "unsupported_media_type": ErrorCode(415, "Send JSON (Content-Type: application/json)."),
    "file_type_not_allowed": ErrorCode(415, "Files of this type are not taken."),
    "range_not_satisfiable": ErrorCode(416, "The file has no such part."),
    "headers_too_large": ErrorCode(431, "The request's headers are too large."),
    # 409: not now, as things stand
    "conflict": ErrorCode(409, "That does not fit the state it is in."),
    "already_taken": ErrorCode(409, "That name is taken."),
    "illegal_transition": ErrorCode(409, "The timer's state does not allow that."),
    "stale_revision": ErrorCode(409, "It was changed in the meantime."),
    "show_is_on": ErrorCode(
        409, "A timer runs or is paused: reset it first, or add to the run instead of replacing it."
    ),
    "run_changed": ErrorCode(409, "The run of show was changed in the meantime: look again at what would be replaced."),
    "nothing_next": ErrorCode(409, "No timer follows this one."),
    "nothing_to_undo": ErrorCode(409, "There is nothing to undo, or it is too late."),
    "owner_required": ErrorCode(409, "A room needs an owner: hand it over first."),
    "not_in_room": ErrorCode(409, "Join the room first."),
    "quota_exceeded": ErrorCode(409, "The room for files is used up."),
    "upload_incomplete": ErrorCode(409, "The file has not arrived."),
    # 422: read, but wrong
    "validation_failed": ErrorCode(422, "Some of the values are not valid."),
    "import_failed": ErrorCode(422, "The file was not imported; no row of it was."),
    # 429, 5xx: later
    "rate_limited": ErrorCode(429, "Too much at once; wait a little.", retryable=True),
    "slow_mode": ErrorCode(429, "Slow mode: wait a little before writing again.", retryable=True),
    "too_many_connections": ErrorCode(429, "Too many connections.", retryable=True),
    "internal": ErrorCode(500, "Something went wrong on our side."),
    "database_unavailable": ErrorCode(503, "The database cannot be reached at the moment.", retryable=True),
    "storage_unavailable": ErrorCode(503, "The file storage cannot be reached at the moment.", retryable=True),
    "draining": ErrorCode(503, "This server is about to stop; connect again.", retryable=True),
}


class AppError(Exception):
    """Refuses an action.

    Args:
        code: a key of `CATALOGUE`; it decides the HTTP status and whether to retry.
        message: a sentence for people, when the catalogue's is not good enough. Never anything internal.
        details: what is wrong, by field: `{"duration": ["Must be at least 1000."]}`.
        retry_after_ms: for 429 and 503: how long to wait; becomes the `Retry-After` header.
    """

    def __init__(
        self,
        code: str,
        message: str | None = None,
        *,
        details: dict[str, Any] | None = None,
        retry_after_ms: int | None = None,
    ) -> None:
        row = CATALOGUE[code]
        self.code = code
        self.status = row.status
        self.retryable = row.retryable
        self.message = message or row.message
        self.details: dict[str, Any] = details or {}
        self.retry_after_ms = retry_after_ms
        super().__init__(f"{code}: {self.message}")

    def to_wire(self) -> dict[str, Any]:
        """The one error shape of HTTP bodies, acks and `error` events."""
        return {
            "code": self.code,
            "message": self.message,
            "details": self.details,
            "retryable": self.retryable,
        }
