"""Presence over two running workers that share PostgreSQL and Redis, one of which dies."""

from __future__ import annotations

import time
from typing import Any

import pytest

from app.presence.seats import GRACE_MS
from tests.support.fixtures import StartServer
from tests.support.people import Person
from tests.support.server import Server
from tests.support.waiting import eventually

GONE_WITHIN_S = 5.0


@pytest.fixture(scope="module")
def workers(start_server: StartServer, postgres_url: str, redis_url: str) -> tuple[Server, Server]:
    shared = {"DATABASE_URL": postgres_url, "REDIS_URL": redis_url}
    return start_server(shared, WORKER_ID="w0"), start_server(shared, WORKER_ID="w1")


def user_ids(socket: Any, room: dict[str, Any]) -> set[str]:
    return {user["id"] for user in socket.join(room["id"])["users"]}


def test_people_on_both_workers_are_one_room_until_one_worker_is_killed(workers: tuple[Server, Server]) -> None:
    one, two = workers
    host = Person(one.url)
    room = host.post("/api/rooms", name="A room")
    guest = host.guest(room, "Bo")
    guest.url = two.url
    with host.connect() as watcher, guest.connect() as far:
        watcher.join(room["id"])
        assert user_ids(far, room) == {host.id, guest.id}, "the first of a worker sees the others' people at once"
        assert watcher.expect("user-joined-room", within_s=GONE_WITHIN_S)["user"]["id"] == guest.id
        assert watcher.expect("user-online")["userId"] == guest.id
        eventually(lambda: watcher.of("user-count")[-1] == 2)
        far.call("typing-start", room["id"])
        assert watcher.expect("user-typing")["userId"] == guest.id
        watcher.forget()
        killed_s = time.monotonic()
        two.kill()
        assert watcher.expect("user-left-room", within_s=GONE_WITHIN_S)["userId"] == guest.id
        assert watcher.expect("user-offline")["userId"] == guest.id
        eventually(lambda: watcher.of("user-count")[-1:] == [1])
        assert time.monotonic() - killed_s < GONE_WITHIN_S + 1
    two.start()


def test_a_worker_that_drains_hands_its_people_over_without_a_flicker(workers: tuple[Server, Server]) -> None:
    one, two = workers
    host = Person(one.url)
    room = host.post("/api/rooms", name="A room")
    guest = host.guest(room, "Bo")
    with host.connect() as watcher:
        watcher.join(room["id"])
        guest.url = two.url
        moving = guest.connect()
        moving.join(room["id"])
        watcher.expect("user-joined-room")
        watcher.forget()
        two.send(two.stop_signal)
        eventually(lambda: not moving.connected)
        guest.url = one.url
        with guest.connect() as moved:
            assert user_ids(moved, room) == {host.id, guest.id}
            assert two.wait() == 0
            time.sleep(3)
            assert not {"user-left-room", "user-offline", "user-joined-room"} & set(watcher.names())
            assert user_ids(moved, room) == {host.id, guest.id}
    two.start()


def test_who_leaves_with_one_of_two_sockets_on_two_workers_leaves_with_the_other(
    workers: tuple[Server, Server],
) -> None:
    one, two = workers
    host = Person(one.url)
    room = host.post("/api/rooms", name="A room")
    guest = host.guest(room, "Bo")
    with host.connect() as watcher, guest.connect() as near:
        watcher.join(room["id"])
        near.join(room["id"])
        guest.url = two.url
        with guest.connect() as far:
            far.join(room["id"])
            near.call("leave-room", room["id"])
            near.close()
            far.call("typing-start", room["id"])
            watcher.expect("user-typing")
            time.sleep(GRACE_MS / 1000 + 1)  # by then whoever is believed gone has been told to be
            assert watcher.names().count("user-joined-room") == 1
            assert not {"user-left-room", "user-offline"} & set(watcher.names())
        assert watcher.expect("user-left-room", within_s=GONE_WITHIN_S)["userId"] == guest.id
        assert watcher.expect("user-offline")["userId"] == guest.id
