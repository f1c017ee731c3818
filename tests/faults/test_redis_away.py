"""Workers that start without Redis, and get it later: all that it is there for is done without it meanwhile."""

from __future__ import annotations

import json
from urllib.request import urlopen

import pytest

from tests.faults.conftest import Shape
from tests.faults.report import Outcome
from tests.faults.scene import Scene
from tests.support.waiting import eventually

BACK_S = 5.0


def health(url: str) -> dict[str, str]:
    with urlopen(f"{url}/healthz", timeout=5) as response:
        return dict(json.loads(response.read()))


@pytest.mark.long
@pytest.mark.fault("Both workers start without Redis, and get it later")
def test_workers_that_start_without_redis_serve_and_find_it_later(cluster: Shape, outcome: Outcome) -> None:
    cluster.redis.stop()
    for server in cluster.servers.values():
        server.restart()
    assert {(health(url)["status"], health(url)["redis"]) for url in cluster.workers} == {("degraded", "down")}
    with Scene(cluster.workers, guests=6, viewers=2, outcome=outcome) as scene:
        with scene.busy():
            scene.recover()  # without Redis: this worker's people at once, the other's by the heads
            outcome.note(f"without it a message reaches the other worker in {outcome.recoveries_s.pop():.1f} s")
            assert all(scene.count_seen_by(url) < len(scene.participants) for url in cluster.workers)
            cluster.redis.start()
        took_s = eventually(lambda: {health(url)["status"] for url in cluster.workers} == {"ok"}, BACK_S)
        for url in cluster.workers:
            took_s += scene.wait_for_count(url, len(scene.participants))
        outcome.note(f"everybody is counted on both {took_s:.1f} s after that")
        assert scene.rejoined == 0, "clients must not notice"
        scene.check()
