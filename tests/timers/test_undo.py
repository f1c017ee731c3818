"""Taking back the last action: app/timers/undo.py."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from app.core.actor import ANONYMOUS, Actor
from app.core.clock import FakeClock
from app.core.event import Event
from app.core.ids import new_id
from app.rooms.models import Role, Room
from app.timers import service
from app.timers.action import PORTION
from app.timers.schemas import MAX_TIMERS
from tests.support.factories import add_member, make_room, make_user
from tests.support.statements import counted
from tests.timers.support import MINUTE_MS, list_ids, make_timer, names, read, refusal


def test_a_pause_taken_back_never_happened(host: Actor, room: Room, clock: FakeClock, published: list[Event]) -> None:
    timer = make_timer(room, host)
    end = service.start_timer(actor=host, timer_id=timer.id).ends_at
    service.pause_timer(actor=host, timer_id=timer.id)
    clock.advance(9_000)
    back = service.undo_timer(actor=host, timer_id=timer.id)
    assert (back.state, back.ends_at, back.revision) == ("running", end, 4)
    assert names(published)[-1] == "timer-update:undo"


def test_a_reset_taken_back_brings_the_adjusted_time_back(host: Actor, room: Room) -> None:
    timer = make_timer(room, host)
    service.start_timer(actor=host, timer_id=timer.id)
    before = service.adjust_timer(actor=host, timer_id=timer.id, delta_ms=MINUTE_MS).snapshot()
    service.reset_timer(actor=host, timer_id=timer.id)
    after = service.undo_timer(actor=host, timer_id=timer.id).snapshot()
    assert {**after, "revision": 0} == {**before, "revision": 0}


@pytest.mark.parametrize("stop", [service.pause_timer, service.delete_timer])
def test_one_that_runs_again_pauses_what_was_started_since(host: Actor, stop: Callable[..., object]) -> None:
    room = make_room(host, settings={"oneTimerAtATime": True})
    first, second = make_timer(room, host), make_timer(room, host)
    service.start_timer(actor=host, timer_id=first.id)
    stop(actor=host, timer_id=first.id)
    service.start_timer(actor=host, timer_id=second.id)
    service.undo_timer(actor=host, timer_id=first.id)
    assert (read(first).state, read(second).state) == ("running", "paused")


def test_one_whose_end_has_passed_since_pauses_nothing(host: Actor, clock: FakeClock) -> None:
    room = make_room(host, settings={"oneTimerAtATime": True})
    first, second = make_timer(room, host, duration_ms=2_000), make_timer(room, host)
    service.start_timer(actor=host, timer_id=first.id)
    service.pause_timer(actor=host, timer_id=first.id)
    service.start_timer(actor=host, timer_id=second.id)
    clock.advance(3_000)
    service.undo_timer(actor=host, timer_id=first.id)
    assert read(second).state == "running"


def test_after_ten_seconds_it_is_too_late(host: Actor, room: Room, clock: FakeClock) -> None:
    timer = make_timer(room, host)
    service.start_timer(actor=host, timer_id=timer.id)
    clock.advance(10_001)
    assert refusal(service.undo_timer, actor=host, timer_id=timer.id) == "nothing_to_undo"
    assert read(timer).state == "running"


def test_neither_a_creation_nor_an_undo_nor_a_natural_end_is_taken_back(
    host: Actor, room: Room, clock: FakeClock
) -> None:
    timer = make_timer(room, host, duration_ms=2_000)
    assert refusal(service.undo_timer, actor=host, timer_id=timer.id) == "nothing_to_undo"
    service.start_timer(actor=host, timer_id=timer.id)
    service.undo_timer(actor=host, timer_id=timer.id)
    assert refusal(service.undo_timer, actor=host, timer_id=timer.id) == "nothing_to_undo"
    service.start_timer(actor=host, timer_id=timer.id)
    clock.advance(2_000)
    assert refusal(service.undo_timer, actor=host, timer_id=timer.id) == "nothing_to_undo"
    assert read(timer).state == "finished"


def test_next_is_taken_back_as_one(host: Actor, room: Room, clock: FakeClock) -> None:
    first, second = make_timer(room, host, "1"), make_timer(room, host, "2")
    service.start_timer(actor=host, timer_id=first.id)
    clock.advance(1_000)
    service.start_next(actor=host, timer_id=first.id)
    service.undo_timer(actor=host, timer_id=second.id)
    assert (read(first).state, read(second).state) == ("running", "idle")
    assert read(first).finished_at is None


def test_what_somebody_did_since_stays(host: Actor, room: Room) -> None:
    first, second = make_timer(room, host, "1"), make_timer(room, host, "2")
    service.start_timer(actor=host, timer_id=first.id)
    service.start_next(actor=host, timer_id=first.id)
    service.pause_timer(actor=host, timer_id=second.id)
    service.undo_timer(actor=host, timer_id=first.id)
    assert (read(first).state, read(second).state) == ("running", "paused")


def test_any_host_may_and_nobody_else(host: Actor, room: Room) -> None:
    timer = make_timer(room, host)
    helper, member = make_user(), make_user()
    add_member(room, helper, Role.HOST)
    add_member(room, member)
    service.start_timer(actor=host, timer_id=timer.id)
    assert refusal(service.undo_timer, actor=member, timer_id=timer.id) == "forbidden"
    assert refusal(service.undo_timer, actor=ANONYMOUS, timer_id=timer.id) == "unauthenticated"
    assert service.undo_timer(actor=helper, timer_id=timer.id).state == "idle"


def test_a_deleted_timer_comes_back_where_it_was(host: Actor, room: Room, published: list[Event]) -> None:
    make_timer(room, host, "1")
    timer = make_timer(room, host, "2", description="Kept")
    service.start_timer(actor=host, timer_id=timer.id)
    before = read(timer).snapshot()
    service.delete_timer(actor=host, timer_id=timer.id)
    assert refusal(service.undo_timer, actor=make_user(), timer_id=timer.id) == "forbidden"
    service.undo_timer(actor=host, timer_id=timer.id)
    assert {**read(timer).snapshot(), "revision": 0} == {**before, "revision": 0}
    assert names(published)[-1] == "timer-created:undo"


def test_a_deleted_timer_of_a_private_room_stays_unknown_to_strangers(host: Actor) -> None:
    timer = make_timer(make_room(host, is_private=True), host)
    service.delete_timer(actor=host, timer_id=timer.id)
    for unknown in (timer.id, new_id()):
        assert refusal(service.undo_timer, actor=make_user(), timer_id=unknown) == "timer_not_found"


def test_an_alarm_that_has_passed_does_not_ring_again(host: Actor, room: Room, clock: FakeClock) -> None:
    at = clock.advance(1_000)
    clock.advance(-1_000)
    timer = make_timer(room, host, starts_at=at)
    service.start_timer(actor=host, timer_id=timer.id)
    clock.advance(2_000)
    service.undo_timer(actor=host, timer_id=timer.id)
    assert (read(timer).state, read(timer).wakes_at) == ("idle", None)


def replace_run(host: Actor, room: Room) -> list[str]:
    """Import two timers in the place of those that are there; the ids of the latter."""
    old = list_ids(room)
    service.import_timers(actor=host, room_id=room.id, content="title,duration\nA,5\nB,6", mode="replace")
    return old


def test_a_replaced_run_comes_back_as_it_was_in_the_place_of_the_new_one(
    host: Actor, room: Room, published: list[Event]
) -> None:
    first, second = make_timer(room, host, "1"), make_timer(room, host, "2", description="Kept")
    service.start_timer(actor=host, timer_id=first.id)
    service.start_next(actor=host, timer_id=first.id)
    service.reset_timer(actor=host, timer_id=second.id)
    before = [read(timer).snapshot() for timer in (first, second)]
    old = replace_run(host, room)
    published.clear()
    assert service.undo_timer(actor=host, timer_id=second.id).id == second.id
    assert list_ids(room) == old
    after = [read(timer).snapshot() for timer in (first, second)]
    assert [{**values, "revision": 0} for values in after] == [{**values, "revision": 0} for values in before]
    assert all(now["revision"] > then["revision"] for now, then in zip(after, before, strict=True))
    assert names(published) == ["timer-deleted:undo"] * 2 + ["timer-created:undo"] * 2
    for ident in old:
        assert refusal(service.undo_timer, actor=host, timer_id=ident) == "nothing_to_undo"


def test_a_replaced_run_stays_away_once_a_timer_has_changed_or_after_ten_seconds(
    host: Actor, room: Room, clock: FakeClock
) -> None:
    make_timer(room, host, "1")
    (old,) = replace_run(host, room)
    new = list_ids(room)
    assert refusal(service.undo_timer, actor=host, timer_id=new[0]) == "nothing_to_undo"
    service.start_timer(actor=host, timer_id=new[0])
    assert refusal(service.undo_timer, actor=host, timer_id=old) == "nothing_to_undo"
    assert list_ids(room) == new
    service.reset_timer(actor=host, timer_id=new[0])
    clock.advance(10_000)
    later = replace_run(host, room)
    make_timer(room, host, "Added")
    assert refusal(service.undo_timer, actor=host, timer_id=later[0]) == "nothing_to_undo"
    last = replace_run(host, room)
    clock.advance(10_001)
    assert refusal(service.undo_timer, actor=host, timer_id=last[0]) in ("nothing_to_undo", "timer_not_found")


def test_of_two_replacements_the_last_one_is_undone(host: Actor, room: Room) -> None:
    make_timer(room, host, "1")
    (first,) = replace_run(host, room)
    second = replace_run(host, room)
    assert refusal(service.undo_timer, actor=host, timer_id=first) == "nothing_to_undo"
    service.undo_timer(actor=host, timer_id=second[0])
    assert list_ids(room) == second


def test_a_full_run_comes_back_in_a_few_statements(host: Actor, room: Room) -> None:
    rows = "\n".join(f"{number},5" for number in range(MAX_TIMERS))
    service.import_timers(actor=host, room_id=room.id, content=f"title,duration\n{rows}")
    old = replace_run(host, room)
    with counted() as statements:
        service.undo_timer(actor=host, timer_id=old[7])
    assert list_ids(room) == old
    assert len(statements) < 10 * MAX_TIMERS // PORTION
