"""A worker's host is cut off, on its back or on its front: packets vanish, connections stay open, nobody is told."""

from __future__ import annotations

from collections.abc import Iterator

import gevent
import pytest

from tests.faults.hosts import Hosts, hosts
from tests.faults.report import Outcome
from tests.faults.scene import Scene
from tests.support.waiting import eventually


@pytest.fixture(scope="module")
def apart() -> Iterator[Hosts]:
    """Two workers, nginx and the stores, each on its host."""
    with hosts() as running:
        yield running


@pytest.fixture
def scene(apart: Hosts, outcome: Outcome) -> Iterator[Scene]:
    """A busy room on it."""
    with Scene([apart.cluster.url], outcome=outcome) as running:
        outcome.note(apart.kind)
        yield running


@pytest.mark.long
@pytest.mark.fault("A worker's host is cut off from the stores for 6 s")
def test_a_worker_without_its_stores_loses_nothing(apart: Hosts, scene: Scene) -> None:
    first = apart.cluster.servers["w1"].url
    everybody = len(scene.participants)
    scene.wait_for_count(first, everybody)
    with scene.busy():
        apart.cut_from_stores()
        gone_s = eventually(lambda: scene.count_seen_by(first) < everybody, 6)
        gevent.sleep(6 - gone_s)
        apart.mend()
        counting = gevent.spawn(scene.wait_for_count, first, everybody)
    back_s = counting.get()
    scene.outcome.note(f"its people leave the others' count after {gone_s:.1f} s and are back after {back_s:.1f} s")
    scene.check()


@pytest.mark.long
@pytest.mark.fault("A worker's host is cut off from its clients for 6 s")
def test_a_worker_without_its_clients_loses_nothing(apart: Hosts, scene: Scene) -> None:
    with scene.busy():
        apart.cut_from_clients()
        gevent.sleep(6)
        apart.mend()
    scene.check()
