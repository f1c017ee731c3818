"""Every event that a client may send, as nobody should: on ids of a private room, with keys of the server's, as a bomb.

Over a real server, frame by frame. What OWASP's WebSocket cheat sheet names besides is in `test_websocket.py`.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
import websocket

from app.core.ids import new_id
from tests.security.test_every_operation import PRIVILEGED
from tests.support.fixtures import StartServer
from tests.support.people import Person
from tests.support.server import ROOT, Server

#: A payload of each event that asks for something of a room, by what `Scene.ids` names.
ON_A_ROOM: dict[str, dict[str, Any]] = {
    "join-room": {"roomId": "room"},
    "join_room": {"roomId": "room"},
    "leave-room": {"roomId": "room"},
    "leave_room": {"roomId": "room"},
    "request-sync": {"roomId": "room"},
    "screen-report": {"roomId": "room", "kind": "stage", "clock": 1, "roundTripMs": 1, "revision": 1},
    "timer-action": {"timerId": "timer", "action": "start"},
    "typing-start": {"roomId": "room"},
    "typing-stop": {"roomId": "room"},
    "typing": {"roomId": "room", "isTyping": True},
    "send-message": {"roomId": "room", "content": "x"},
    "send_message": {"roomId": "room", "content": "x"},
    "message": {"roomId": "room", "text": "x"},
    "edit-message": {"messageId": "message", "content": "x"},
    "delete-message": {"messageId": "message"},
    "mark-read": {"roomId": "room", "messageId": "message"},
}
#: What of `PRIVILEGED` is a key of the event's own.
OF_THE_EVENT = {"join-room": {"shareToken"}, "join_room": {"shareToken"}, "screen-report": {"revision"}}
OF_NO_ROOM: dict[str, dict[str, Any]] = {"ping": {"t": 1}, "authenticate": {"token": "x"}}
BOMBS = {
    "a list": "[]",
    "a number": "1",
    "deep": '{"a":' * 500 + "1" + "}" * 500,
    "deep lists": "[" * 500 + "]" * 500,
    "keys": json.dumps({f"k{number}": 1 for number in range(4_000)}),
    "infinite": '{"t":1e400}',
    "not a number": '{"t":NaN}',
    "a surrogate": '{"roomId":"\\ud800"}',
    "NUL": '{"roomId":"\\u0000","content":"\\u0000"}',
    "the prototype": '{"__proto__":{"isOperator":true},"constructor":1}',
    "SQL": json.dumps(
        dict.fromkeys(("roomId", "messageId", "timerId", "token"), "x' OR '1'='1'; DROP TABLE users; --")
    ),
    "two arguments": '{"roomId":"x"},{"roomId":"y"}',
}
#: What no reader of JSON takes: the packet is malformed, and ends its socket (RFC 6455: 1007).
NOT_READ = {
    "deep": '{"a":' * 5_000 + "1" + "}" * 5_000,
    "deep lists": "[" * 20_000 + "]" * 20_000,
    "digits": '{"roomId":' + "9" * 5_000 + "}",
    "cut": '{"t":',
}
WIDE_OPEN = {"RATE_LIMIT_MAX_REQUESTS": "0", "WIDE_RATE_LIMIT_MAX_REQUESTS": "0", "REFUSED_EVENTS_IN_A_ROW": "0"} | {
    f"{kind}_RATE": "10000, 10000" for kind in ("MESSAGE", "TYPING", "JOIN", "ACTION")
}


class Wire:
    """A socket that sends text as it is told to."""

    def __init__(self, url: str, token: str | None) -> None:
        where = url.replace("http", "ws") + "/socket.io/?EIO=4&transport=websocket"
        self._connection = websocket.create_connection(where, timeout=10, suppress_origin=True)
        self._connection.recv()
        self._connection.send("40" + (json.dumps({"token": token}) if token else ""))
        assert str(self._connection.recv()).startswith("40")
        self.close = self._connection.close

    def ask(self, event: str, payload: str) -> dict[str, Any]:
        """The ack of an event; whatever else comes meanwhile is left aside."""
        self._connection.send(f'427["{event}",{payload}]')
        while True:
            said = str(self._connection.recv())
            if said.startswith("437"):
                answer: dict[str, Any] = json.loads(said[3:])[0]
                return answer

    def closes_at(self, text: str) -> int:
        """The code that the server closes with when it is sent `text`."""
        self._connection.send(text)
        while True:
            opcode, data = self._connection.recv_data()
            if opcode == websocket.ABNF.OPCODE_CLOSE:
                return int.from_bytes(data[:2], "big")


class Scene:
    """A private room with something of everything, and people outside and inside it."""

    def __init__(self, server: Server) -> None:
        self.owner = Person(server.url)
        room = self.owner.post("/api/rooms", name="Behind doors", isPrivate=True)
        path = f"/api/rooms/{room['id']}"
        timer = self.owner.post(f"{path}/timers", title="Talk", duration=60_000)
        message = self.owner.post(f"{path}/messages", content="a secret")
        self.ids = {"room": room["id"], "timer": timer["id"], "message": message["id"]}
        removed, elsewhere = Person(server.url), Person(server.url)
        self.owner.post(f"{path}/members", userId=removed.id, role="host")
        self.owner.delete(f"{path}/members/{removed.id}")
        other = elsewhere.post("/api/rooms", name="Elsewhere", isPrivate=True)
        self.outside = {
            "nobody": None,
            "stranger": Person(server.url).token,
            "host elsewhere": elsewhere.token,
            "guest elsewhere": elsewhere.guest(other, "Eve").token,
            "removed": removed.token,
        }

    def payload(self, event: str, ids: dict[str, str]) -> str:
        return json.dumps(
            {key: ids.get(value, value) if isinstance(value, str) else value for key, value in ON_A_ROOM[event].items()}
        )


@pytest.fixture(scope="module")
def scene(start_server: StartServer) -> Scene:
    return Scene(start_server(WIDE_OPEN))


@contextmanager
def wire(scene: Scene, token: str | None) -> Iterator[Wire]:
    connection = Wire(scene.owner.url, token)
    try:
        yield connection
    finally:
        connection.close()


def test_each_event_of_the_document_is_tried_here() -> None:
    document = json.loads((ROOT / "docs" / "asyncapi.json").read_text())
    messages = document["operations"]["receive"]["messages"]
    assert {each["$ref"].rpartition("client.")[2] for each in messages} == ON_A_ROOM.keys() | OF_NO_ROOM.keys()


@pytest.mark.parametrize("who", ["nobody", "stranger", "host elsewhere", "guest elsewhere", "removed"])
def test_outside_a_private_room_every_event_on_it_is_like_one_on_a_random_id(scene: Scene, who: str) -> None:
    nothing = {name: new_id() for name in scene.ids}
    with wire(scene, scene.outside[who]) as socket:
        for event in ON_A_ROOM:
            there, none = (socket.ask(event, scene.payload(event, ids)) for ids in (scene.ids, nothing))
            assert there == none, (event, there, none)
            assert not there["ok"] or event.startswith("leave"), (event, there)
    messages = scene.owner.get(f"/api/rooms/{scene.ids['room']}/messages")["items"]
    said = [(each["content"], each["editedAt"]) for each in messages if each["messageType"] == "text"]
    assert said == [("a secret", None)]
    assert scene.owner.get(f"/api/rooms/{scene.ids['room']}")["timers"][0]["state"] == "idle"


def test_no_event_sets_what_is_the_servers(scene: Scene) -> None:
    with wire(scene, scene.owner.token) as socket:
        for event in (*ON_A_ROOM, *OF_NO_ROOM):
            given = json.loads(scene.payload(event, scene.ids)) if event in ON_A_ROOM else OF_NO_ROOM[event]
            for key in PRIVILEGED.keys() - OF_THE_EVENT.get(event, set()):
                answer = socket.ask(event, json.dumps({**given, key: PRIVILEGED[key]}))
                assert not answer["ok"], (event, key)
                assert answer["error"]["details"].keys() == {key}, (event, key)


@pytest.mark.parametrize("bomb", BOMBS)
def test_a_bomb_is_refused_by_every_event_and_the_socket_lives_on(scene: Scene, bomb: str) -> None:
    with wire(scene, scene.owner.token) as socket:
        for event in (*ON_A_ROOM, *OF_NO_ROOM):
            answer = socket.ask(event, BOMBS[bomb])
            if answer["ok"]:
                assert event == "ping", answer
                continue
            assert answer["error"]["code"] != "internal", (event, answer)
            assert len(json.dumps(answer)) < 20_000, event
        assert socket.ask("ping", '{"t":1}')["ok"]


@pytest.mark.parametrize("text", NOT_READ)
def test_what_cannot_be_read_ends_its_socket_and_no_other(scene: Scene, text: str) -> None:
    with wire(scene, scene.owner.token) as other, wire(scene, scene.owner.token) as socket:
        assert socket.closes_at(f'427["ping",{NOT_READ[text]}]') == 1007
        assert other.ask("ping", '{"t":1}')["ok"]
