"""What people may not read or write in a conversation does not reach them, nor others from them, by events either."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from contextlib import ExitStack
from typing import Any

import pytest

from tests.support.people import Person, Socket
from tests.support.server import Server
from tests.support.waiting import eventually

Room = dict[str, Any]


@pytest.fixture(scope="module")
def host(server: Server) -> Person:
    return Person(server.url)


def make_member(host: Person, room: Room) -> Person:
    member = Person(host.url)
    member.post(f"/api/rooms/{room['id']}/join")
    return member


def make_guest(host: Person, room: Room) -> Person:
    return host.guest(room, "Late")


@pytest.mark.parametrize("make", [make_member, make_guest])
@pytest.mark.parametrize("history", ["sinceJoin", "none"])
def test_what_becomes_of_older_messages_is_not_told_to_newcomers(
    host: Person, history: str, make: Callable[[Person, Room], Person]
) -> None:
    room = host.post("/api/rooms", name="Hall", settings={"history": history, "systemMessages": False})
    with host.connect() as early, ExitStack() as later:
        early.join(room["id"])
        older = host.post(f"/api/rooms/{room['id']}/messages", content="before you", messageType="question")
        newcomer = make(host, room)
        late = later.enter_context(newcomer.connect())
        position = late.join(room["id"])["position"]
        host.patch(f"/api/messages/{older['id']}", content="before you, edited")
        host.request("PUT", f"/api/messages/{older['id']}/vote")
        own = newcomer.post(f"/api/rooms/{room['id']}/messages", content="since me")
        newcomer.patch(f"/api/messages/{own['id']}", content="since me, edited")
        assert early.expect("message-edited", count=3)["id"] == own["id"]
        assert late.expect("message-edited")["id"] == own["id"]
        assert late.call("request-sync", {"roomId": room["id"], "position": position})["ok"]
        assert "before you" not in str(late.events)


def test_a_room_that_hides_its_past_from_now_on_hides_it_from_who_is_there(host: Person) -> None:
    room = host.post("/api/rooms", name="Hall", settings={"systemMessages": False})
    older = host.post(f"/api/rooms/{room['id']}/messages", content="before you")
    member = make_member(host, room)
    with member.connect() as socket:
        socket.join(room["id"])
        host.patch(f"/api/messages/{older['id']}", content="before you, edited")
        assert socket.expect("message-edited")["content"] == "before you, edited"

        versions = itertools.count()

        def is_told() -> bool:
            """Whether an edit that is made now reaches the member; the message after it must."""
            socket.forget()
            host.patch(f"/api/messages/{older['id']}", content=f"before you, version {next(versions)}")
            host.post(f"/api/rooms/{room['id']}/messages", content="a mark")
            socket.expect("message-received")
            return "message-edited" in socket.names()

        host.patch(f"/api/rooms/{room['id']}", settings={"history": "sinceJoin"})
        eventually(lambda: not is_told(), within_s=2)
        host.patch(f"/api/rooms/{room['id']}", settings={"history": "all"})
        eventually(is_told, within_s=2)


def refused(socket: Socket, room: Room) -> str | None:
    ack = socket.call("typing-start", room["id"])
    return None if ack["ok"] else str(ack["error"]["code"])


@pytest.mark.parametrize("make", [make_member, make_guest])
def test_who_may_not_write_may_not_type(host: Person, make: Callable[[Person, Room], Person]) -> None:
    room = host.post("/api/rooms", name="Hall")
    person = make(host, room)
    kind = "members" if make is make_member else "guests"
    mute = f"/api/rooms/{room['id']}/{kind}/{person.id}"
    with person.connect() as socket, host.connect() as watcher:
        watcher.join(room["id"])
        socket.join(room["id"])
        assert refused(socket, room) is None
        host.patch(mute, mutedUntil="2099-01-01T00:00:00.000Z")
        eventually(lambda: refused(socket, room) == "muted", within_s=2)
        socket.join(room["id"])
        assert refused(socket, room) == "muted"
        host.patch(mute, mutedUntil=None)
        eventually(lambda: refused(socket, room) is None, within_s=2)
        host.patch(f"/api/rooms/{room['id']}", settings={"chatMode": "hosts"})
        eventually(lambda: refused(socket, room) == "chat_closed", within_s=2)
        assert refused(watcher, room) is None
