"""The production shape as `make cluster` and the fault tests start it: all parts, a rolling restart, a clean end."""

from collections.abc import Iterator

import pytest
import requests

from tests.support.cluster import Cluster
from tests.support.processes import accepts


@pytest.fixture(scope="module")
def cluster() -> Iterator[Cluster]:
    with Cluster(workers=2) as running:
        yield running
        ports = [part.port for part in (*running.stores, *running.servers.values(), running.nginx)]
    assert not any(map(accepts, ports)), "something still listens"


def test_nginx_leads_to_workers_that_use_the_stores(cluster: Cluster) -> None:
    health = requests.get(f"{cluster.url}/healthz", timeout=5)
    assert health.status_code == 200
    assert health.json()["database"] == "ok"


def test_a_rolling_restart_always_leaves_somebody_to_answer(cluster: Cluster) -> None:
    for server in cluster.servers.values():
        assert server.stop() == 0
        assert requests.get(f"{cluster.url}/healthz", timeout=5).status_code == 200
        server.start()
