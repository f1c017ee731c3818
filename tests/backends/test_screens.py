"""The promises of the screens port, on every implementation."""

from __future__ import annotations

from dataclasses import replace

import pytest

from app.backends.screens import MOST, ScreenReport, Screens
from app.backends.screens_memory import MemoryScreens
from app.backends.screens_redis import RedisScreens
from app.core.clock import FakeClock, to_epoch_ms
from app.core.ids import new_id

NOWHERE = "redis://127.0.0.1:1"


@pytest.fixture(params=["memory", "redis", "redis away"])
def screens(request: pytest.FixtureRequest, clock: FakeClock) -> Screens:
    if request.param == "memory":
        return MemoryScreens(clock)
    return RedisScreens(request.getfixturevalue("redis_url") if request.param == "redis" else NOWHERE, clock)


@pytest.fixture
def room_id() -> str:
    return new_id()


def report(clock: FakeClock, ident: str = "a", kind: str = "stage") -> ScreenReport:
    now_ms = to_epoch_ms(clock.now())
    return ScreenReport(ident, kind, "Back wall", now_ms, 60_000, offset_ms=3, round_trip_ms=8, revision=7, missing=0)


def test_the_newest_report_of_a_screen_counts(screens: Screens, clock: FakeClock, room_id: str) -> None:
    screens.put(room_id, report(clock))
    newest = replace(report(clock), revision=8)
    screens.put(room_id, newest)
    screens.put(room_id, report(clock, "b", "viewer"))
    assert {(screen.id, screen.revision) for screen in screens.list(room_id)} == {("a", 8), ("b", 7)}
    assert newest in screens.list(room_id)
    assert screens.list(new_id()) == []


def test_a_screen_that_fell_silent_is_forgotten(screens: Screens, clock: FakeClock, room_id: str) -> None:
    screens.put(room_id, report(clock, "a"))
    clock.advance(40_000)
    screens.put(room_id, report(clock, "b"))
    clock.advance(20_000)
    assert [screen.id for screen in screens.list(room_id)] == ["b"]


def test_a_room_keeps_so_many_of_a_kind_and_viewers_never_crowd_out_a_stage(
    screens: Screens, clock: FakeClock, room_id: str
) -> None:
    for number in range(MOST):
        screens.put(room_id, report(clock, f"v{number}", "viewer"))
    screens.put(room_id, report(clock, "late", "viewer"))
    screens.put(room_id, report(clock, "stage", "stage"))
    kept = {screen.id for screen in screens.list(room_id)}
    assert len(kept) == MOST + 1
    assert "stage" in kept
    assert "late" not in kept
    clock.advance(60_000)
    screens.put(room_id, report(clock, "late", "viewer"))
    assert [screen.id for screen in screens.list(room_id)] == ["late"]


def test_workers_see_each_others_screens(redis_url: str, clock: FakeClock, room_id: str) -> None:
    one, other = RedisScreens(redis_url, clock), RedisScreens(redis_url, clock)
    one.put(room_id, report(clock))
    assert other.list(room_id) == [report(clock)]
