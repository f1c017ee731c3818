"""Workers that end in the wrong moment, or were told the wrong names."""

from __future__ import annotations

import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager

import gevent
import pytest

from tests.faults.conftest import Shape
from tests.faults.report import Outcome
from tests.faults.scene import SETTINGS, Scene
from tests.support.cluster import Cluster
from tests.support.fixtures import StartServer
from tests.support.waiting import eventually

END_S = 10.0
#: After the fork of the worker; it then takes half a second to be ready.
STARTING_S = (0.0, 0.05, 0.2, 0.4)


@contextmanager
def misnamed(settings: dict[str, str]) -> Iterator[Cluster]:
    """Two workers that were told something wrong."""
    cluster = Cluster(settings=SETTINGS)
    for server in cluster.servers.values():
        server.settings |= settings
    with cluster:
        yield cluster


def scene_on(cluster: Cluster, outcome: Outcome) -> Scene:
    """A few people, in turn on the one worker and on the other."""
    return Scene([server.url for server in cluster.servers.values()], guests=6, viewers=2, outcome=outcome)


@pytest.mark.long
@pytest.mark.fault("A worker is killed while it drains")
def test_a_worker_killed_while_it_drains_loses_nothing(cluster: Shape, scene: Scene) -> None:
    first = cluster.servers["w1"]
    with scene.busy():
        first.send(signal.SIGTERM)
        gevent.sleep(0.1)
        first.kill_worker()
        first.wait(END_S)
        first.start()
    assert scene.rejoined
    scene.check()


@pytest.mark.long
@pytest.mark.fault("A worker is told twice to stop")
def test_a_worker_told_twice_to_stop_ends_as_if_told_once(cluster: Shape, scene: Scene) -> None:
    first = cluster.servers["w1"]
    with scene.busy():
        for _ in range(2):
            first.send(signal.SIGTERM, tree=True)  # as a service manager does that tells the whole group
            gevent.sleep(0.1)
        assert first.wait(END_S) == 0
        first.start()
    scene.check()


@pytest.mark.long
@pytest.mark.fault("A worker is told to stop while it starts")
def test_a_worker_told_to_stop_while_it_starts_ends_soon(start_server: StartServer, outcome: Outcome) -> None:
    server = start_server(SETTINGS)
    for wait_s in STARTING_S:
        server.kill()
        seen = len(server.log)
        server.launch()
        eventually(lambda seen=seen: "Booting worker" in server.log[seen:], server.start_timeout_s)
        gevent.sleep(wait_s)
        began = time.monotonic()
        server.send(signal.SIGTERM)
        assert server.wait(END_S) == 0
        outcome.recovered(time.monotonic() - began)
    server.start()


@pytest.mark.long
@pytest.mark.fault("Both workers are gone for 3 s: nginx finds nobody")
def test_a_cluster_without_workers_for_a_while_loses_nothing(cluster: Shape, scene: Scene) -> None:
    with scene.busy():
        for server in cluster.servers.values():
            server.kill()
        gevent.sleep(3)
        for server in cluster.servers.values():
            server.launch()
        for server in cluster.servers.values():
            server.wait_until_ready()
    assert scene.rejoined >= len(scene.participants)
    scene.check()


@pytest.mark.long
@pytest.mark.fault("REDIS_URL has a name that nobody knows")
def test_workers_whose_redis_nobody_knows_serve_without_it(outcome: Outcome) -> None:
    with misnamed({"REDIS_URL": "redis://nowhere.invalid:6379/0"}) as cluster, scene_on(cluster, outcome) as scene:
        with scene.busy():
            gevent.sleep(1)
        assert scene.rejoined == 0, "clients must not notice"
        scene.check()
