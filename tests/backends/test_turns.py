"""Long work, in turns: app/backends/turns.py."""

from __future__ import annotations

import time

import gevent

from app.backends.turns import SLICE_MS, in_turns

AT_ONCE, TURNS = 5, 4


def test_however_many_work_at_once_the_others_wait_for_one_of_them() -> None:
    def work() -> list[int]:
        return [busy_for_a_slice(number) for number in in_turns(range(TURNS), 1)]

    working = [gevent.spawn(work) for _ in range(AT_ONCE)]
    waited = 0
    while not all(greenlet.ready() for greenlet in working):
        gevent.sleep(1e-6)
        waited += 1
    assert [greenlet.get() for greenlet in working] == [list(range(TURNS))] * AT_ONCE
    # The first turn of each is its own. All of them in one go would be one wait for each turn.
    assert waited >= AT_ONCE * (TURNS - 1)


def busy_for_a_slice(number: int) -> int:
    ends_s = time.monotonic() + 2 * SLICE_MS / 1000
    while time.monotonic() < ends_s:
        pass
    return number
