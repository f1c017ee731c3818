"""Who loses rights loses the room within 2 s, over real sockets of a running server."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.support.people import Person
from tests.support.server import Server

WITHIN_S = 2.0

Act = Callable[[Person, dict[str, Any], Person], Any]


@pytest.fixture(scope="module")
def owner(server: Server) -> Person:
    return Person(server.url)


def of(room: dict[str, Any]) -> str:
    return f"/api/rooms/{room['id']}"


def make_member(owner: Person, room: dict[str, Any]) -> Person:
    member = Person(owner.url)
    owner.post(f"{of(room)}/members", userId=member.id)
    return member


def make_guest(owner: Person, room: dict[str, Any]) -> Person:
    return owner.guest(room, "Eve")


def make_viewer(owner: Person, room: dict[str, Any]) -> Person:
    return Person.anonymous(owner.url)


@pytest.mark.parametrize(
    ("who", "is_private", "act", "reason"),
    [
        (make_member, True, lambda owner, room, who: owner.delete(f"{of(room)}/members/{who.id}"), "removed"),
        (make_member, False, lambda owner, room, who: owner.delete(f"{of(room)}/members/{who.id}"), "removed"),
        (make_member, False, lambda owner, room, who: owner.post(f"{of(room)}/bans", userId=who.id), "banned"),
        (make_member, False, lambda owner, room, who: who.post(f"{of(room)}/leave"), "left"),
        (make_member, True, lambda owner, room, who: who.post(f"{of(room)}/leave"), "left"),
        (make_guest, True, lambda owner, room, who: owner.delete(f"{of(room)}/guests/{who.id}"), "removed"),
        (make_guest, False, lambda owner, room, who: owner.delete(f"{of(room)}/guests/{who.id}"), "removed"),
        (make_guest, False, lambda owner, room, who: owner.post(f"{of(room)}/bans", guestId=who.id), "banned"),
        (make_guest, True, lambda owner, room, who: owner.patch(of(room), settings={"guests": False}), "guests"),
        (make_viewer, True, lambda owner, room, who: owner.post(f"{of(room)}/share-token"), "rotated"),
        (make_viewer, False, lambda owner, room, who: owner.patch(of(room), isPrivate=True), "private"),
        (make_viewer, False, lambda owner, room, who: owner.delete(of(room)), "deleted"),
    ],
)
def test_who_loses_rights_loses_the_room(
    owner: Person, who: Callable[[Person, dict[str, Any]], Person], is_private: bool, act: Act, reason: str
) -> None:
    room = owner.post("/api/rooms", name="Hall", isPrivate=is_private)
    loser = who(owner, room)
    by_token = is_private and who is make_viewer
    with loser.connect() as socket, owner.connect() as owners:
        socket.join(room["shareToken"] if by_token else room["id"])
        owners.join(room["id"])
        act(owner, room, loser)
        assert socket.expect("room-left", within_s=WITHIN_S) == {"roomId": room["id"], "reason": reason}
        if reason == "deleted":
            assert owners.expect("room-left", within_s=WITHIN_S)["reason"] == "deleted"
            return
        socket.forget()
        owner.request("PUT", f"{of(room)}/stage", json={"text": "Still here", "visible": True})
        assert owners.expect("stage-update")["text"] == "Still here"
        assert socket.of("stage-update") == []
        assert owners.of("room-left") == []


def test_no_client_gets_what_workers_tell_each_other(owner: Person) -> None:
    room = owner.post("/api/rooms", name="Hall")
    bob = Person(owner.url)
    with owner.connect() as owners, bob.connect() as bobs:
        owners.join(room["id"])
        bobs.join(room["id"])
        owner.patch(f"{of(room)}/members/{bob.id}", role="host")
        owner.post(f"{of(room)}/share-token")
        owner.patch(of(room), name="Main hall")
        assert owners.expect("room-updated", count=3)["name"] == "Main hall"
        assert bobs.expect("room-updated", count=3)["name"] == "Main hall"
        told = {*owners.names(), *bobs.names()}
    assert not {"access-changed", "member-joined", "member-added"} & told
