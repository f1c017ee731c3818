"""When the timers of a room ran: from what they show, so that pages, screens and the report say the same."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from datetime import datetime

from app.core.clock import ms_between
from app.timers.models import Timer
from app.timers.report import Run


def runs_of(timers: Sequence[Timer]) -> dict[str, Run]:
    """The run of each timer that has one, by its id; one that was reset has none.

    One that runs over has not ended until another one of the room begins, whatever its `finished_at`.
    """
    starts = sorted(timer.started_at for timer in timers if timer.started_at is not None)
    return {
        timer.id: Run(timer.started_at, _ended_at(timer, timer.started_at, starts), timer.added_ms)
        for timer in timers
        if timer.started_at is not None
    }


def _ended_at(timer: Timer, started_at: datetime, starts: list[datetime]) -> datetime | None:
    if timer.finished_at is None or timer.on_finish != "overtime":
        return timer.finished_at
    if ms_between(started_at, timer.finished_at) < timer.duration_ms + timer.added_ms:
        return timer.finished_at  # cut short by Next: nothing runs over
    following = bisect_left(starts, timer.finished_at)
    return starts[following] if following < len(starts) else None
