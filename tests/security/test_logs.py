"""What a running server writes down: that something happened, never a secret, nor a line that somebody else wrote."""

from __future__ import annotations

import json
import socket

import pytest

from tests.support.fixtures import StartServer
from tests.support.people import PASSWORD, Person
from tests.support.server import Server
from tests.support.waiting import eventually

FORGED = '{"event":"forged"}'


@pytest.fixture(scope="module")
def server(start_server: StartServer) -> Server:
    return start_server(LOG_LEVEL="debug", APP_ENV="production")


def send_raw(server: Server, text: str) -> bytes:
    with socket.create_connection(("127.0.0.1", server.port), timeout=5) as sock:
        sock.sendall(text.encode("latin-1"))
        return sock.recv(2_000)


def test_no_secret_and_no_content_is_logged(server: Server) -> None:
    ada = Person(server.url)
    room = ada.post("/api/rooms", name="the name of a room", isPrivate=True)
    link = ada.post(f"/api/rooms/{room['id']}/links", role="member")
    secrets = [str(ada.token), ada.refresh_token, room["shareToken"], link["token"], PASSWORD, "what was said"]
    nobody = Person.anonymous(server.url)
    nobody.request("GET", f"/api/rooms/{room['shareToken']}?shareToken={room['shareToken']}")
    nobody.request("GET", f"/r/{room['shareToken']}")
    nobody.request("GET", "/api/me", headers={"Authorization": f"Bearer {ada.token}x"})
    nobody.request("POST", f"/api/links/{link['token']}/accept")
    nobody.request("POST", "/api/auth/login", json={"username": ada.name, "password": PASSWORD + "x"})
    assert send_raw(server, f"GET /r/{room['shareToken']} HTTP/1.1\r\nHost: x\r\nX_Bad: {ada.token}\r\n\r\n")
    with ada.connect() as ours:
        ours.join(room["id"])
        ours.call("send-message", {"roomId": room["id"], "content": "what was said"})
        ours.call("authenticate", {"token": f"{ada.token}x"})
        ours.call("no-such-event", {"token": ada.token})
    eventually(lambda: "Refused bytes" in server.log, 5)
    assert [secret for secret in secrets if secret in server.log] == []


def test_nobody_can_write_a_line_of_the_log(server: Server) -> None:
    nobody = Person.anonymous(server.url)
    nobody.request("GET", f"/api/nowhere%0d%0a{FORGED}")
    nobody.request("GET", "/api/me", headers={"X-Request-ID": f"a{FORGED}", "User-Agent": FORGED})
    send_raw(server, f"GET / HTTP/1.1\r\nHost: x\r\nA_B\x1b[31m: {FORGED}\r\n\r\n")
    send_raw(server, f"GET /\x0b{FORGED} HTTP/1.1\r\nHost: x\r\n\r\n")
    nobody.get("/healthz")
    lines = [json.loads(line) for line in server.log.splitlines() if line.startswith("{")]
    assert lines
    assert not [line for line in lines if line.get("event") == "forged"]
    assert "\x1b[31m" not in server.log
    assert FORGED not in server.log
