"""Joining, leaving and syncing over real sockets: app/live/service.py, sockets.py and rights.py."""

from __future__ import annotations

import json
from contextlib import closing
from typing import Any

import pytest
from websocket import create_connection

from tests.support.fixtures import StartServer
from tests.support.people import Person
from tests.support.server import Server
from tests.support.waiting import eventually


@pytest.fixture(scope="module")
def server(start_server: StartServer) -> Server:
    """Embedded, without the limit on requests: these tests make more than a person does."""
    return start_server(RATE_LIMIT_MAX_REQUESTS="0", WIDE_RATE_LIMIT_MAX_REQUESTS="0")


@pytest.fixture(scope="module")
def host(server: Server) -> Person:
    return Person(server.url)


@pytest.fixture
def room(host: Person) -> dict[str, Any]:
    room: dict[str, Any] = host.post("/api/rooms", name="A room")
    host.post(f"/api/rooms/{room['id']}/timers", title="Opening", duration=600_000)
    return room


@pytest.mark.parametrize(
    "form",
    [
        lambda room: room["shareToken"],
        lambda room: room["id"],
        lambda room: {"shareToken": room["shareToken"]},
        lambda room: {"roomId": room["id"]},
    ],
    ids=["token", "id", "{shareToken}", "{roomId}"],
)
def test_every_form_of_join_room_answers_the_room(server: Server, room: dict[str, Any], form: Any) -> None:
    with Person.anonymous(server.url).connect() as socket:
        ack = socket.join(form(room))
        assert ack["room"]["timers"][0]["title"] == "Opening"
        assert ack["you"] == {"role": "viewer", "userId": None}
        assert ack["recovered"] is False
        assert ack["position"] == ack["room"]["position"]
        state = socket.expect("room-state")
        assert state["id"] == room["id"]
        assert state["userCount"] == 1
        joined = socket.expect("room-joined")
        assert (joined["roomId"], joined["onlineUsers"]) == (room["id"], [])


def test_the_share_token_is_shown_to_who_presented_it_and_to_nobody_else(server: Server, room: dict[str, Any]) -> None:
    with Person.anonymous(server.url).connect() as socket:
        assert socket.join(room["shareToken"])["room"]["shareToken"] == room["shareToken"]
        assert "shareToken" not in socket.join(room["id"])["room"]


def test_an_account_that_joins_a_public_room_is_a_member_from_then_on(server: Server, room: dict[str, Any]) -> None:
    person = Person(server.url)
    with person.connect() as socket:
        assert socket.join(room["id"])["you"] == {"role": "member", "userId": person.id}
    mine = [listed["role"] for listed in person.get("/api/rooms")["items"] if listed["id"] == room["id"]]
    assert mine == ["member"]


@pytest.mark.parametrize("ref", ["nonsense", "00000000-0000-7000-8000-000000000000", "x" * 64])
def test_a_room_that_is_not_there_is_not_found(server: Server, ref: str) -> None:
    with Person.anonymous(server.url).connect() as socket:
        ack = socket.call("join-room", ref)
        assert (ack["ok"], ack["error"]["code"]) == (False, "room_not_found")


@pytest.mark.parametrize(
    "payload", [{}, {"roomId": 5}, {"roomId": "a", "shareToken": "b"}, {"roomId": "a", "more": 1}, [1], 5, "\x00"]
)
def test_a_join_that_makes_no_sense_is_refused_and_the_socket_lives_on(server: Server, payload: Any) -> None:
    with Person.anonymous(server.url).connect() as socket:
        ack = socket.call("join-room", payload)
        assert ack["ok"] is False
        assert ack["error"]["code"] in ("validation_failed", "malformed", "room_not_found")
        assert socket.call("ping", {"t": 1})["ok"]


def test_a_failure_without_an_ack_comes_as_an_error_event(server: Server) -> None:
    with Person.anonymous(server.url).connect() as socket:
        socket.emit("join-room", "nonsense")
        error = socket.expect("error")
        assert (error["code"], error["event"]) == ("room_not_found", "join-room")
        socket.emit("no-such-event", {})
        assert socket.expect("error", count=2)["code"] == "unknown_event"


def test_what_happens_reaches_viewers_with_its_number(server: Server, host: Person, room: dict[str, Any]) -> None:
    with Person.anonymous(server.url).connect() as viewer:
        ack = viewer.join(room["shareToken"])
        timer_id = ack["room"]["timers"][0]["id"]
        host.post(f"/api/timers/{timer_id}/start")
        update = viewer.expect("timer-update")
        assert update["seq"] == ack["position"]["room"] + 1
        assert (update["state"], update["id"]) == ("running", timer_id)
        assert update["serverNow"].endswith("Z")


def test_two_people_are_counted_and_a_leaver_is_not(server: Server, host: Person, room: dict[str, Any]) -> None:
    with host.connect() as one, Person.anonymous(server.url).connect() as two:
        one.join(room["id"])
        two.join(room["shareToken"])
        eventually(lambda: one.of("user-count")[-1:] == [2])
        assert dict(one.events)["user-count"][1] == {"roomId": room["id"]}
        assert two.call("leave-room")["ok"]
        assert two.expect("room-left") == {"roomId": room["id"], "reason": "left"}
        eventually(lambda: one.of("user-count")[-1:] == [1])


def test_a_position_brings_only_what_was_missed(server: Server, host: Person, room: dict[str, Any]) -> None:
    with host.connect() as socket:
        position = socket.join(room["id"])["position"]
    kept = host.post(f"/api/rooms/{room['id']}/messages", content="kept")
    gone = host.post(f"/api/rooms/{room['id']}/messages", content="gone")
    host.patch(f"/api/messages/{kept['id']}", content="kept, and edited")
    host.delete(f"/api/messages/{gone['id']}")
    timer = host.post(f"/api/rooms/{room['id']}/timers", title="Second", duration=60_000)
    with host.connect() as socket:
        ack = socket.join({"roomId": room["id"]}, position=position)
        assert (ack["recovered"], ack["messages"]) == (True, [])
        durable = [name for name in socket.names() if name.startswith(("timer-", "message-"))]
        assert durable == ["timer-created", "message-received", "message-deleted"]
        assert socket.of("timer-created")[0]["id"] == timer["id"]
        assert socket.of("message-received")[0]["content"] == "kept, and edited"
        assert socket.of("message-deleted")[0]["messageId"] == gone["id"]
        assert socket.names().index("room-state") > socket.names().index("message-deleted")


@pytest.mark.parametrize(
    "wrong", [{"epoch": "another"}, {"room": 10_000}, {"chat": 10_000}], ids=["epoch", "room ahead", "chat ahead"]
)
def test_a_position_that_does_not_fit_brings_a_full_state(host: Person, room: dict[str, Any], wrong: Any) -> None:
    host.post(f"/api/rooms/{room['id']}/messages", content="hello")
    with host.connect() as socket:
        position = socket.join(room["id"])["position"]
        ack = socket.join({"roomId": room["id"]}, position={**position, **wrong})
        assert ack["recovered"] is False
        assert [message["content"] for message in ack["messages"]] == ["hello"]


def test_more_than_three_hundred_missed_changes_bring_a_full_state(host: Person, room: dict[str, Any]) -> None:
    with host.connect() as socket:
        position = socket.join(room["id"])["position"]
        timer_id = host.get(f"/api/rooms/{room['id']}")["timers"][0]["id"]
        for _ in range(151):
            host.post(f"/api/timers/{timer_id}/start")
            host.post(f"/api/timers/{timer_id}/reset")
        ack = socket.call("request-sync", {"roomId": room["id"], "position": position})
        assert (ack["ok"], ack["recovered"]) == (True, False)


def test_request_sync_asks_for_a_room_that_one_is_in(server: Server, room: dict[str, Any]) -> None:
    with Person.anonymous(server.url).connect() as socket:
        assert socket.call("request-sync", {"roomId": room["id"]})["error"]["code"] == "not_in_room"
        socket.join(room["shareToken"])
        assert socket.call("request-sync")["room"]["id"] == room["id"]
        assert socket.of("room-state")[-1]["id"] == room["id"]


def test_ping_answers_with_the_servers_time(server: Server) -> None:
    with Person.anonymous(server.url).connect() as socket:
        assert socket.call("ping", {"t": 42})["t"] == 42
        assert socket.expect("pong")["serverNow"].endswith("Z")
        assert socket.call("ping")["t"] is None


def test_a_removed_member_loses_the_room_and_keeps_the_socket(
    server: Server, host: Person, room: dict[str, Any]
) -> None:
    member = Person(server.url)
    with member.connect() as socket:
        socket.join(room["id"])
        host.delete(f"/api/rooms/{room['id']}/members/{member.id}")
        assert socket.expect("room-left", within_s=2) == {"roomId": room["id"], "reason": "removed"}
        host.post(f"/api/rooms/{room['id']}/messages", content="Who hears this?")
        refused = socket.call("send-message", {"roomId": room["id"], "content": "I do"})
        assert refused["error"]["code"] == "forbidden"
        assert socket.call("ping")["ok"]
        assert socket.of("message-received") == []


def test_a_banned_person_loses_the_room_within_two_seconds(server: Server, host: Person, room: dict[str, Any]) -> None:
    person = Person(server.url)
    with person.connect() as socket:
        socket.join(room["id"])
        host.post(f"/api/rooms/{room['id']}/bans", userId=person.id)
        assert socket.expect("room-left", within_s=2)["reason"] == "banned"
        assert socket.call("join-room", room["id"])["error"]["code"] == "banned"


def test_a_rotated_token_ends_the_seats_that_hang_on_it(server: Server, host: Person) -> None:
    room = host.post("/api/rooms", name="Private", isPrivate=True)
    with Person.anonymous(server.url).connect() as viewer, host.connect() as owner:
        viewer.join(room["shareToken"])
        owner.join(room["id"])
        fresh = host.post(f"/api/rooms/{room['id']}/share-token")
        assert viewer.expect("room-left", within_s=2)["reason"] == "rotated"
        assert "room-left" not in owner.names()
        assert viewer.call("join-room", room["shareToken"])["error"]["code"] == "room_not_found"
        viewer.join(fresh["shareToken"])


def test_signing_out_closes_the_sockets_of_that_device_only(server: Server) -> None:
    person = Person(server.url)
    other = Person(server.url, person.name, signed_up=False)
    other.token = other.post("/api/auth/login", username=person.name, password="correct horse battery")["accessToken"]
    with person.connect() as here, other.connect() as there:
        person.post("/api/auth/logout", refreshToken=person.refresh_token)
        eventually(lambda: not here.connected, within_s=2)
        assert there.call("ping")["ok"]


def test_a_bad_token_is_refused_with_the_error_shape(server: Server) -> None:
    # By hand: python-socketio's client never closes the connection of a refused namespace.
    with closing(create_connection(server.url.replace("http", "ws") + "/socket.io/?EIO=4&transport=websocket")) as ws:
        assert ws.recv().startswith("0{")
        ws.send('40{"token":"nonsense"}')
        refusal = str(ws.recv())
    assert refusal.startswith("44{")
    error = json.loads(refusal[2:])["data"]
    assert (error["code"], error["retryable"]) == ("invalid_token", False)


@pytest.mark.parametrize("transport", ["polling", "websocket"])
def test_a_room_full_of_the_longest_messages_is_joined_all_the_same(
    host: Person, room: dict[str, Any], transport: str
) -> None:
    """They come twice, as event and as ack: more than a client may leave unread."""
    longest = "😀" * 4_000
    for _ in range(50):
        host.post(f"/api/rooms/{room['id']}/messages", content=longest)
    with host.connect(transports=[transport]) as socket:
        assert [message["content"] for message in socket.join(room["id"])["messages"]] == [longest] * 50
        assert socket.call("ping")["ok"]
