"""What travels, under the names that it has there. docs/asyncapi.json describes every field."""

from __future__ import annotations

from typing import Any, Literal, NotRequired, TypedDict

from greenroom_client.clock import instant_ms


class Timer(TypedDict):
    """Durations are milliseconds; instants are ISO 8601 in UTC."""

    id: str
    roomId: str
    title: str
    position: int
    duration: int
    state: Literal["idle", "running", "paused", "finished"]
    startTimestamp: str | None
    endTimestamp: str | None
    finishedAt: str | None
    startsAt: str | None
    plannedAt: str | None
    remainingMs: int | None
    addedMs: int
    warnMs: int
    dangerMs: int
    onFinish: Literal["stop", "overtime", "next"]
    revision: int
    updatedAt: str


class Person(TypedDict):
    """Who is here."""

    id: str
    username: str
    name: str
    isGuest: NotRequired[bool]


class Attachment(TypedDict):
    """A file; `url` is signed and soon runs out."""

    id: str
    filename: str
    mime: str
    bytes: int
    url: str
    thumbnailUrl: str | None


class Message(TypedDict):
    """What was said; deleted messages keep their place without their text."""

    id: str
    roomId: str
    seq: int
    changeSeq: int
    user: Person | None
    userId: str | None
    content: str
    messageType: Literal["text", "question", "system", "stage"]
    clientMessageId: str | None
    attachment: Attachment | None
    replyTo: str | None
    votes: int
    createdAt: str
    editedAt: str | None
    deletedAt: str | None


class Position(TypedDict):
    """Up to where both streams of a room are known."""

    epoch: str
    room: int
    chat: int


class RoomState(TypedDict):
    """A room as it is at its `position`."""

    id: str
    name: str
    settings: dict[str, Any]
    timers: list[Timer]
    stage: dict[str, Any]
    position: Position
    userCount: int
    serverNow: str
    shareToken: NotRequired[str]


def remaining_ms(timer: Timer, now_ms: float) -> int:
    """What is left of a timer at an instant of the server's clock, in whole milliseconds; never below zero."""
    if timer["state"] == "finished":
        return 0
    if timer["endTimestamp"] is not None:
        return max(0, round(instant_ms(timer["endTimestamp"]) - now_ms))
    left = timer["remainingMs"]
    return timer["duration"] + timer["addedMs"] if left is None else left
