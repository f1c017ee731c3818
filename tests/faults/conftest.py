"""The whole shape for fault tests: real processes of our own, whatever `TEST_*_URL` say, because they are killed.

Two workers, of which the second reaches Redis through a proxy and has a clock that is 5 s wrong: it must change nothing.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.faults.report import Outcome
from tests.faults.scene import SETTINGS, Scene
from tests.support.cluster import Cluster
from tests.support.proxy import Proxy

WRONG_BY_MS = 5_000


class Shape(Cluster):
    """A cluster whose second worker can be cut off from Redis: `redis_of_w2`."""

    def __init__(self) -> None:
        super().__init__(settings=SETTINGS, server={"app": "tests.faults.saboteur:app"})
        self.redis_of_w2 = Proxy(self.redis.port)

    def start(self) -> Shape:
        """As a cluster, with what is wrong in place before the workers begin."""
        self.redis_of_w2.__enter__()
        self.servers["w2"].settings |= {
            "REDIS_URL": f"redis://127.0.0.1:{self.redis_of_w2.port}/0",
            "SABOTAGE_CLOCK_MS": str(WRONG_BY_MS),
        }
        super().start()
        return self

    def stop(self) -> None:
        """As a cluster."""
        super().stop()
        self.redis_of_w2.__exit__()

    @property
    def workers(self) -> list[str]:
        """Where the workers themselves listen, past nginx."""
        return [server.url for server in self.servers.values()]


@pytest.fixture(scope="module")
def cluster() -> Iterator[Shape]:
    """PostgreSQL, Valkey, two workers and nginx."""
    with Shape() as running:
        yield running


@pytest.fixture
def scene(cluster: Shape, outcome: Outcome) -> Iterator[Scene]:
    """A room on it: its participants connect through nginx, as everybody does."""
    with Scene([cluster.url], outcome=outcome) as running:
        yield running


@pytest.fixture
def small_scene(cluster: Shape, outcome: Outcome) -> Iterator[Scene]:
    """A few people, in turn on the one worker and on the other."""
    with Scene(cluster.workers, guests=6, viewers=2, outcome=outcome) as running:
        yield running
