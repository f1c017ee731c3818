"""Counting in fixed windows, alone and together."""

from __future__ import annotations

import pytest
import redis

from app.backends.windows import SWEEP_EVERY_HITS, MemoryWindows, RedisWindows
from app.core.clock import FakeClock
from tests.backends.test_limits import NOWHERE, by_hand

MINUTE_MS = 60_000


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture(params=["memory", "redis", "redis that is away"])
def windows(request: pytest.FixtureRequest, clock: FakeClock) -> MemoryWindows:
    if request.param == "memory":
        return MemoryWindows(clock)
    url = NOWHERE if "away" in request.param else request.getfixturevalue("redis_url")
    return RedisWindows(url, clock, spawn=by_hand)


def test_hits_add_up_until_the_window_that_the_first_one_began_is_over(
    windows: MemoryWindows, clock: FakeClock
) -> None:
    assert windows.hit("a", MINUTE_MS) == 1
    clock.advance(MINUTE_MS - 1)
    assert windows.hit("a", MINUTE_MS, 3) == 4
    assert windows.left_ms("a") == 1
    clock.advance(1)
    assert (windows.current("a"), windows.left_ms("a")) == (None, 0)
    assert windows.hit("a", MINUTE_MS) == 1


def test_keys_count_apart_and_can_be_forgotten(windows: MemoryWindows) -> None:
    windows.hit("a", MINUTE_MS)
    assert windows.hit("b", MINUTE_MS) == 1
    windows.forget("a")
    assert windows.hit("a", MINUTE_MS) == 1
    windows.forget()
    assert windows.current("b") is None


def test_windows_that_are_over_are_swept(clock: FakeClock) -> None:
    windows = MemoryWindows(clock)
    for number in range(SWEEP_EVERY_HITS - 1):
        windows.hit(f"key-{number}", MINUTE_MS)
    clock.advance(MINUTE_MS)
    windows.hit("a", MINUTE_MS)
    assert list(windows._windows) == ["a"]


def test_two_workers_count_together_and_their_windows_end_together(redis_url: str, clock: FakeClock) -> None:
    redis.Redis.from_url(redis_url).flushdb()
    one, two = (RedisWindows(redis_url, clock, spawn=by_hand) for _ in range(2))
    one.hit("a", MINUTE_MS, 60)
    one.sharing.share()
    clock.advance(30_000)
    assert two.hit("a", MINUTE_MS, 30) == 30, "local first"
    two.sharing.share()
    assert two.hit("a", MINUTE_MS) == 91
    one.hit("a", MINUTE_MS)
    for worker in (two, one):
        worker.sharing.share()
    assert one.hit("a", MINUTE_MS) == 93
    assert 0 < redis.Redis.from_url(redis_url).pttl("greenroom:window:a") <= MINUTE_MS


def test_a_store_that_is_away_leaves_the_local_count(clock: FakeClock) -> None:
    windows = RedisWindows(NOWHERE, clock, spawn=by_hand)
    windows.hit("a", MINUTE_MS, 7)
    windows.sharing.share()
    assert windows.hit("a", MINUTE_MS) == 8
