"""Timers that end and start by themselves: app/timers/scheduler.py."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import gevent
import pytest
from sqlalchemy import text

from app.backends.transaction import database, transaction
from app.core.actor import Actor
from app.core.clock import FakeClock, add_ms
from app.core.errors import AppError
from app.core.event import Event
from app.rooms.models import Room
from app.timers import scheduler as module
from app.timers import service
from app.timers.scheduler import POLL_S, Scheduler
from tests.support.factories import make_room
from tests.support.waiting import eventually
from tests.timers.support import MINUTE_MS, make_timer, names, read

NEVER_S = 3600.0


def fire_due() -> int:
    """What a worker that has just started does."""
    worker = Scheduler()
    worker.read_ahead()
    return worker.fire_due(database.now())


def test_a_timer_ends_at_its_end_and_not_before(
    host: Actor, room: Room, clock: FakeClock, published: list[Event]
) -> None:
    timer = make_timer(room, host)
    end = service.start_timer(actor=host, timer_id=timer.id).ends_at
    clock.advance(10 * MINUTE_MS - 1)
    assert fire_due() == 0
    clock.advance(1)
    assert fire_due() == 1
    assert fire_due() == 0
    assert (read(timer).state, read(timer).finished_at) == ("finished", end)
    assert names(published)[2:] == ["timer-finished:end"]


def test_an_end_missed_for_hours_is_told_late_but_once_and_as_of_the_end(
    host: Actor, room: Room, clock: FakeClock, published: list[Event]
) -> None:
    timer = make_timer(room, host)
    end = service.start_timer(actor=host, timer_id=timer.id).ends_at
    clock.advance(300 * MINUTE_MS)
    assert fire_due() == 1
    assert read(timer).finished_at == end
    assert names(published).count("timer-finished:end") == 1


def test_two_workers_that_wake_for_the_same_end_tell_it_once(
    host: Actor, room: Room, clock: FakeClock, published: list[Event]
) -> None:
    timers = [make_timer(room, host, str(number), on_finish="next") for number in range(3)]
    service.start_timer(actor=host, timer_id=timers[0].id)
    clock.advance(10 * MINUTE_MS)
    workers = [gevent.spawn(fire_due) for _ in range(4)]
    gevent.joinall(workers, raise_error=True)
    assert sum(worker.value for worker in workers) == 1
    assert names(published)[4:] == ["timer-finished:end", "timer-update:start"]
    assert [read(timer).state for timer in timers] == ["finished", "running", "idle"]


def test_an_alarm_starts_its_timer_as_of_the_alarm(
    host: Actor, room: Room, clock: FakeClock, published: list[Event]
) -> None:
    at = add_ms(clock.now(), MINUTE_MS)
    timer = make_timer(room, host, starts_at=at)
    assert fire_due() == 0
    clock.advance(MINUTE_MS + 30)
    workers = [gevent.spawn(fire_due) for _ in range(2)]
    gevent.joinall(workers, raise_error=True)
    assert (read(timer).state, read(timer).started_at) == ("running", at)
    assert names(published)[1:] == ["timer-update:start"]
    assert fire_due() == 0


def test_handing_over_reaches_through_a_whole_outage(host: Actor, room: Room, clock: FakeClock) -> None:
    timers = [make_timer(room, host, str(number), on_finish="next") for number in range(3)]
    start = service.start_timer(actor=host, timer_id=timers[0].id).started_at
    assert start is not None
    clock.advance(25 * MINUTE_MS)
    fire_due()
    assert [read(timer).state for timer in timers] == ["finished", "finished", "running"]
    assert read(timers[2]).ends_at == add_ms(start, 30 * MINUTE_MS)


def test_overtime_finishes_all_the_same(host: Actor, room: Room, clock: FakeClock) -> None:
    first, second = make_timer(room, host, "1", on_finish="overtime"), make_timer(room, host, "2")
    service.start_timer(actor=host, timer_id=first.id)
    clock.advance(20 * MINUTE_MS)
    fire_due()
    assert (read(first).state, read(second).state) == ("finished", "idle")


def test_a_timer_paused_adjusted_or_deleted_in_time_does_not_fire(host: Actor, room: Room, clock: FakeClock) -> None:
    paused, longer, deleted = (make_timer(room, host, title) for title in ("p", "l", "d"))
    for timer in (paused, longer, deleted):
        service.start_timer(actor=host, timer_id=timer.id)
    worker = Scheduler()
    clock.advance(10 * MINUTE_MS - 1_000)
    worker.read_ahead()
    service.pause_timer(actor=host, timer_id=paused.id)
    service.adjust_timer(actor=host, timer_id=longer.id, delta_ms=MINUTE_MS)
    service.delete_timer(actor=host, timer_id=deleted.id)
    clock.advance(1_000)
    assert worker.fire_due(clock.now()) == 0
    assert (read(paused).state, read(longer).state) == ("paused", "running")


def test_the_timers_of_a_deleted_room_are_left_alone(host: Actor, clock: FakeClock) -> None:
    room = make_room(host)
    timer = make_timer(room, host)
    service.start_timer(actor=host, timer_id=timer.id)
    worker = Scheduler()
    clock.advance(10 * MINUTE_MS)
    worker.read_ahead()
    with transaction() as work:
        work.session.execute(text("UPDATE rooms SET deleted_at = created_at"))
    assert worker.fire_due(clock.now()) == 0
    assert Scheduler().turn() == POLL_S


def test_it_sleeps_until_the_nearest_end_and_never_longer_than_a_poll(
    host: Actor, room: Room, clock: FakeClock
) -> None:
    worker = Scheduler()
    assert worker.turn() == POLL_S
    timer = make_timer(room, host, duration_ms=1_500)
    service.start_timer(actor=host, timer_id=timer.id)
    assert worker.turn() == POLL_S
    clock.advance(1_200)
    assert worker.turn() == pytest.approx(0.3)
    clock.advance(300)
    assert worker.turn() == POLL_S
    assert read(timer).state == "finished"


def test_a_database_that_is_away_costs_one_poll(monkeypatch: pytest.MonkeyPatch, host: Actor) -> None:
    def away(**_: object) -> None:
        raise AppError("database_unavailable")

    worker = Scheduler()
    with monkeypatch.context() as patch:
        patch.setattr(service, "list_upcoming", away)
        assert worker.turn() == POLL_S
    assert worker.turn() == POLL_S


@pytest.mark.parametrize("database_url", ["postgres"], indirect=True)
def test_connections_that_the_database_cut_hold_up_no_end(host: Actor, room: Room, clock: FakeClock) -> None:
    timer = make_timer(room, host)
    service.start_timer(actor=host, timer_id=timer.id)
    worker = Scheduler()
    worker.turn()
    with transaction() as work:
        others = "datname = current_database() AND pid <> pg_backend_pid()"
        work.session.execute(text(f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE {others}"))
    with pytest.raises(AppError, match="database_unavailable"), transaction() as work:
        work.session.execute(text("SELECT pg_terminate_backend(pg_backend_pid())"))
    clock.advance(10 * MINUTE_MS)
    worker.turn()
    worker.turn()
    assert read(timer).state == "finished"


def test_a_timer_that_cannot_be_fired_holds_up_no_other(
    monkeypatch: pytest.MonkeyPatch, host: Actor, room: Room, clock: FakeClock
) -> None:
    broken, good = make_timer(room, host, "broken"), make_timer(room, host, "good")
    for timer in (broken, good):
        service.start_timer(actor=host, timer_id=timer.id)
    clock.advance(10 * MINUTE_MS)
    attempts: list[int] = []

    def fire(timer_ids: Sequence[str], *, really: Callable[..., Any] = service.fire_timers) -> Any:
        if broken.id in timer_ids:
            attempts.append(len(timer_ids))
            raise ValueError("broken")
        return really(timer_ids)

    monkeypatch.setattr(service, "fire_timers", fire)
    worker = Scheduler()
    assert worker.turn() == worker.turn() == POLL_S
    assert read(good).state == "finished"
    assert attempts == [2, 1]
    clock.advance(module.HOLD_MS)
    worker.turn()
    assert attempts == [2, 1, 1]


def test_a_change_in_this_process_wakes_it(
    host: Actor, room: Room, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "POLL_S", NEVER_S)
    worker = Scheduler()
    greenlet = gevent.spawn(worker.run)
    gevent.sleep(0)
    timer = make_timer(room, host)
    service.start_timer(actor=host, timer_id=timer.id)
    clock.advance(10 * MINUTE_MS)
    make_timer(room, host, "another")
    eventually(lambda: read(timer).state == "finished")
    greenlet.kill()
