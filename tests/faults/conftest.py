"""The whole shape for fault tests: real processes of our own, whatever `TEST_*_URL` say, because they are killed."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.faults.scene import SETTINGS, Scene
from tests.support.cluster import Cluster


@pytest.fixture(scope="module")
def cluster() -> Iterator[Cluster]:
    """PostgreSQL, Valkey, two workers and nginx."""
    with Cluster(settings=SETTINGS) as running:
        yield running


@pytest.fixture
def scene(cluster: Cluster) -> Iterator[Scene]:
    """A room on it: its participants connect through nginx, as everybody does."""
    with Scene([cluster.url]) as running:
        yield running
