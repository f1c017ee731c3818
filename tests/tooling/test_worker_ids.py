"""Servers that were given one `WORKER_ID`: the second ends, and one that was killed can be started again at once."""

from __future__ import annotations

import pytest
import redis

from app.backends.worker_name import FAILED_TO_BOOT
from tests.support.fixtures import StartServer
from tests.support.server import Server
from tests.support.waiting import eventually

STARTS_WITHIN_S = 15.0
KEY = "greenroom:worker:w7"


def test_workers_that_were_given_no_id_are_not_refused(start_server: StartServer, redis_url: str) -> None:
    servers = [start_server({"REDIS_URL": redis_url}) for _ in range(2)]
    eventually(lambda: any("worker_id_taken" in server.log for server in servers))
    assert all(server.is_ready() for server in servers)


@pytest.fixture(scope="module")
def first(start_server: StartServer, redis_url: str) -> Server:
    return start_server(REDIS_URL=redis_url, WORKER_ID="w7")


def test_a_second_server_of_one_id_says_why_it_ends(first: Server, start_server: StartServer) -> None:
    second = start_server({"REDIS_URL": first.settings["REDIS_URL"]}, WORKER_ID="w7")
    assert second.wait(STARTS_WITHIN_S) == FAILED_TO_BOOT
    lines = [line for line in second.log.splitlines() if line.startswith("greenroom:")]
    assert len(lines) == 1
    assert lines[0].startswith("greenroom: WORKER_ID=w7 is taken by a worker that runs (")
    assert first.is_ready()


def test_a_worker_that_its_arbiter_replaces_is_no_second_one(first: Server) -> None:
    booted = first.log.count("Booting worker")
    first.kill_worker()
    eventually(lambda: first.log.count("Booting worker") > booted, STARTS_WITHIN_S)
    eventually(first.is_ready, STARTS_WITHIN_S)


def test_a_server_that_was_killed_serves_again_at_once_and_gets_its_id_back(first: Server) -> None:
    with redis.Redis.from_url(first.settings["REDIS_URL"]) as client:
        before = client.get(KEY)
        first.kill()
        first.start()
        eventually(lambda: client.get(KEY) not in (None, before))
    assert first.is_ready()


def test_a_server_that_was_stopped_gives_its_id_back(first: Server) -> None:
    assert first.stop() == 0
    with redis.Redis.from_url(first.settings["REDIS_URL"]) as client:
        assert client.get(KEY) is None
    first.start()
