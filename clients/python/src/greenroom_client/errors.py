"""What the server refuses, in its own words."""

from __future__ import annotations

from typing import Any


class GreenroomError(Exception):
    """A refusal: `code` is stable (docs/errors.md), `retryable` says whether to ask again, `retry_after_s` when."""

    def __init__(self, code: str, message: str, *, retryable: bool = False, **more: Any) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code
        self.retryable = retryable
        self.details: dict[str, list[str]] = more.get("details") or {}
        milliseconds = more.get("retryAfterMs")
        self.retry_after_s = milliseconds / 1000 if milliseconds is not None else None


def no_answer(why: object = "No answer.") -> GreenroomError:
    """The question or its answer was lost on the way: ask again."""
    return GreenroomError("no_answer", str(why), retryable=True)
