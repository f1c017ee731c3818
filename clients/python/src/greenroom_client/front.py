"""Which of a room's timers is in front. Pure, and as `front` in clients/js decides."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

from greenroom_client.wire import Timer


def front(timers: list[Timer]) -> Timer | None:
    """The running one that began last, else the paused one, else the one that ended, else the first; None of none.

    One that runs over stays in front of those that began before it, until another one begins or goes on.
    """
    usual = next(filter(None, (_last(timers, _is(state)) for state in ("running", "paused", "finished"))), None)
    over = _last(timers, lambda timer: runs_over(timer, timers))
    if over is None or usual is None:
        return usual or (timers[0] if timers else None)
    goes_on = usual["state"] == "running" and usual["updatedAt"] >= _ended(over)
    return usual if goes_on or _begun(usual) > _begun(over) else over


def runs_over(timer: Timer, timers: list[Timer]) -> bool:
    """Whether its time is up and what it is over counts on: it was not cut short, and no other has begun since."""
    return had_its_time(timer) and not any(_begun(other) >= _ended(timer) for other in timers if other is not timer)


def had_its_time(timer: Timer) -> bool:
    """Whether it ended because its time was up, and what comes after that counts."""
    if timer["state"] != "finished" or timer["onFinish"] != "overtime" or not timer["startTimestamp"]:
        return False
    began, ended = datetime.fromisoformat(_begun(timer)), datetime.fromisoformat(_ended(timer))
    return ended - began >= timedelta(milliseconds=timer["duration"] + timer["addedMs"])


def _is(state: str) -> Callable[[Timer], bool]:
    return lambda timer: bool(timer["state"] == state)


def _last(timers: list[Timer], which: Callable[[Timer], bool]) -> Timer | None:
    return max(filter(which, timers), key=_begun, default=None)


def _begun(timer: Timer) -> str:
    """Wire instants are in order as text."""
    return timer["startTimestamp"] or ""


def _ended(timer: Timer) -> str:
    return timer["finishedAt"] or ""
