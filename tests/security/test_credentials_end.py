"""A credential that ends takes its sockets with it within 2 s, also those on a worker that was told nothing directly."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import ExitStack, suppress
from typing import Any

import jwt
import pytest
from socketio.exceptions import SocketIOError

from tests.support.fixtures import StartServer
from tests.support.people import PASSWORD, Person, Socket
from tests.support.server import TEST_SECRET, Server
from tests.support.waiting import eventually

WITHIN_S = 2.0
GRACE_MS = 1_500
Room = dict[str, Any]
Ending = Callable[[Person, Person, Room], Any]


@pytest.fixture(scope="module")
def workers(start_server: StartServer, postgres_url: str, redis_url: str) -> tuple[Server, Server]:
    shared = {"DATABASE_URL": postgres_url, "REDIS_URL": redis_url, "RATE_LIMIT_MAX_REQUESTS": "0"}
    shared["TOKEN_GRACE_MS"] = str(GRACE_MS)
    return start_server(shared, WORKER_ID="w0"), start_server(shared, WORKER_ID="w1")


def path(room: Room, rest: str = "") -> str:
    return f"/api/rooms/{room['id']}{rest}"


def end_from_elsewhere(owner: Person, person: Person, room: Room) -> None:
    body = {"username": person.name, "password": PASSWORD}
    other = Person(owner.url, signed_up=False)
    other.token = other.post("/api/auth/login", **body)["accessToken"]
    device = next(row for row in other.get("/api/auth/sessions")["items"] if not row["current"])
    other.delete(f"/api/auth/sessions/{device['id']}")


def change_password_elsewhere(owner: Person, person: Person, room: Room) -> None:
    other = Person(owner.url, signed_up=False)
    other.token = other.post("/api/auth/login", username=person.name, password=PASSWORD)["accessToken"]
    other.post("/api/auth/password", current=PASSWORD, new="another battery staple")


SIGN_INS_END: dict[str, Ending] = {
    "signed out": lambda owner, person, room: person.post("/api/auth/logout"),
    "device ended": end_from_elsewhere,
    "password changed": change_password_elsewhere,
}
RIGHTS_END: dict[str, Ending] = {
    "removed": lambda owner, person, room: owner.delete(path(room, f"/members/{person.id}")),
    "banned": lambda owner, person, room: owner.post(path(room, "/bans"), userId=person.id),
    "room deleted": lambda owner, person, room: owner.delete(path(room)),
}


def member(owner: Person) -> tuple[Person, Room]:
    room = owner.post("/api/rooms", name="Hall", isPrivate=True)
    person = Person(owner.url)
    owner.post(path(room, "/members"), userId=person.id)
    return person, room


@pytest.mark.parametrize("how", SIGN_INS_END)
def test_a_sign_in_that_ends_closes_its_sockets_on_every_worker(workers: tuple[Server, Server], how: str) -> None:
    owner = Person(workers[0].url)
    person, room = member(owner)
    here = person.connect()
    person.url = workers[1].url
    there = person.connect()
    try:
        here.join(room["id"])
        there.join(room["id"])
        person.url = workers[0].url
        SIGN_INS_END[how](owner, person, room)
        eventually(lambda: not here.connected and not there.connected, WITHIN_S, how)
    finally:
        here.close()
        there.close()


@pytest.mark.parametrize("how", RIGHTS_END)
def test_a_right_that_ends_takes_the_room_from_sockets_on_every_worker(
    workers: tuple[Server, Server], how: str
) -> None:
    owner = Person(workers[0].url)
    person, room = member(owner)
    person.url = workers[1].url
    with person.connect() as there:
        there.join(room["id"])
        RIGHTS_END[how](owner, person, room)
        assert there.expect("room-left", within_s=WITHIN_S)["roomId"] == room["id"]


@pytest.mark.parametrize("how", ["rotated", "private", "removed"])
def test_viewers_and_guests_on_the_other_worker_are_out_as_well(workers: tuple[Server, Server], how: str) -> None:
    owner = Person(workers[0].url)
    room = owner.post("/api/rooms", name="Hall", isPrivate=how != "private")
    guest = owner.guest(room, "Eve") if how == "removed" else Person.anonymous(owner.url)
    guest.url = workers[1].url
    with guest.connect() as there:
        there.join(room["id"] if how == "private" else room["shareToken"])
        if how == "rotated":
            owner.post(path(room, "/share-token"))
        elif how == "private":
            owner.patch(path(room), isPrivate=True)
        else:
            owner.delete(path(room, f"/guests/{guest.id}"))
        assert there.expect("room-left", within_s=WITHIN_S)["reason"] == how


def hears_messages(owner: Person, room: Room, witness: Socket, socket: Socket) -> bool:
    """Whether a message that `witness` got came to `socket`, on the same worker, as well."""
    said = owner.post(path(room, "/messages"), content="Is anybody there?")["id"]
    owner.request("PUT", path(room, "/stage"), json={"text": said, "visible": True}).raise_for_status()
    eventually(lambda: said in {message["id"] for message in witness.of("message-received")})
    eventually(lambda: said in {stage["text"] for stage in socket.of("stage-update")})
    return said in {message["id"] for message in socket.of("message-received")}


def test_a_member_who_becomes_a_viewer_hears_the_conversation_on_no_worker(workers: tuple[Server, Server]) -> None:
    owner = Person(workers[0].url)
    person, room = member(owner)
    with ExitStack() as stack:
        seats = []
        for worker in workers:
            owner.url = person.url = worker.url
            witness, socket = stack.enter_context(owner.connect()), stack.enter_context(person.connect())
            witness.join(room["id"])
            socket.join(room["id"])
            assert hears_messages(owner, room, witness, socket)
            seats.append((witness, socket))
        owner.url = workers[0].url
        owner.patch(path(room, f"/members/{person.id}"), role="viewer")
        changed = time.monotonic()
        for witness, socket in seats:
            left_s = WITHIN_S - (time.monotonic() - changed)
            eventually(lambda seat=(witness, socket): not hears_messages(owner, room, *seat), left_s, "still hears")
            assert socket.connected
            refused = socket.call("send-message", {"roomId": room["id"], "content": "Still here"})
            assert refused["error"]["code"] == "forbidden"


def test_a_host_who_becomes_a_member_stops_no_timer_on_any_worker(workers: tuple[Server, Server]) -> None:
    owner = Person(workers[0].url)
    person, room = member(owner)
    owner.patch(path(room, f"/members/{person.id}"), role="host")
    timer = owner.post(path(room, "/timers"), title="Talk", duration=60_000)
    with ExitStack() as stack:
        sockets = []
        for worker in workers:
            person.url = worker.url
            sockets.append(stack.enter_context(person.connect()))
            sockets[-1].join(room["id"])
            assert sockets[-1].call("timer-action", {"timerId": timer["id"], "action": "start"})["ok"]
        owner.patch(path(room, f"/members/{person.id}"), role="member")
        for socket in sockets:
            refused = socket.call("timer-action", {"timerId": timer["id"], "action": "pause"})
            assert refused["error"]["code"] == "forbidden"
            assert socket.connected
            assert socket.call("send-message", {"roomId": room["id"], "content": "As a member"})["ok"]


def running_out(token: str, within_s: int) -> tuple[str, float]:
    """The same token, ending `within_s` from now at most, and when."""
    claims = jwt.decode(token, TEST_SECRET, algorithms=["HS256"])
    ends_s = int(time.time()) + within_s
    return jwt.encode({**claims, "exp": ends_s}, TEST_SECRET, algorithm="HS256"), float(ends_s)


def come_in_time(
    stack: ExitStack, workers: tuple[Server, Server], person: Person, room: Room
) -> tuple[list[Socket], list[Socket], float]:
    """On each worker two sockets that have joined by a token which had not run out by then, and when it does."""
    fresh = str(person.token)
    for within_s in (3, 8, 20):  # as much as a busy machine needs for it
        person.token, ends_s = running_out(fresh, within_s)
        with ExitStack() as there, suppress(SocketIOError):
            leaving, staying = [], []
            for worker in workers:
                person.url = worker.url
                leaving.append(there.enter_context(person.connect()))
                staying.append(there.enter_context(person.connect()))
            for socket in leaving + staying:
                socket.join(room["id"])
            told = [socket.of("token-expired") for socket in leaving + staying]
            if time.time() < ends_s:
                assert told == [[], [], [], []]
                stack.enter_context(there.pop_all())
                return leaving, staying, ends_s
    raise AssertionError("too slow to have seen anything")


@pytest.mark.parametrize("who", ["account", "guest"])
def test_a_token_that_runs_out_is_told_and_then_closes_its_sockets_on_every_worker(
    workers: tuple[Server, Server], who: str
) -> None:
    owner = Person(workers[0].url)
    person, room = member(owner)
    if who == "guest":
        person = owner.guest(room, "Eve")
    fresh = str(person.token)
    with ExitStack() as stack:
        leaving, staying, ends_s = come_in_time(stack, workers, person, room)
        for socket in leaving + staying:
            socket.expect("token-expired", within_s=ends_s + WITHIN_S - time.time())
        assert time.time() >= ends_s
        for socket in staying:
            assert socket.call("authenticate", {"token": fresh})["ok"]
        closed_by_s = ends_s + GRACE_MS / 1000 + WITHIN_S
        eventually(lambda: not any(socket.connected for socket in leaving), closed_by_s - time.time(), "still there")
        assert time.time() >= ends_s + GRACE_MS / 1000
        assert all(socket.call("ping")["ok"] for socket in staying)
        expired = person.request("GET", f"/api/rooms/{room['id']}")
        assert (expired.status_code, expired.json()["error"]["code"]) == (401, "token_expired")
