"""The conversation through real sockets against a real server: acks, events, errors, the seeds' names."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from tests.support.people import Person, Socket
from tests.support.server import Server
from tests.support.waiting import eventually


@dataclass
class Talker:
    """Somebody with one socket in the room."""

    person: Person
    socket: Socket

    @property
    def id(self) -> str:
        return str(self.person.id)

    def call(self, event: str, data: Any) -> Any:
        """The ack of `event`."""
        return self.socket.call(event, data)

    def say(self, room: dict[str, Any], content: str, **more: Any) -> dict[str, Any]:
        """A message that must be written."""
        ack = self.call("send-message", {"roomId": room["id"], "content": content, **more})
        assert ack["ok"], ack
        return dict(ack["message"])


@pytest.fixture
def host(server: Server) -> Person:
    """Somebody new for each test: what a person may say at once is counted over all their sockets."""
    return Person(server.url)


@pytest.fixture
def room(host: Person) -> dict[str, Any]:
    return dict(host.post("/api/rooms", name="The hall"))


@pytest.fixture
def ada(host: Person, room: dict[str, Any]) -> Iterator[Talker]:
    with host.connect() as socket:
        socket.join(room["id"])
        yield Talker(host, socket)


@pytest.fixture
def nick(host: Person, room: dict[str, Any]) -> Iterator[Talker]:
    guest = host.guest(room, "Nick")
    with guest.connect() as socket:
        socket.join(room["id"])
        yield Talker(guest, socket)


def messages(talker: Talker, room: dict[str, Any]) -> list[dict[str, Any]]:
    """The newest page over REST."""
    return list(talker.person.get(f"/api/rooms/{room['id']}/messages")["items"])


def test_a_message_is_durable_when_it_is_acked(ada: Talker, nick: Talker, room: dict[str, Any]) -> None:
    first = ada.call("send-message", {"roomId": room["id"], "content": "hello", "clientMessageId": "c1"})
    assert first["ok"]
    assert ada.call("send-message", {"roomId": room["id"], "content": "hello", "clientMessageId": "c1"}) == first
    second = nick.call("send-message", {"roomId": room["id"], "content": "hi", "replyTo": first["message"]["id"]})
    assert second["message"]["user"] == {"id": nick.id, "username": "Nick", "name": "Nick", "isGuest": True}
    assert messages(ada, room) == [first["message"], second["message"]]


def test_edits_deletions_and_reading_are_acked(ada: Talker, nick: Talker, room: dict[str, Any]) -> None:
    message = nick.call("send-message", {"roomId": room["id"], "content": "hello"})["message"]
    edited = nick.call("edit-message", {"messageId": message["id"], "content": "hello!"})
    assert (edited["ok"], edited["message"]["content"]) == (True, "hello!")
    read = ada.call("mark-read", {"roomId": room["id"], "messageId": message["id"]})
    assert (read["ok"], read["messageId"]) == (True, message["id"])
    deleted = ada.call("delete-message", {"messageId": message["id"]})
    assert (deleted["ok"], deleted["message"]["content"]) == (True, "")
    refused = ada.call("edit-message", {"messageId": message["id"], "content": "mine now"})
    assert (refused["ok"], refused["error"]["code"]) == (False, "forbidden")


def test_the_seeds_names_send_the_same_message(ada: Talker, room: dict[str, Any]) -> None:
    third = ada.call("send_message", {"roomId": room["id"], "content": "as in seed 003"})
    second = ada.call("message", {"roomId": room["id"], "text": "as in seed 002"})
    in_our_names = {key: second["message"][key] for key in third["message"]}
    assert messages(ada, room) == [third["message"], in_our_names]


@pytest.mark.parametrize(
    ("event", "data", "code"),
    [
        ("send-message", {"content": "no room"}, "validation_failed"),
        ("send-message", {"roomId": "ROOM", "content": " "}, "validation_failed"),
        ("send-message", {"roomId": "ROOM", "content": "x" * 4001}, "validation_failed"),
        ("send-message", {"roomId": "ROOM", "content": "\x00"}, "validation_failed"),
        ("send-message", {"roomId": "ROOM", "content": "x", "messageType": "system"}, "validation_failed"),
        ("send-message", {"roomId": "ROOM", "content": "x", "messageType": "stage"}, "forbidden"),
        ("send-message", {"roomId": "00000000-0000-0000-0000-000000000000", "content": "x"}, "room_not_found"),
        ("send-message", "just text", "malformed"),
        ("edit-message", {"messageId": "00000000-0000-0000-0000-000000000000", "content": "x"}, "message_not_found"),
        ("delete-message", {"messageId": "00000000-0000-0000-0000-000000000000"}, "message_not_found"),
        ("delete-message", {}, "validation_failed"),
        ("mark-read", {"roomId": "ROOM", "messageId": "00000000-0000-0000-0000-000000000000"}, "message_not_found"),
    ],
)
def test_bad_input_is_told_and_harms_nothing_else(
    event: str, data: Any, code: str, nick: Talker, room: dict[str, Any]
) -> None:
    data = {**data, "roomId": room["id"]} if isinstance(data, dict) and data.get("roomId") == "ROOM" else data
    answer = nick.call(event, data)
    assert (answer["ok"], answer["error"]["code"]) == (False, code)
    assert nick.call("send-message", {"roomId": room["id"], "content": "still here"})["ok"]


def test_without_an_ack_a_failure_comes_as_an_error(nick: Talker, room: dict[str, Any]) -> None:
    nick.socket.emit("send-message", {"roomId": room["id"], "content": ""})
    assert nick.call("send-message", {"roomId": room["id"], "content": "after"})["ok"]
    errors = nick.socket.of("error")
    assert [(error["code"], error["event"]) for error in errors] == [("validation_failed", "send-message")]


def test_half_a_character_is_refused(nick: Talker, room: dict[str, Any]) -> None:
    nick.socket.client.eio.send(f'2["send-message",{{"roomId":"{room["id"]}","content":"\\ud800"}}]')
    assert nick.socket.expect("error")["code"] == "malformed"
    assert nick.say(room, "still here")


def test_sends_without_waiting_are_answered_and_told_in_their_order(ada: Talker, room: dict[str, Any]) -> None:
    answers: list[tuple[int, Any]] = []
    for n in range(12):
        content = "" if n in {0, 5} else str(n)
        message = {"roomId": room["id"], "content": content, "clientMessageId": f"run-{n if n != 7 else 6}"}
        ada.socket.client.emit("send-message", message, callback=lambda answer, n=n: answers.append((n, answer)))
    assert ada.call("leave-room", {"roomId": room["id"]})["ok"]
    assert [n for n, _ in answers] == list(range(12))
    assert [n for n, answer in answers if not answer["ok"]] == [0, 5]
    told = [args[0]["content"] for name, args in ada.socket.events if name == "message-received"]
    assert told == [str(n) for n in (1, 2, 3, 4, 6, 8, 9, 10, 11)]
    assert answers[7][1] == answers[6][1]
    assert [message["content"] for message in messages(ada, room)] == told


def test_a_failure_amid_sends_without_acks_is_told_in_its_turn(ada: Talker, room: dict[str, Any]) -> None:
    answered: list[Any] = []
    for content in ("one", "two"):
        message = {"roomId": room["id"], "content": content}
        ada.socket.client.emit("send-message", message, callback=answered.append)
    seen_before: list[int] = []
    ada.socket.client.on("error", lambda _: seen_before.append(len(answered)))
    ada.socket.emit("send-message", {"roomId": room["id"], "content": ""})
    assert ada.call("send-message", {"roomId": room["id"], "content": "three"})["ok"]
    eventually(lambda: bool(seen_before))
    assert seen_before == [2]


def test_who_writes_too_fast_is_slowed_down(nick: Talker, room: dict[str, Any]) -> None:
    answers: list[Any] = []
    for n in range(80):
        message = {"roomId": room["id"], "content": str(n)}
        nick.socket.client.emit("send-message", message, callback=answers.append)
    eventually(lambda: len(answers) == 80, 30)
    refused = [answer for answer in answers if not answer["ok"]]
    assert refused
    assert {answer["error"]["code"] for answer in refused} == {"rate_limited"}
    assert all(answer["error"]["retryAfterMs"] > 0 for answer in refused)


def test_everybody_in_the_room_gets_each_change_once_and_in_order(
    ada: Talker, nick: Talker, room: dict[str, Any]
) -> None:
    first = nick.say(room, "one")
    second = ada.say(room, "two", messageType="question")
    edited = nick.call("edit-message", {"messageId": first["id"], "content": "one!"})["message"]
    voted = nick.person.request("PUT", f"/api/messages/{second['id']}/vote").json()
    deleted = ada.call("delete-message", {"messageId": first["id"]})["message"]
    wanted = [
        ("message-received", first),
        ("message-received", second),
        ("message-edited", {**edited, "messageId": first["id"]}),
        ("message-edited", {**voted, "messageId": second["id"]}),
        (
            "message-deleted",
            {"messageId": first["id"], "roomId": room["id"], "changeSeq": deleted["changeSeq"]},
        ),
    ]
    for talker in (ada, nick):
        talker.socket.expect("message-deleted")
        assert [(name, args[0]) for name, args in talker.socket.events if name.startswith("message-")] == wanted


def test_a_viewer_hears_nothing_of_the_conversation(ada: Talker, host: Person, room: dict[str, Any]) -> None:
    with Person.anonymous(host.url).connect() as viewer:
        viewer.join(room["shareToken"])
        ada.say(room, "among us")
        host.post(f"/api/rooms/{room['id']}/timers", title="Opening", duration=60_000)
        viewer.expect("timer-created")
        assert not [name for name in viewer.names() if name.startswith("message")]


def test_the_author_and_nobody_else_is_told_who_read(ada: Talker, nick: Talker, room: dict[str, Any]) -> None:
    first, second = ada.say(room, "one"), ada.say(room, "two")
    for message in (first, second):
        assert nick.call("mark-read", {"roomId": room["id"], "messageId": message["id"]})["ok"]
    read = ada.socket.expect("message-read")
    assert read == {"roomId": room["id"], "messageId": second["id"], "userId": nick.id, "readAt": read["readAt"]}
    assert nick.socket.of("message-read") == []


def test_the_mentioned_are_told_wherever_they_are(ada: Talker, host: Person, room: dict[str, Any]) -> None:
    bob = Person(host.url, "bob")
    bob.post(f"/api/rooms/{room['id']}/join")
    with bob.connect() as socket:
        message = ada.say(room, "look, @bob")
        told = socket.expect("notification")
        assert (told["kind"], told["messageId"], told["from"]["id"]) == ("mention", message["id"], host.id)


def test_sending_ends_typing_for_the_others(ada: Talker, nick: Talker, room: dict[str, Any]) -> None:
    nick.call("typing-start", room["id"])
    ada.socket.expect("user-typing")
    nick.say(room, "done")
    assert ada.socket.expect("user-stopped-typing") == {"roomId": room["id"], "userId": nick.id}


def test_seed_003s_client_talks_with_the_others(ada: Talker, host: Person, room: dict[str, Any]) -> None:
    eve = Person(host.url, "eve")
    with eve.connect() as socket:
        assert socket.call("join_room", {"roomId": room["id"]})["ok"]
        assert socket.call("send_message", {"roomId": room["id"], "content": "hello"})["ok"]
        theirs = socket.expect("message")
        ours = ada.socket.expect("message-received", count=2)  # after the line that eve joined
        assert ours["content"] == "hello"
        assert {key: theirs[key] for key in ("id", "roomId", "userId", "content", "createdAt")} == {
            "id": ours["id"],
            "roomId": room["id"],
            "userId": eve.id,
            "content": "hello",
            "createdAt": ours["createdAt"],
        }
        assert "message-received" not in socket.names()


def test_who_only_views_a_private_room_is_refused_alike_by_socket_and_rest(host: Person) -> None:
    room = host.post("/api/rooms", name="Green room", isPrivate=True)
    viewer = Person(host.url)
    host.post(f"/api/rooms/{room['id']}/members", userId=viewer.id, role="viewer")
    for person, ref, code in (
        (Person.anonymous(host.url), room["shareToken"], "unauthenticated"),
        (viewer, room["id"], "forbidden"),
    ):
        by_rest = person.request("POST", f"/api/rooms/{ref}/messages", json={"content": "Hello"})
        assert by_rest.json()["error"]["code"] == code
        with person.connect() as socket:
            socket.join(ref)
            for event, text in (("send-message", "content"), ("send_message", "content"), ("message", "text")):
                assert socket.call(event, {"roomId": room["id"], text: "Hello"})["error"]["code"] == code
    nobody = Person.anonymous(host.url)
    with nobody.connect() as socket:  # to whom the room is not there
        by_rest = nobody.request("POST", f"/api/rooms/{room['id']}/messages", json={"content": "Hello"})
        by_socket = socket.call("send-message", {"roomId": room["id"], "content": "Hello"})
        assert by_rest.json()["error"] == by_socket["error"]
        assert by_socket["error"]["code"] == "room_not_found"


def test_a_message_may_be_sent_to_the_share_token_by_who_may_write(host: Person) -> None:
    room = host.post("/api/rooms", name="Hall", isPrivate=True)
    sent = host.guest(room, "Nick").post(f"/api/rooms/{room['shareToken']}/messages", content="Hello")
    assert sent["roomId"] == room["id"]
