"""The conversation's events through real sockets against a real server: acks, errors, the seeds' names."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from urllib.request import Request, urlopen

import pytest
import socketio

from tests.support.server import Server
from tests.support.waiting import eventually

PASSWORD = "correct horse battery"


@dataclass
class Person:
    """Somebody at a real server: HTTP with a bearer token, and one socket."""

    url: str
    token: str
    id: str
    socket: socketio.Client

    def http(self, method: str, path: str, body: Any = None) -> Any:
        return http(self.url, method, path, body, self.token)

    def call(self, event: str, data: Any) -> Any:
        """The ack of `event`."""
        return self.socket.call(event, data, timeout=20)


def http(url: str, method: str, path: str, body: Any = None, token: str | None = None) -> Any:
    headers = {"Content-Type": "application/json", **({"Authorization": f"Bearer {token}"} if token else {})}
    data = json.dumps(body).encode() if body is not None else None
    with urlopen(Request(f"{url}/api{path}", data, headers, method=method), timeout=20) as response:
        return json.load(response)


def connect(url: str, token: str, ident: str) -> Person:
    client = socketio.Client(reconnection=False)
    client.connect(url, transports=["websocket"], auth={"token": token}, wait_timeout=20)
    return Person(url, token, ident, client)


@pytest.fixture(scope="module")
def ada(server: Server) -> Iterator[Person]:
    signed_in = http(server.url, "POST", "/auth/register", {"username": "ada", "password": PASSWORD})
    person = connect(server.url, signed_in["accessToken"], signed_in["user"]["id"])
    yield person
    person.socket.disconnect()


@pytest.fixture
def room(ada: Person) -> dict[str, Any]:
    return dict(ada.http("POST", "/rooms", {"name": "The hall"}))


@pytest.fixture
def nick(ada: Person, room: dict[str, Any]) -> Iterator[Person]:
    admitted = http(ada.url, "POST", f"/rooms/{room['shareToken']}/guests", {"name": "Nick"})
    person = connect(ada.url, admitted["accessToken"], admitted["guest"]["id"])
    yield person
    person.socket.disconnect()


def test_a_message_is_durable_when_it_is_acked(ada: Person, nick: Person, room: dict[str, Any]) -> None:
    first = ada.call("send-message", {"roomId": room["id"], "content": "hello", "clientMessageId": "c1"})
    assert first["ok"]
    assert ada.call("send-message", {"roomId": room["id"], "content": "hello", "clientMessageId": "c1"}) == first
    second = nick.call("send-message", {"roomId": room["id"], "content": "hi", "replyTo": first["message"]["id"]})
    assert second["message"]["user"] == {"id": nick.id, "username": "Nick", "name": "Nick", "isGuest": True}
    page = ada.http("GET", f"/rooms/{room['id']}/messages")
    assert page["items"] == [first["message"], second["message"]]


def test_edits_deletions_and_reading_are_acked(ada: Person, nick: Person, room: dict[str, Any]) -> None:
    message = nick.call("send-message", {"roomId": room["id"], "content": "hello"})["message"]
    edited = nick.call("edit-message", {"messageId": message["id"], "content": "hello!"})
    assert (edited["ok"], edited["message"]["content"]) == (True, "hello!")
    read = ada.call("mark-read", {"roomId": room["id"], "messageId": message["id"]})
    assert (read["ok"], read["messageId"]) == (True, message["id"])
    deleted = ada.call("delete-message", {"messageId": message["id"]})
    assert (deleted["ok"], deleted["message"]["content"]) == (True, "")
    refused = ada.call("edit-message", {"messageId": message["id"], "content": "mine now"})
    assert (refused["ok"], refused["error"]["code"]) == (False, "forbidden")


def test_the_seeds_names_send_the_same_message(ada: Person, room: dict[str, Any]) -> None:
    third = ada.call("send_message", {"roomId": room["id"], "content": "as in seed 003"})
    second = ada.call("message", {"roomId": room["id"], "text": "as in seed 002"})
    items = ada.http("GET", f"/rooms/{room['id']}/messages")["items"]
    assert items == [third["message"], second["message"]]


@pytest.mark.parametrize(
    ("event", "data", "code"),
    [
        ("send-message", {"content": "no room"}, "validation_failed"),
        ("send-message", {"roomId": "ROOM", "content": " "}, "validation_failed"),
        ("send-message", {"roomId": "ROOM", "content": "x" * 4001}, "validation_failed"),
        ("send-message", {"roomId": "ROOM", "content": "\x00"}, "validation_failed"),
        ("send-message", {"roomId": "ROOM", "content": "\ud800"}, "validation_failed"),
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
    event: str, data: Any, code: str, nick: Person, room: dict[str, Any]
) -> None:
    data = {**data, "roomId": room["id"]} if isinstance(data, dict) and data.get("roomId") == "ROOM" else data
    answer = nick.call(event, data)
    assert (answer["ok"], answer["error"]["code"]) == (False, code)
    assert nick.call("send-message", {"roomId": room["id"], "content": "still here"})["ok"]


def test_without_an_ack_a_failure_comes_as_an_error(nick: Person, room: dict[str, Any]) -> None:
    errors: list[Any] = []
    nick.socket.on("error", errors.append)
    nick.socket.emit("send-message", {"roomId": room["id"], "content": ""})
    assert nick.call("send-message", {"roomId": room["id"], "content": "after"})["ok"]
    assert [(error["code"], error["event"]) for error in errors] == [("validation_failed", "send-message")]


def test_who_writes_too_fast_is_slowed_down(nick: Person, room: dict[str, Any]) -> None:
    answers: list[Any] = []
    for n in range(80):
        nick.socket.emit("send-message", {"roomId": room["id"], "content": str(n)}, callback=answers.append)
    eventually(lambda: len(answers) == 80, 30)
    refused = [answer for answer in answers if not answer["ok"]]
    assert refused
    assert {answer["error"]["code"] for answer in refused} == {"rate_limited"}
    assert all(answer["error"]["retryAfterMs"] > 0 for answer in refused)
