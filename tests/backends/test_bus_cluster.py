"""The bus over Redis Cluster: sharded pub/sub on three real nodes, one of which dies and comes back."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import redis

from app.backends.bus_redis import RedisBus
from app.core.ids import new_id
from tests.backends.test_bus import Worker, event
from tests.support.redis_cluster import RedisCluster
from tests.support.waiting import eventually

CHANNELS = [f"room:{new_id()}" for _ in range(30)]


@pytest.fixture(scope="module")
def cluster() -> Iterator[RedisCluster]:
    with RedisCluster() as running:
        yield running


@pytest.fixture
def workers(cluster: RedisCluster) -> Iterator[tuple[Worker, Worker]]:
    pair = Worker(RedisBus(cluster.url)), Worker(RedisBus(cluster.url))
    for worker in pair:
        eventually(worker.bus.is_healthy)
        worker.bus.subscribe(*CHANNELS)
    yield pair
    for worker in pair:
        worker.bus.stop()


def test_channels_of_every_slot_are_heard_and_no_node_gets_what_is_not_its_own(
    cluster: RedisCluster, workers: tuple[Worker, Worker]
) -> None:
    one, two = workers
    one.bus.publish([event(seq, channel) for channel in CHANNELS for seq in (1, 2)])
    eventually(lambda: len(two.heard) == 2 * len(CHANNELS))
    assert all(two.seqs(channel) == [1, 2] for channel in CHANNELS)
    for node in cluster.nodes:
        with redis.Redis.from_url(node.url) as client:
            calls = client.info("commandstats")
            assert calls["cmdstat_spublish"]["calls"] > 0
            assert "cmdstat_publish" not in calls


def test_a_room_and_its_conversation_share_a_slot(cluster: RedisCluster, workers: tuple[Worker, Worker]) -> None:
    one, two = workers
    room_id = new_id()
    two.bus.subscribe(f"room:{room_id}", f"chat:{room_id}")
    one.bus.publish([event(1, f"room:{room_id}"), event(1, f"chat:{room_id}")])
    eventually(lambda: len(two.heard) == 2)


def test_a_node_that_dies_and_returns_loses_nobody_for_good(
    cluster: RedisCluster, workers: tuple[Worker, Worker]
) -> None:
    one, two = workers
    gaps = two.gaps
    cluster.nodes[1].kill()
    eventually(lambda: not two.bus.is_healthy(), within_s=5)
    cluster.nodes[1].start()
    eventually(cluster.agrees, within_s=15)
    eventually(lambda: one.bus.is_healthy() and two.bus.is_healthy())
    assert two.gaps > gaps
    one.bus.publish([event(5, channel) for channel in CHANNELS])
    eventually(lambda: all(two.seqs(channel) == [5] for channel in CHANNELS))
