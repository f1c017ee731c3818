"""Which refusals each operation may answer, by rules and a table. The fuzz tests find what is missing here."""

from __future__ import annotations

from typing import Any

#: Whoever asks: without an account, by a share token, by an address that is itself the credential.
OPEN = {
    ("post", "/api/auth/register"),
    ("post", "/api/auth/login"),
    ("post", "/api/auth/refresh"),
    ("post", "/api/auth/logout"),
    ("get", "/api/rooms/{room_id}"),
    ("get", "/api/rooms/{room_id}/guests"),
    ("post", "/api/rooms/{room_id}/guests"),
    ("get", "/api/links/{token}/accept"),
    ("get", "/api/crowd/{share_token}"),
    ("get", "/api/files/{token}"),
    ("put", "/api/uploads/{token}"),
    ("post", "/api/uploads/{token}"),
    ("get", "/api/openapi.json"),
    ("get", "/api/asyncapi.json"),
    ("get", "/api/docs"),
}
#: Where what is asked for may not fit the state that things are in.
CONFLICTING = {
    ("post", "/api/auth/register"),
    ("post", "/api/rooms/{room_id}/leave"),
    ("post", "/api/rooms/{room_id}/members"),
    ("patch", "/api/rooms/{room_id}/members/{user_id}"),
    ("delete", "/api/rooms/{room_id}/members/{user_id}"),
    ("post", "/api/rooms/{room_id}/guests"),
    ("post", "/api/rooms/{room_id}/bans"),
    ("post", "/api/rooms/{room_id}/timers"),
    ("post", "/api/rooms/{room_id}/timers/import"),
    ("post", "/api/rooms/{room_id}/messages"),
    ("post", "/api/upload/init"),
    ("post", "/api/upload/complete"),
    ("put", "/api/uploads/{token}"),
    ("post", "/api/uploads/{token}"),
}
_WITH_STATES = ("/api/timers/{timer_id}", "/api/messages/{message_id}")
_WITHOUT_IDENTITY = {("post", "/api/auth/register")}
_NAMING_ROOMS = {"/api/messages", "/api/upload/init", "/api/upload/complete", "/api/dms"}
_SIGNED = ("/api/uploads/{token}", "/api/files/{token}")


def is_open(method: str, path: str) -> bool:
    """Whether it may be called without signing in."""
    return (method, path) in OPEN


def takes_if_match(method: str, path: str) -> bool:
    """Whether a stale revision can be refused."""
    return path.startswith("/api/timers/{timer_id}") and not path.endswith("/undo")


def refusals(method: str, path: str, operation: dict[str, Any]) -> list[int]:
    """The statuses from 400 on that this operation may answer."""
    found = {400, 414, 429, 431, 500, 503}  # any request can be framed or worded wrongly
    names = [parameter["name"] for parameter in operation.get("parameters", [])]
    has_body = "requestBody" in operation
    if path not in _SIGNED:
        found |= set() if (method, path) in _WITHOUT_IDENTITY else {401}
        found |= {403} if (method, path) not in _WITHOUT_IDENTITY else set()
        found |= {413, 415, 422} if has_body else set()
    else:
        found |= {413, 415} if method != "get" else {416}
    found |= {422} if names else set()
    found |= {404} if "{" in path or path in _NAMING_ROOMS else set()
    changes_state = method != "get" and path.startswith(_WITH_STATES)
    found |= {409} if changes_state or (method, path) in CONFLICTING else set()
    return sorted(found)
