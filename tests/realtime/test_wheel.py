"""One timer for all deadlines."""

from hypothesis import given
from hypothesis import strategies as st

from app.realtime.wheel import SLOTS, Wheel, monotonic_ms

TICK_MS = 100


class Waiter:
    def __init__(self) -> None:
        self.slot = -1
        self.woken: list[int] = []

    def on_due(self, now_ms: int) -> None:
        self.woken.append(now_ms)


def wheel() -> Wheel:
    made = Wheel(TICK_MS * 50)
    made._greenlet = object()  # the test turns it
    made._turned = 0
    return made


@given(st.lists(st.integers(1, TICK_MS * (SLOTS - 2)), min_size=1, max_size=30))
def test_everyone_is_woken_once_and_at_most_one_tick_early(dues: list[int]) -> None:
    turning = wheel()
    waiters = {Waiter(): due for due in dues}
    for waiter, due in waiters.items():
        turning.schedule(waiter, due)
    for now in range(0, TICK_MS * SLOTS, TICK_MS // 2):
        turning.turn(now)
    for waiter, due in waiters.items():
        (woken,) = waiter.woken
        assert max(due, TICK_MS) - TICK_MS <= woken <= max(due, TICK_MS)
    assert turning._waiting == 0


def test_a_later_deadline_replaces_an_earlier_one() -> None:
    turning, waiter = wheel(), Waiter()
    turning.schedule(waiter, 300)
    turning.schedule(waiter, 900)
    turning.turn(800)
    assert waiter.woken == []
    turning.turn(900)
    assert waiter.woken == [900]


def test_a_cancelled_deadline_never_comes() -> None:
    turning, waiter = wheel(), Waiter()
    turning.schedule(waiter, 300)
    turning.cancel(waiter)
    turning.turn(10_000)
    assert waiter.woken == []


def test_one_that_fails_does_not_stop_the_others() -> None:
    turning, sound = wheel(), Waiter()
    broken = Waiter()
    broken.on_due = lambda _now: 1 / 0  # type: ignore[assignment, method-assign]
    turning.schedule(broken, 300)
    turning.schedule(sound, 300)
    turning.turn(300)
    assert sound.woken == [300]


def test_a_deadline_beyond_one_turn_is_looked_at_again_in_time() -> None:
    turning, waiter = wheel(), Waiter()
    turning.schedule(waiter, TICK_MS * SLOTS * 3)
    turning.turn(TICK_MS * (SLOTS - 1))
    assert len(waiter.woken) == 1  # early: its owner sets the deadline again


def test_the_clock_counts_milliseconds() -> None:
    first = monotonic_ms()
    assert 0 <= monotonic_ms() - first < 60_000
