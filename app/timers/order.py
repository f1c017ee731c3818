"""The order of a room's timers: positions without gaps after every move. The room is locked by the action."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from app.timers.action import Action
from app.timers.events import TIMER_UPDATE
from app.timers.models import Timer


def move(action: Action, timer: Timer, place: int) -> None:
    """Put `timer` where the one at position `place` is; beyond the last it becomes the last."""
    others = [other for other in action.in_order() if other is not timer]
    limit = place + 1 if place > timer.position else place  # going down, it passes the one whose place it takes
    index = sum(other.position < limit for other in others)
    renumber(action, [*others[:index], timer, *others[index:]])


def make_room(action: Action, new: Timer, place: int) -> None:
    """Give a timer that nobody has heard of yet position `place`, or the last one."""
    others = [other for other in action.in_order() if other is not new]
    new.position = index = sum(other.position < place for other in others)
    renumber(action, others[:index])
    renumber(action, others[index:], first=index + 1)


def renumber(action: Action, timers: list[Timer], first: int = 0) -> None:
    """Give `timers` the positions from `first` on; who has theirs already is not told."""
    action.tell_all(_moved(action, timers, first), TIMER_UPDATE, "order")


def _moved(action: Action, timers: list[Timer], first: int) -> Iterator[tuple[Timer, dict[str, Any]]]:
    for position, timer in enumerate(timers, first):
        before = timer.snapshot()
        if timer.amend({"position": position}, action.work.now):
            yield timer, before
