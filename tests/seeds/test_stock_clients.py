"""The seeds' own snippets and events, by the stock JavaScript clients (3 and 4) and by python-socketio."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest
import requests

from tests.support.fixtures import StartServer
from tests.support.people import Person, Socket
from tests.support.server import Server

JS = Path(__file__).parents[1] / "js"
CLIENTS = ["socket.io-client", "socket.io-client-3"]
TIMEOUT_S = 60


@pytest.fixture(scope="module")
def server(start_server: StartServer) -> Server:
    return start_server(RATE_LIMIT_MAX_REQUESTS="0", WIDE_RATE_LIMIT_MAX_REQUESTS="0")


@pytest.fixture
def host(server: Server) -> Person:
    return Person(server.url)


def run(script: str, *arguments: str) -> list[Any]:
    """What the script printed, a JSON value a line; it must end well."""
    done = subprocess.run(
        ["node", script, *arguments], cwd=JS, capture_output=True, text=True, timeout=TIMEOUT_S, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


@pytest.mark.parametrize("client", CLIENTS)
def test_seeds_000_and_001_watch_a_timer_to_its_end(host: Person, client: str) -> None:
    room = host.post("/api/rooms", name="Talks")
    timer = host.post(f"/api/rooms/{room['id']}/timers", title="Opening", duration=1_000)
    seen = run("seed_viewer.mjs", client, host.url, room["shareToken"], str(host.token), timer["id"])
    assert seen[0] == ["room-state", {"name": "Talks", "timers": 1, "shareToken": room["shareToken"]}]
    started = {"id": timer["id"], "isActive": True, "lasts": 1_000, "duration": 1_000}
    assert ["timer-update", started] in seen
    assert ["user-count", 1] in seen
    assert seen[-1] == ["timer-finished", {"id": timer["id"], "isActive": False}]
    assert "error" not in [name for name, _ in seen]


def test_seed_000s_rest_reads_a_room_by_its_share_token(host: Person, server: Server) -> None:
    room = host.post("/api/rooms", name="Talks")
    shown = Person.anonymous(server.url).get(f"/api/rooms/{room['shareToken']}")
    assert {"id", "name", "description", "shareToken", "ownerId", "createdAt", "updatedAt", "timers"} <= set(shown)


@pytest.mark.parametrize("client", CLIENTS)
def test_clients_of_seeds_003_and_004_talk_in_one_room(host: Person, server: Server, client: str) -> None:
    room = host.post("/api/rooms", name="Chat")
    people = [host, Person(server.url), Person(server.url)]
    seen = run("seed_chat.mjs", client, server.url, room["id"], *[str(person.token) for person in people])
    by_three = [value for who, name, value in seen if (who, name) == ("three", "message")]
    assert [message["content"] for message in by_three] == ["from seed 004", "from seed 003"]
    assert {"id", "roomId", "userId", "content", "createdAt", "name", "text", "ts", "attachmentId"} <= set(by_three[0])
    typed = [value for who, name, value in seen if (who, name) == ("three", "typing")]
    assert {"roomId": room["id"], "userId": host.id, "isTyping": True} in typed
    here = [value for who, name, value in seen if (who, name) == ("three", "presence")]
    assert here[0] == {"roomId": room["id"], "users": [person.id for person in people]}
    refusals = [value for who, name, value in seen if (who, name) == ("three", "error")]
    assert [set(value) for value in refusals] == [{"code", "message"}]
    read = [value for who, name, value in seen if (who, name) == ("one", "message-read")]
    assert [(value["userId"], value["roomId"]) for value in read] == [(people[1].id, room["id"])]
    edited = [value for who, name, value in seen if (who, name) == ("two", "message-edited")]
    assert [(value["content"], value["messageId"] == value["id"]) for value in edited] == [("edited", True)]
    assert "error" not in [name for who, name, _ in seen if who != "three"]


def test_seed_002_pages_by_timestamp_and_signs_in_by_cookie(host: Person, server: Server) -> None:
    room = host.post("/api/rooms", name="Chat")
    for number in range(5):
        host.post(f"/api/rooms/{room['id']}/messages", content=f"message {number}")
    newest = host.get(f"/api/messages?roomId={room['id']}&limit=2")["items"]
    texts = [message["text"] for message in newest]
    assert texts[-1] == "message 4"
    before = newest[0]["ts"]
    older = host.get(f"/api/messages?roomId={room['id']}&beforeTs={before}&limit=100")["items"]
    assert [message["text"] for message in older if message["messageType"] == "text"] == [
        f"message {number}" for number in range(5) if f"message {number}" not in texts
    ]
    body = {"username": "cookie.person", "password": "correct horse battery", "session": "cookie"}
    signed_in = host.request("POST", "/api/auth/register", json=body, headers={"Authorization": ""})
    assert signed_in.status_code == 201
    assert signed_in.cookies["sid"]
    assert "accessToken" not in signed_in.json()


def test_seed_002s_gateway_answers_a_join_with_people_and_messages_as_it_names_them(host: Person) -> None:
    room = host.post("/api/rooms", name="Chat", settings={"systemMessages": False})
    host.post(f"/api/rooms/{room['id']}/messages", content="earlier")
    body = {"username": f"two-{room['id'][-8:]}", "password": "correct horse battery", "session": "cookie"}
    signed_in = requests.post(f"{host.url}/api/auth/register", json=body, timeout=10)
    cookie = f"sid={signed_in.cookies['sid']}"
    with Socket(host.url, headers={"Cookie": cookie}, transports=["websocket"]) as socket:
        ack = socket.call("join_room", {"roomId": room["id"]})
        names = {"id", "roomId", "userId", "name", "text", "ts", "attachmentId"}
        assert [user["id"] for user in ack["users"]] == [signed_in.json()["user"]["id"]]
        assert [(message["text"], message["name"]) for message in ack["messages"]] == [("earlier", host.name)]
        said = socket.call("message", {"roomId": room["id"], "text": "now"})["message"]
        heard = socket.expect("message")
        assert all(names <= set(message) for message in (said, heard, *ack["messages"]))
        assert (heard["id"], heard["text"], heard["ts"]) == (said["id"], "now", said["ts"])
        page = host.get(f"/api/messages?roomId={room['id']}&beforeTs={said['ts']}")["items"]
        assert [message["text"] for message in page] == ["earlier"]
