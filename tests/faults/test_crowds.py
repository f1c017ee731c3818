"""Very many clients at once: what brings the few back must bring them back too, and in time."""

from __future__ import annotations

import time
from collections.abc import Iterator

import gevent
import pytest

from tests.faults.conftest import Shape
from tests.faults.crowd import Crowd
from tests.faults.report import Outcome
from tests.faults.scene import Scene

#: What a client may wait when the worker that it is on is restarted in good order.
RESTART_WAIT_S = 3.0


@pytest.fixture
def crowd(cluster: Shape) -> Iterator[Crowd]:
    """Nobody yet."""
    with Crowd(cluster.url) as running:
        yield running


@pytest.mark.long
@pytest.mark.fault("2,000 clients come back at once, both workers new")
def test_two_thousand_who_come_back_at_once_are_served(cluster: Shape, crowd: Crowd, scene: Scene) -> None:
    scene.fill(crowd, viewers=1_700, guests=250)
    with scene.busy():
        crowd.forget()
        for server in cluster.servers.values():
            server.kill_worker()
        for server in cluster.servers.values():
            server.wait_until_ready()
        began = time.monotonic()
        found = crowd.wait_until_back(30)
        scene.outcome.note(f"the last is back {time.monotonic() - began:.1f} s after the workers; {found}")
    scene.check()
