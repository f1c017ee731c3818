"""Presence and limits on a Redis Cluster of three real nodes: keys of every slot in one batch."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from app.backends.limits_redis import RedisLimits
from app.backends.presence_redis import RedisPresence
from app.backends.windows import RedisWindows
from app.core.clock import FakeClock
from tests.backends.presence_support import ADA, BO, Heard
from tests.backends.test_limits import HARDLY_EVER, by_hand, granted
from tests.support.redis_cluster import RedisCluster

ROOMS = [f"room-{number}" for number in range(30)]


@pytest.fixture(scope="module")
def cluster() -> Iterator[RedisCluster]:
    with RedisCluster() as running:
        yield running


def test_presence_is_shared_and_a_dead_worker_is_cleared_in_every_slot(cluster: RedisCluster) -> None:
    clock, heard = FakeClock(), Heard()
    one, two = (RedisPresence(cluster.url, clock, lease_ms=60_000, spawn=by_hand) for _ in range(2))
    one.listen(heard)
    for room_id in ROOMS:
        one.put(room_id, ADA)
        two.put(room_id, BO)
    two.arrive(BO, ROOMS)
    for _ in range(2):
        one.sync()
        two.sync()
    assert {one.count(room_id) for room_id in ROOMS} == {two.count(room_id) for room_id in ROOMS} == {2}
    two._store.fade(two._lease.incarnation, 0)
    clock.advance(20_000)
    one.sync()
    assert {one.count(room_id) for room_id in ROOMS} == {1}
    assert heard.of("offline") == [("offline", BO.id, *sorted(ROOMS))]
    one.stop()


def test_limits_and_windows_add_up(cluster: RedisCluster) -> None:
    clock = FakeClock()
    one, two = (RedisLimits(cluster.url, clock, spawn=by_hand) for _ in range(2))
    far, near = (RedisWindows(cluster.url, clock, spawn=by_hand) for _ in range(2))
    for room_id in ROOMS:
        assert granted(one, room_id, 20, HARDLY_EVER) == 20
        assert granted(two, room_id, 1, HARDLY_EVER) == 1
        far.hit(room_id, 60_000, 7)
        near.hit(room_id, 60_000)
    for part in (one, two, far, near):
        part.sharing.share()
    assert sum(granted(two, room_id, 5, HARDLY_EVER) for room_id in ROOMS) == 0
    assert {near.hit(room_id, 60_000) for room_id in ROOMS} == {9}
    assert two.take(ROOMS[0], HARDLY_EVER) > 0
