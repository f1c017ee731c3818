"""Something dies or hangs while 50 people talk; nothing acked is lost, and service comes back by itself."""

from __future__ import annotations

import gevent
import pytest

from tests.faults.scene import Scene
from tests.support.cluster import Cluster


def test_a_worker_killed_in_mid_broadcast_loses_nothing(cluster: Cluster, scene: Scene) -> None:
    with scene.busy():
        cluster.servers["w1"].kill_worker()
    scene.recover()
    scene.check()


def test_redis_restarting_loses_nothing(cluster: Cluster, scene: Scene) -> None:
    with scene.busy():
        cluster.redis.restart()
    scene.recover()
    scene.check()


def test_postgresql_restarting_in_mid_send_loses_nothing(cluster: Cluster, scene: Scene) -> None:
    with scene.busy():
        cluster.postgres.restart()
    scene.recover()
    scene.check()


def test_a_worker_frozen_and_continued_loses_nothing(cluster: Cluster, scene: Scene) -> None:
    with scene.busy(), cluster.servers["w1"].paused():
        gevent.sleep(6)
    scene.recover()
    scene.check()


@pytest.mark.long
def test_redis_frozen_for_ten_seconds_loses_nothing(cluster: Cluster, scene: Scene) -> None:
    with scene.busy(), cluster.redis.paused():
        gevent.sleep(10)
    scene.recover()
    scene.check()


@pytest.mark.long
def test_a_worker_frozen_for_fifteen_seconds_loses_nothing(cluster: Cluster, scene: Scene) -> None:
    with scene.busy(), cluster.servers["w1"].paused():
        gevent.sleep(15)
    scene.recover()
    scene.check()
