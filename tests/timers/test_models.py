"""The state machine of a timer, pure: app/timers/models.py."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from app.core.clock import FakeClock, add_ms, ms_between
from app.core.errors import AppError
from app.core.ids import new_id
from app.timers.models import MAX_DURATION_MS, STATES, Timer

NOW = datetime(2026, 1, 1, 12, tzinfo=UTC)
DURATION_MS = 10_000
LATER = add_ms(NOW, 4_000)


def timer_in(state: str) -> Timer:
    """A timer of 10 s in `state`; it started, if it did, at `NOW`."""
    timer = Timer.new(room_id=new_id(), position=0, now=NOW, title="Talk", duration_ms=DURATION_MS)
    if state != "idle":
        timer.start(NOW)
    if state == "paused":
        timer.pause(NOW)
    if state == "finished":
        timer.finish(NOW)
    return timer


def do(timer: Timer, action: str, now: datetime = LATER) -> bool:
    return timer.adjust(2_000, now) if action == "adjust" else bool(getattr(timer, action)(now))


# The contract's table, cell by cell; None is 409. "same" changes nothing, not even the revision.
TABLE = {
    "idle": {"start": "running", "pause": None, "adjust": "idle", "reset": "same"},
    "running": {"start": "same", "pause": "paused", "adjust": "running", "reset": "idle"},
    "paused": {"start": "running", "pause": "same", "adjust": "paused", "reset": "idle"},
    "finished": {"start": None, "pause": None, "adjust": None, "reset": "idle"},
}
CELLS = [(state, action, after) for state, row in TABLE.items() for action, after in row.items()]


@pytest.mark.parametrize(("state", "action", "after"), CELLS)
def test_each_cell_of_the_table_holds(state: str, action: str, after: str | None) -> None:
    timer = timer_in(state)
    before = timer.snapshot()
    if after is None:
        with pytest.raises(AppError, match="illegal_transition"):
            do(timer, action)
        assert timer.snapshot() == before
    elif after == "same":
        assert do(timer, action) is False
        assert timer.snapshot() == before
    else:
        assert do(timer, action) is True
        assert (timer.state, timer.revision) == (after, before["revision"] + 1)


@pytest.mark.parametrize(
    ("state", "row"),
    [
        ("idle", (False, None, None, DURATION_MS, None)),
        ("running", (True, NOW, add_ms(NOW, DURATION_MS), None, None)),
        ("paused", (False, NOW, None, DURATION_MS, None)),
        ("finished", (False, NOW, NOW, 0, NOW)),
    ],
)
def test_each_state_shows_what_the_contract_says(state: str, row: tuple[Any, ...]) -> None:
    timer = timer_in(state)
    assert (timer.is_active, timer.started_at, timer.end_at, timer.remaining_ms, timer.finished_at) == row


def test_resuming_keeps_the_first_start_and_what_was_left() -> None:
    timer = timer_in("running")
    timer.pause(LATER)
    timer.start(add_ms(LATER, 60_000))
    assert timer.started_at == NOW
    assert timer.ends_at == add_ms(LATER, 60_000 + DURATION_MS - 4_000)


def test_adjustments_sum_until_a_reset_and_move_what_a_start_gives() -> None:
    timer = timer_in("idle")
    timer.adjust(5_000, NOW)
    timer.adjust(-1_000, NOW)
    assert (timer.added_ms, timer.remaining_ms) == (4_000, DURATION_MS + 4_000)
    timer.start(NOW)
    assert timer.ends_at == add_ms(NOW, DURATION_MS + 4_000)
    timer.reset(NOW)
    assert (timer.added_ms, timer.remaining_ms) == (0, DURATION_MS)


@pytest.mark.parametrize("state", ["idle", "paused"])
def test_nobody_takes_more_than_is_left_nor_gives_more_than_seven_days(state: str) -> None:
    timer = timer_in(state)
    timer.adjust(-99_000, NOW)
    assert (timer.state, timer.remaining_ms, timer.added_ms) == (state, 0, -DURATION_MS)
    timer.adjust(MAX_DURATION_MS, NOW)
    timer.adjust(1, NOW)
    assert timer.remaining_ms == MAX_DURATION_MS


def test_the_duration_changes_only_while_idle() -> None:
    for state in STATES[1:]:
        timer = timer_in(state)
        assert timer.amend({"duration_ms": DURATION_MS, "title": "New"}, NOW)
        with pytest.raises(AppError, match="illegal_transition"):
            timer.amend({"duration_ms": 5_000}, NOW)
    timer = timer_in("idle")
    timer.adjust(-9_000, NOW)
    timer.amend({"duration_ms": 5_000}, NOW)
    assert timer.remaining_ms == 0


def test_an_alarm_rings_once_and_is_set_again_by_a_reset_while_it_is_ahead() -> None:
    timer = timer_in("idle")
    timer.amend({"starts_at": LATER}, NOW)
    assert not timer.is_due(NOW)
    assert timer.is_due(LATER)
    timer.start(NOW)
    timer.reset(NOW)
    assert timer.wakes_at == LATER
    timer.start(NOW)
    timer.reset(LATER)
    assert (timer.wakes_at, timer.starts_at) == (None, LATER)


def test_a_start_in_the_past_is_refused_unless_it_was_there_before() -> None:
    timer = timer_in("idle")
    with pytest.raises(AppError, match="validation_failed"):
        timer.amend({"starts_at": NOW}, NOW)
    timer.amend({"starts_at": LATER}, NOW)
    assert timer.amend({"starts_at": LATER, "title": "New"}, add_ms(LATER, 1))


class TimerMachine(RuleBasedStateMachine):
    """Any sequence of actions and clock steps, beside a second account of the time that ran."""

    def __init__(self) -> None:
        super().__init__()
        self.clock = FakeClock(NOW)
        self.timer = timer_in("idle")
        self.ran_ms = 0
        self.was_cut = False
        self.revision = self.timer.revision

    @rule(step_ms=st.one_of(st.integers(0, 20_000), st.integers(0, MAX_DURATION_MS)))
    def time_passes(self, step_ms: int) -> None:
        if self.timer.ends_at is not None:
            self.ran_ms += min(step_ms, max(0, ms_between(self.clock.now(), self.timer.ends_at)))
        self.clock.advance(step_ms)
        if self.timer.is_due(self.clock.now()):
            assert self.timer.due_at is not None
            self.timer.finish(self.timer.due_at)

    @rule()
    def start(self) -> None:
        self.attempt("start", self.clock.now(), refused_in={"finished"})

    @rule()
    def pause(self) -> None:
        self.attempt("pause", self.clock.now(), refused_in={"idle", "finished"})

    @rule()
    def reset(self) -> None:
        self.attempt("reset", self.clock.now(), refused_in=set())
        self.ran_ms, self.was_cut = 0, False

    @rule(delta_ms=st.one_of(st.integers(-15_000, 15_000), st.integers(-MAX_DURATION_MS, MAX_DURATION_MS)))
    def adjust(self, delta_ms: int) -> None:
        self.attempt("adjust", delta_ms, self.clock.now(), refused_in={"finished"})

    @precondition(lambda self: self.timer.state != "finished")
    @rule()
    def finish_now(self) -> None:
        self.timer.finish(self.clock.now())
        self.was_cut = True

    @rule(duration_ms=st.integers(1_000, MAX_DURATION_MS))
    def another_duration(self, duration_ms: int) -> None:
        refused = set() if duration_ms == self.timer.duration_ms else set(STATES) - {"idle"}
        self.attempt("amend", {"duration_ms": duration_ms}, self.clock.now(), refused_in=refused)

    @rule()
    def undo_and_redo(self) -> None:
        now = self.timer.snapshot()
        self.timer.restore(json.loads(json.dumps(now)), self.clock.now())
        assert {**self.timer.snapshot(), "revision": 0} == {**now, "revision": 0}

    def attempt(self, action: str, *arguments: Any, refused_in: set[str]) -> None:
        before = self.timer.snapshot()
        if before["state"] in refused_in:
            with pytest.raises(AppError, match="illegal_transition"):
                getattr(self.timer, action)(*arguments)
            assert self.timer.snapshot() == before
            return
        changed = getattr(self.timer, action)(*arguments)
        assert changed == (self.timer.snapshot() != before)
        if action != "adjust":  # the one that adds up
            assert getattr(self.timer, action)(*arguments) is False

    @invariant()
    def what_is_set_tells_the_state(self) -> None:
        timer = self.timer
        assert timer.state in STATES
        assert timer.is_active == (timer.state == "running") == (timer.ends_at is not None)
        assert (timer.state == "paused") == (timer.paused_left_ms is not None)
        assert (timer.state == "finished") == (timer.finished_at is not None)
        assert timer.state != "idle" or timer.started_at is None
        assert timer.state not in ("running", "paused") or timer.started_at is not None

    @invariant()
    def no_time_is_lost_or_made(self) -> None:
        now = self.clock.now()
        left_ms = ms_between(now, self.timer.ends_at) if self.timer.ends_at else self.timer.remaining_ms
        assert left_ms is not None
        assert 0 <= left_ms <= 2 * MAX_DURATION_MS
        if not self.was_cut:
            assert self.ran_ms + left_ms == self.timer.duration_ms + self.timer.added_ms

    @invariant()
    def the_end_is_never_ahead_once_finished(self) -> None:
        if self.timer.finished_at is not None:
            assert self.timer.finished_at <= self.clock.now()

    @invariant()
    def revisions_only_rise(self) -> None:
        assert self.timer.revision >= self.revision
        self.revision = self.timer.revision


TestTimerMachine = TimerMachine.TestCase
TestTimerMachine.settings = settings(max_examples=60, stateful_step_count=30, deadline=None, derandomize=True)
