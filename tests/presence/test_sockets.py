"""Presence and typing as clients see them, on a running server."""

from __future__ import annotations

from typing import Any

import pytest

from app.core.clock import from_wire
from tests.support.people import Person
from tests.support.server import Server
from tests.support.waiting import eventually


@pytest.fixture(scope="module")
def host(server: Server) -> Person:
    return Person(server.url)


@pytest.fixture
def room(host: Person) -> dict[str, Any]:
    room: dict[str, Any] = host.post("/api/rooms", name="A room")
    return room


def test_who_joins_and_goes_is_told_to_the_others(host: Person, room: dict[str, Any]) -> None:
    guest = host.guest(room, "Bo")
    with host.connect() as watcher:
        watcher.join(room["id"])
        with guest.connect() as phone, guest.connect() as laptop:
            phone.join(room["shareToken"])
            joined = watcher.expect("user-joined-room")
            assert joined == {
                "roomId": room["id"],
                "user": {"id": guest.id, "username": joined["user"]["username"], "name": "Bo", "isGuest": True},
            }
            eventually(lambda: guest.id in [payload["userId"] for payload in watcher.of("user-online")])
            online = [payload for payload in watcher.of("user-online") if payload["userId"] == guest.id]
            assert [set(payload) for payload in online] == [{"userId", "username"}]
            ack = laptop.join(room["shareToken"])
            assert [user["id"] for user in ack["users"]] == [host.id, guest.id]
            assert laptop.expect("room-joined")["onlineUsers"] == [host.id, guest.id]
        left = watcher.expect("user-left-room")
        assert left == {"roomId": room["id"], "userId": guest.id}
        offline = watcher.expect("user-offline")
        assert offline["userId"] == guest.id
        assert from_wire(offline["lastSeen"])
        assert len(watcher.of("user-joined-room")) == len(watcher.of("user-left-room")) == 1


def test_the_count_has_two_arguments_and_includes_viewers_without_a_name(host: Person, room: dict[str, Any]) -> None:
    with host.connect() as watcher, Person.anonymous(host.url).connect() as viewer:
        watcher.join(room["id"])
        viewer.join(room["shareToken"])
        eventually(lambda: ("user-count", (2, {"roomId": room["id"]})) in watcher.events)
        viewer.call("leave-room", room["id"])
        eventually(lambda: watcher.events[-1] == ("user-count", (1, {"roomId": room["id"]})))
        assert watcher.of("user-joined-room") == []


def test_typing_by_every_form_of_its_events(host: Person, room: dict[str, Any]) -> None:
    guest = host.guest(room, "Bo")
    with host.connect() as watcher, guest.connect() as typist:
        watcher.join(room["id"])
        typist.join(room["id"])
        username = watcher.expect("user-joined-room")["user"]["username"]
        forms: list[tuple[tuple[str, Any], tuple[str, Any]]] = [
            (("typing-start", room["id"]), ("typing-stop", room["id"])),
            (("typing-start", {"roomId": room["id"]}), ("typing-stop", {"roomId": room["id"]})),
            (
                ("typing", {"roomId": room["id"], "isTyping": True}),
                ("typing", {"roomId": room["id"], "isTyping": False}),
            ),
        ]
        for count, (start, stop) in enumerate(forms, 1):
            assert typist.call(*start) == {"ok": True}
            begun = watcher.expect("user-typing", count=count)
            assert begun == {"roomId": room["id"], "userId": guest.id, "username": username}
            typist.call(*stop)
            stopped = watcher.expect("user-stopped-typing", count=count)
            assert stopped == {"roomId": room["id"], "userId": guest.id}
        assert not {"user-typing", "user-stopped-typing"} & set(typist.names())


def test_typing_ends_by_sending(host: Person, room: dict[str, Any]) -> None:
    with host.connect() as watcher, host.guest(room, "Bo").connect() as typist:
        watcher.join(room["id"])
        typist.join(room["id"])
        typist.call("typing-start", room["id"])
        typist.call("send-message", {"roomId": room["id"], "content": "Hello"})
        watcher.expect("user-stopped-typing")
        assert watcher.names().index("user-typing") < watcher.names().index("user-stopped-typing")


def test_viewers_neither_type_nor_see_who_does(host: Person, room: dict[str, Any]) -> None:
    with host.connect() as typist, Person.anonymous(host.url).connect() as viewer:
        typist.join(room["id"])
        viewer.join(room["shareToken"])
        assert viewer.call("typing-start", room["id"])["error"]["code"] == "unauthenticated"
        typist.call("typing-start", room["id"])
        typist.call("typing-stop", room["id"])
        viewer.call("typing-stop", room["id"])
        assert not {"user-typing", "user-stopped-typing"} & set(viewer.names())


def test_who_is_not_in_the_room_cannot_type_there(host: Person, room: dict[str, Any]) -> None:
    with host.connect() as socket:
        assert socket.call("typing-start", room["id"])["error"]["code"] == "not_in_room"
        assert socket.call("typing-start")["error"]["code"] == "validation_failed"


def test_seed_003s_clients_get_typing_and_the_list_of_who_is_here(host: Person, room: dict[str, Any]) -> None:
    guest = host.guest(room, "Bo")
    with host.connect() as old, guest.connect() as typist:
        assert old.call("join_room", {"roomId": room["id"]})["ok"]
        assert old.expect("presence") == {"roomId": room["id"], "users": [host.id]}
        typist.join(room["id"])
        everybody = {"roomId": room["id"], "users": [host.id, guest.id]}
        eventually(lambda: old.of("presence")[-1] == everybody, 5, "not both are listed")
        typist.call("typing-start", room["id"])
        assert old.expect("typing") == {"roomId": room["id"], "userId": guest.id, "isTyping": True}
        assert not {"user-joined-room", "user-online", "user-typing"} & set(old.names())
