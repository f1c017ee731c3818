"""A worker's id is its own: who takes it, who waits, and who is refused."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
import redis
from structlog.testing import capture_logs

from app.backends.presence import LEASE_MS
from app.backends.worker_name import PATIENCE_MS, NameTakenError, WorkerName
from app.core.clock import FakeClock

KEY = "greenroom:worker:w1"


class Hosts:
    """Workers of one id on one Redis; to wait moves the clock, and does what happens meanwhile."""

    def __init__(self, url: str) -> None:
        self.url, self.clock = url, FakeClock()
        self.redis = redis.Redis.from_url(url)
        self.redis.flushdb()
        self.meanwhile: Callable[[], object] = lambda: None

    def worker(self, holder: str) -> WorkerName:
        return WorkerName(self.url, "w1", self.clock, holder=holder, sleep=self._sleep)

    def _sleep(self, seconds: float) -> None:
        self.clock.advance(int(seconds * 1000))
        self.meanwhile()


@pytest.fixture
def hosts(redis_url: str) -> Iterator[Hosts]:
    hosts = Hosts(redis_url)
    yield hosts
    hosts.redis.close()


def test_a_free_id_is_taken_for_the_time_of_a_lease(hosts: Hosts) -> None:
    hosts.worker("host:1").take()
    assert hosts.redis.get(KEY) == b"host:1"
    assert 0 < hosts.redis.pttl(KEY) <= LEASE_MS
    assert hosts.clock.monotonic_ms() == FakeClock().monotonic_ms(), "nobody waited"


def test_an_id_that_is_renewed_is_refused_in_one_line_that_says_by_whom(hosts: Hosts) -> None:
    first = hosts.worker("host:1")
    first.take()
    hosts.meanwhile = first.renew
    began_ms = hosts.clock.monotonic_ms()
    with pytest.raises(NameTakenError, match=r"^WORKER_ID=w1 is taken by a worker that runs \(host:1\): [^\n]+$"):
        hosts.worker("host:2").take()
    assert hosts.clock.monotonic_ms() - began_ms >= LEASE_MS + PATIENCE_MS
    assert hosts.redis.get(KEY) == b"host:1"


def test_the_id_of_a_worker_that_was_killed_is_free_when_its_lease_is_over(hosts: Hosts) -> None:
    hosts.worker("host:1").take()
    hosts.meanwhile = lambda: hosts.redis.delete(KEY)
    hosts.worker("host:2").take()
    assert hosts.redis.get(KEY) == b"host:2"


def test_another_worker_of_the_same_arbiter_does_not_wait(hosts: Hosts) -> None:
    hosts.worker("host:1").take()
    hosts.meanwhile = lambda: pytest.fail("it waited")
    hosts.worker("host:1").take()


def test_a_worker_that_stops_gives_its_id_back_and_takes_it_from_nobody(hosts: Hosts) -> None:
    first, second = hosts.worker("host:1"), hosts.worker("host:2")
    first.take()
    first.give_back()
    second.take()
    first.give_back()
    assert hosts.redis.get(KEY) == b"host:2"
    hosts.meanwhile = lambda: pytest.fail("it goes on renewing")
    first.keep()


def test_a_worker_that_is_told_to_stop_does_not_wait_to_start(hosts: Hosts) -> None:
    hosts.worker("host:1").take()
    hosts.meanwhile = lambda: pytest.fail("it waited")
    second = hosts.worker("host:2")
    second.give_back()
    second.take()


def test_without_redis_nobody_is_refused_and_the_id_is_taken_when_it_returns(hosts: Hosts) -> None:
    worker = WorkerName("redis://127.0.0.1:1", "w1", hosts.clock, holder="host:1")
    worker.take()
    worker.renew()
    late = hosts.worker("host:1")
    late.renew()
    assert hosts.redis.get(KEY) == b"host:1"


def test_a_worker_whose_id_is_renewed_by_another_ends(hosts: Hosts) -> None:
    class EndedError(Exception):
        pass

    def end(why: str) -> None:
        raise EndedError(why)

    first = hosts.worker("host:1")
    first.take()
    hosts.meanwhile = first.renew
    second = WorkerName(hosts.url, "w1", hosts.clock, holder="host:2", sleep=hosts._sleep, end=end)
    with pytest.raises(EndedError, match="WORKER_ID=w1 is taken"):
        second.keep()


def test_a_worker_that_finds_its_id_taken_goes_on_and_says_so_once(hosts: Hosts) -> None:
    hosts.worker("host:2").take()
    worker = hosts.worker("host:1")
    with capture_logs() as lines:
        worker.renew()
        worker.renew()
    assert [(line["event"], line["worker_id"], line["by"]) for line in lines] == [("worker_id_taken", "w1", "host:2")]
