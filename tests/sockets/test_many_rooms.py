"""A socket in many rooms pays for each of them, and is in no more than it may."""

from __future__ import annotations

import time
from typing import Any

import pytest

from tests.support.fixtures import StartServer
from tests.support.people import Person
from tests.support.server import Server

ROOMS = 4
#: Earned so slowly that how long a test takes makes no difference.
SLOW = 0.001


@pytest.fixture(scope="module")
def server(start_server: StartServer) -> Server:
    return start_server(RATE_LIMIT_MAX_REQUESTS="0", ROOMS_PER_SOCKET=str(ROOMS), JOIN_RATE=f"{SLOW}, {3 * ROOMS}")


def settle(server: Server) -> tuple[Person, list[dict[str, Any]]]:
    """A host, and one room more than a socket may be in."""
    host = Person(server.url)
    return host, [host.post("/api/rooms", name=f"Room {number}") for number in range(ROOMS + 1)]


def test_a_socket_is_in_so_many_rooms_and_no_more(server: Server) -> None:
    host, (*rooms, last) = settle(server)
    with host.connect() as socket:
        for room in rooms:
            socket.join(room["id"])
        refused = socket.call("join-room", last["id"])
        assert (refused["ok"], refused["error"]["code"]) == (False, "conflict")
        assert str(ROOMS) in refused["error"]["message"]
        assert socket.call("join-room", rooms[0]["id"])["ok"], "it is there already"
        assert socket.call("leave-room", rooms[0]["id"])["ok"]
        assert socket.call("join-room", last["id"])["ok"]


def test_a_sync_of_all_rooms_counts_as_a_join_of_each(server: Server) -> None:
    host, rooms = settle(server)
    with host.connect() as socket:
        for room in rooms[:ROOMS]:
            socket.join(room["id"])
        assert len(socket.call("request-sync")["rooms"]) == ROOMS
        assert len(socket.call("request-sync")["rooms"]) == ROOMS  # 12 of 12
        assert socket.call("request-sync")["error"]["code"] == "rate_limited"


def test_who_waits_as_long_as_told_may_sync_more_rooms_than_there_may_be_at_once(start_server: StartServer) -> None:
    server = start_server(RATE_LIMIT_MAX_REQUESTS="0", ROOMS_PER_SOCKET="0", JOIN_RATE="10, 2")
    host, rooms = settle(server)
    with host.connect() as socket:

        def send(event: str, *data: Any, tries: int) -> dict[str, Any]:
            """The answer, once it is not refused; sent so often, each time after the wait that it was told."""
            for _ in range(tries):
                answer = socket.call(event, *data)
                if answer["ok"]:
                    return answer
                time.sleep(answer["error"]["retryAfterMs"] / 1_000)
            raise AssertionError(f"{event} was refused {tries} times: {answer}")

        for room in rooms:
            send("join-room", room["id"], tries=2)
        # Once it is too early for the event, once for what it costs.
        assert len(send("request-sync", tries=3)["rooms"]) == len(rooms)
