"""Which of a room's timers is in front, and by how much one ran over: as `clients/js/src/front.js` decides, for pages as sent.

Pure: timers as over the wire in, and nothing else.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

from app.core.clock import from_wire, ms_between

Timer = dict[str, Any]
_STATES = ("running", "paused", "finished")


def front_of(timers: list[Timer]) -> Timer | None:
    """The running one that began last, else the paused one, else the one that ended, else the first; None of none.

    One that runs over stays in front of those that began before it, until another one begins or goes on.
    """
    usual = next(filter(None, (_last(timers, _is(state)) for state in _STATES)), timers[0] if timers else None)
    over = _last(timers, lambda timer: counts_on(timer, timers))
    if over is None or usual is None:
        return usual
    goes_on = usual["state"] == "running" and usual["updatedAt"] >= over["finishedAt"]
    return usual if goes_on or _begun(usual) > _begun(over) else over


def overrun_ms(timer: Timer, timers: list[Timer], now: datetime) -> int | None:
    """By how much it has run over: from its end until another one began, or now. None where nothing is over, or counts."""
    if not _had_its_time(timer):
        return None
    followed = min((_begun(other) for other in timers if _is_after(other, timer)), default=None)
    ms = ms_between(from_wire(timer["finishedAt"]), now if followed is None else min(now, from_wire(followed)))
    return ms if ms > 0 or followed is None else None


def has_following(timer: Timer | None, timers: list[Timer]) -> bool:
    """Whether Next has something to start: one behind `timer` that has not finished."""
    return timer is not None and any(
        other["state"] != "finished" and other["position"] > timer["position"] for other in timers
    )


def counts_on(timer: Timer, timers: list[Timer]) -> bool:
    """Whether what it is over goes on growing: its time was not cut short, and no other has begun since its end."""
    return _had_its_time(timer) and not any(_is_after(other, timer) for other in timers)


def _had_its_time(timer: Timer) -> bool:
    if timer["state"] != "finished" or timer["onFinish"] != "overtime" or not timer["startTimestamp"]:
        return False
    lasted_ms = ms_between(from_wire(timer["startTimestamp"]), from_wire(timer["finishedAt"]))
    return bool(lasted_ms >= timer["duration"] + timer["addedMs"])


def _is_after(other: Timer, timer: Timer) -> bool:
    return bool(other["id"] != timer["id"] and _begun(other) >= timer["finishedAt"])


def _is(state: str) -> Callable[[Timer], bool]:
    return lambda timer: bool(timer["state"] == state)


def _last(timers: list[Timer], which: Callable[[Timer], bool]) -> Timer | None:
    return max(filter(which, timers), key=_begun, default=None)


def _begun(timer: Timer) -> str:
    """Wire instants are in order as text."""
    return timer["startTimestamp"] or ""
