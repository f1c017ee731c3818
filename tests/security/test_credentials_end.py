"""A credential that ends takes its sockets with it within 2 s, also those on a worker that was told nothing directly."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.support.fixtures import StartServer
from tests.support.people import PASSWORD, Person
from tests.support.server import Server
from tests.support.waiting import eventually

WITHIN_S = 2.0
Room = dict[str, Any]
Ending = Callable[[Person, Person, Room], Any]


@pytest.fixture(scope="module")
def workers(start_server: StartServer, postgres_url: str, redis_url: str) -> tuple[Server, Server]:
    shared = {"DATABASE_URL": postgres_url, "REDIS_URL": redis_url, "RATE_LIMIT_MAX_REQUESTS": "0"}
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
