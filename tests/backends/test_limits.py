"""The promises of the limits port, on both implementations; and what sharing adds."""

from __future__ import annotations

from typing import Any

import pytest
import redis

from app.backends.limits import Limits, Rate
from app.backends.limits_memory import SWEEP_EVERY_TAKES, MemoryLimits
from app.backends.limits_redis import RedisLimits
from app.backends.limits_sharing import KEYS_PER_BATCH, Sharing
from app.core.clock import FakeClock

RATE = Rate(per_second=5, burst=20)
#: Redis refills by its own clock: at this rate nothing comes back during a test, however slow the machine.
HARDLY_EVER = Rate(per_second=0.001, burst=20)
NOWHERE = "redis://127.0.0.1:1/0"


def by_hand(run: Any) -> str:
    return "the test shares"


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture(params=["memory", "redis", "redis that is away"])
def limits(request: pytest.FixtureRequest, clock: FakeClock) -> Limits:
    if request.param == "memory":
        return MemoryLimits(clock)
    url = NOWHERE if "away" in request.param else request.getfixturevalue("redis_url")
    return RedisLimits(url, clock, spawn=by_hand)


def granted(limits: Limits, key: str, tries: int, rate: Rate = RATE) -> int:
    return sum(limits.take(key, rate) == 0 for _ in range(tries))


def test_a_burst_is_granted_and_no_more(limits: Limits) -> None:
    assert granted(limits, "ada", 50) == 20


def test_a_refusal_says_how_long_to_wait_and_takes_nothing(limits: Limits, clock: FakeClock) -> None:
    granted(limits, "ada", 20)
    assert [limits.take("ada", RATE) for _ in range(3)] == [200, 200, 200]
    clock.advance(199)
    assert limits.take("ada", RATE) == 1
    clock.advance(1)
    assert limits.take("ada", RATE) == 0


def test_a_bucket_fills_by_time_up_to_its_burst(limits: Limits, clock: FakeClock) -> None:
    granted(limits, "ada", 20)
    clock.advance(1000)
    assert granted(limits, "ada", 50) == 5
    clock.advance(3_600_000)
    assert granted(limits, "ada", 50) == 20


def test_keys_do_not_share_a_bucket(limits: Limits) -> None:
    granted(limits, "ada", 50)
    assert granted(limits, "bo", 50) == 20


def test_what_somebody_owes_is_waited_for(limits: Limits, clock: FakeClock) -> None:
    limits.owe("ada", RATE, 18)
    assert limits.take("ada", RATE) == 0
    limits.owe("ada", RATE, 3)
    assert limits.take("ada", RATE) == 600  # 2 are owed, and one is asked for
    clock.advance(600)
    assert limits.take("ada", RATE) == 0


def test_idle_keys_are_forgotten(clock: FakeClock) -> None:
    limits = MemoryLimits(clock)
    for number in range(SWEEP_EVERY_TAKES - 1):
        limits.take(f"key-{number}", RATE)
    clock.advance(60_000)
    limits.take("ada", RATE)
    assert list(limits._buckets) == ["ada"]


class Workers:
    """Two of them on one store."""

    def __init__(self, url: str, clock: FakeClock) -> None:
        self.one, self.two = (RedisLimits(url, clock, spawn=by_hand) for _ in range(2))

    def share(self) -> None:
        for worker in (self.one, self.two):
            worker.sharing.share()


@pytest.fixture
def workers(redis_url: str, clock: FakeClock) -> Workers:
    redis.Redis.from_url(redis_url).flushdb()
    return Workers(redis_url, clock)


def test_what_one_worker_granted_the_other_does_not_grant_again(workers: Workers) -> None:
    assert granted(workers.one, "ada", 20, HARDLY_EVER) == 20
    workers.share()
    assert granted(workers.two, "ada", 1, HARDLY_EVER) == 1, "local first: nobody waits for the store"
    workers.share()
    assert granted(workers.two, "ada", 50, HARDLY_EVER) == 0
    assert workers.two.take("bo", RATE) == 0


def test_too_much_is_a_debt_of_one_burst_at_most(workers: Workers, clock: FakeClock) -> None:
    for _ in range(3):
        granted(workers.one, "ada", 20)
        granted(workers.two, "ada", 20)
        workers.share()
    wait_ms = workers.two.take("ada", RATE)
    assert 3000 <= wait_ms <= 4200
    clock.advance(wait_ms)
    assert workers.two.take("ada", RATE) == 0


def test_what_is_used_while_sharing_is_not_lost(workers: Workers) -> None:
    granted(workers.one, "ada", 5, HARDLY_EVER)
    run = workers.one._client.run

    def run_slowly(commands: Any) -> list[Any]:
        granted(workers.one, "ada", 3, HARDLY_EVER)
        return run(commands)

    workers.one._client.run = run_slowly  # type: ignore[method-assign]
    workers.one.sharing.share()
    assert granted(workers.one, "ada", 50, HARDLY_EVER) == 12
    workers.one._client.run = run  # type: ignore[method-assign]
    workers.one.sharing.share()
    granted(workers.two, "ada", 1, HARDLY_EVER)
    workers.share()
    assert granted(workers.two, "ada", 50, HARDLY_EVER) == 0


def test_the_shared_bucket_goes_when_it_would_be_full(workers: Workers, redis_url: str) -> None:
    granted(workers.one, "ada", 5)
    workers.share()
    assert 1000 < redis.Redis.from_url(redis_url).pttl("greenroom:limit:ada") <= 2000


def test_a_store_that_is_away_costs_nobody_anything(clock: FakeClock) -> None:
    limits = RedisLimits(NOWHERE, clock, spawn=by_hand)
    assert granted(limits, "ada", 50) == 20
    limits.sharing.share()
    clock.advance(1000)
    assert granted(limits, "ada", 50) == 5


def test_sharing_goes_in_batches_the_longest_waiting_first() -> None:
    batches: list[list[str]] = []
    sharing = Sharing(lambda keys: batches.append(list(keys)), spawn=by_hand)
    for number in range(KEYS_PER_BATCH + 10):
        sharing.touch(f"key-{number}")
    for _ in range(3):
        sharing.share()
    assert [len(batch) for batch in batches] == [KEYS_PER_BATCH, 10]
    assert batches[0][0] == "key-0"


def test_the_loop_shares_by_itself_and_ends_when_nothing_is_left(redis_url: str, clock: FakeClock) -> None:
    limits = RedisLimits(redis_url, clock)
    limits.take("by itself", RATE)
    loop = limits.sharing._loop
    loop.join(timeout=5)
    assert loop.successful()
    assert redis.Redis.from_url(redis_url).exists("greenroom:limit:by itself")
