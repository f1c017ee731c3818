"""The stores answer, and what they answer is of no use: full, read-only, late, or hanging up in the middle."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import gevent
import pytest
import redis

from tests.faults.conftest import Shape
from tests.faults.scene import Scene
from tests.support.services import Postgres, Redis

SICK_S = 4.0
TERMINATE = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'greenroom'"


@contextmanager
def told(server: Redis, sick: tuple[str, ...], well: tuple[str, ...]) -> Iterator[None]:
    """A Redis with one command in effect inside the block."""
    with redis.Redis.from_url(server.url) as client:
        client.execute_command(*sick)
        try:
            yield
        finally:
            client.execute_command(*well)


@contextmanager
def read_only(postgres: Postgres) -> Iterator[None]:
    """A PostgreSQL that refuses to write, as one that has become a standby does."""
    postgres.execute("ALTER SYSTEM SET default_transaction_read_only = on")
    postgres.execute("SELECT pg_reload_conf()")
    try:
        yield
    finally:
        postgres.execute("ALTER SYSTEM RESET default_transaction_read_only")
        postgres.execute("SELECT pg_reload_conf()")


def check_counts(cluster: Shape, scene: Scene) -> None:
    """Every worker counts everybody again."""
    for url in cluster.workers:
        scene.wait_for_count(url, len(scene.participants))


@pytest.mark.long
@pytest.mark.parametrize(
    ("sick", "well"),
    [
        pytest.param(
            ("CONFIG", "SET", "maxmemory", "1"),
            ("CONFIG", "SET", "maxmemory", "0"),
            marks=pytest.mark.fault("Redis is out of memory for 4 s"),
            id="out-of-memory",
        ),
        pytest.param(
            ("REPLICAOF", "127.0.0.1", "1"),
            ("REPLICAOF", "NO", "ONE"),
            marks=pytest.mark.fault("Redis is a read-only replica for 4 s"),
            id="read-only",
        ),
    ],
)
def test_a_redis_that_takes_no_writes_loses_nothing(
    cluster: Shape, small_scene: Scene, sick: tuple[str, ...], well: tuple[str, ...]
) -> None:
    with small_scene.busy(), told(cluster.redis, sick, well):
        gevent.sleep(SICK_S)
    assert small_scene.rejoined == 0, "clients must not notice"
    check_counts(cluster, small_scene)
    small_scene.check()


@pytest.mark.long
@pytest.mark.fault("A worker's Redis answers half a second late for 5 s")
def test_a_redis_that_answers_late_loses_nothing(cluster: Shape, small_scene: Scene) -> None:
    with small_scene.busy():
        cluster.redis_of_w2.delay_s = lambda: 0.25  # there, and back
        gevent.sleep(5)
        cluster.redis_of_w2.delay_s = None
    assert small_scene.rejoined == 0, "clients must not notice"
    check_counts(cluster, small_scene)
    small_scene.check()


@pytest.mark.long
@pytest.mark.fault("PostgreSQL ends every session, five times a second, for 4 s")
def test_a_postgresql_that_hangs_up_in_the_middle_loses_nothing(cluster: Shape, small_scene: Scene) -> None:
    with small_scene.busy():
        for _ in range(20):
            cluster.postgres.execute(TERMINATE)
            gevent.sleep(SICK_S / 20)
    assert small_scene.rejoined == 0, "clients must not notice"
    small_scene.check()


@pytest.mark.long
@pytest.mark.fault("PostgreSQL takes no writes for 4 s")
def test_a_postgresql_that_is_read_only_loses_nothing(cluster: Shape, small_scene: Scene) -> None:
    with small_scene.busy(), read_only(cluster.postgres):
        gevent.sleep(SICK_S)
    assert small_scene.refused_sends
    assert small_scene.rejoined == 0, "clients must not notice"
    small_scene.check()


@pytest.mark.long
@pytest.mark.fault("PostgreSQL is killed and repairs itself")
def test_a_postgresql_that_is_killed_loses_nothing(cluster: Shape, small_scene: Scene) -> None:
    with small_scene.busy():
        cluster.postgres.kill()
        gevent.sleep(1)
        cluster.postgres.start()
    assert small_scene.refused_sends
    small_scene.check()
