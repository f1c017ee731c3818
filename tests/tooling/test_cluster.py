"""The production shape as `make cluster` and the fault tests start it: all parts, a rolling restart, a clean end."""

import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests

from tests.support.cluster import Cluster
from tests.support.processes import accepts, free_port

ROOT = Path(__file__).parents[2]


def test_make_cluster_says_where_everything_is_and_ends_all_of_it() -> None:
    command = [sys.executable, "-W", "error", "-m", "tools.cluster", "--port", str(free_port())]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as running:
        said, ports = "", []
        assert running.stdout is not None
        try:
            while "Greenroom is at" not in said and (line := running.stdout.readline()):
                said += line
            url = re.search(r"Greenroom is at (\S+)", said)
            assert url, said
            assert requests.get(f"{url[1]}/healthz", timeout=5).json()["storage"] == "ok"
            ports = [int(port) for port in re.findall(r"^  \w.* 127\.0\.0\.1:(\d+) +pid \d+", said, re.MULTILINE)]
            assert len(ports) == 6, said
        finally:
            running.send_signal(signal.SIGTERM)
            said += running.communicate()[0]
    assert running.returncode == 0
    assert "Everything has ended." in said
    assert "Traceback" not in said
    assert not any(map(accepts, ports)), "something still listens"


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
