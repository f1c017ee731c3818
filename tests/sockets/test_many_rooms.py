"""A socket in many rooms pays for each of them, and is in no more than it may; a large room costs as much as several."""

from __future__ import annotations

import time
from typing import Any

import pytest

from tests.support.fixtures import StartServer
from tests.support.people import Person, Socket
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


def fill(host: Person, room: dict[str, Any]) -> None:
    """50 of the longest messages: 800 kB, which a join tells twice."""
    for _ in range(50):
        host.post(f"/api/rooms/{room['id']}/messages", content="😀" * 4_000)


def granted(socket: Socket, room: dict[str, Any], **position: Any) -> int:
    """How many joins there are before one is refused."""
    for number in range(3 * ROOMS + 1):
        answer = socket.call("join-room", {"roomId": room["id"], **position})
        if not answer["ok"]:
            assert answer["error"]["code"] == "rate_limited"
            return number
    raise AssertionError("none was refused")


def test_a_join_that_answers_much_counts_as_several(server: Server) -> None:
    host, (full, other, *_) = settle(server)
    fill(host, full)
    with host.connect() as socket:
        assert granted(socket, full) == 2, "7 of 12, then 7 where 5 are left"
    guest = host.guest(other, "Ada")
    with guest.connect() as socket:
        assert granted(socket, other) == 3 * ROOMS


def test_catching_up_on_much_counts_as_several(server: Server) -> None:
    host, (room, *_) = settle(server)
    guest = host.guest(room, "Ada")
    with guest.connect() as socket:
        position = socket.join(room["id"])["position"]
        fill(host, room)
        assert granted(socket, room, position=position) == 3, "4 each, of the 11 that are left"


def test_viewers_of_one_address_wait_for_what_they_were_told_together(start_server: StartServer) -> None:
    server = start_server(
        RATE_LIMIT_MAX_REQUESTS="0", WIDE_RATE_LIMIT_MAX_REQUESTS="30", RATE_LIMIT_WINDOW_MS="3600000"
    )
    host, (room, *_) = settle(server)
    for number in range(50):
        described = {"title": str(number), "description": "😀" * 2_000, "duration": 60_000}
        host.post(f"/api/rooms/{room['id']}/timers", **described)
    codes = []
    for _ in range(7):
        with Person.anonymous(server.url).connect() as viewer:
            codes.append(viewer.call("join-room", room["shareToken"]).get("error", {}).get("code"))
    assert codes == [None] * 6 + ["rate_limited"], "5 of 30 each"
