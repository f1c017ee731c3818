"""Attacks of OWASP's WebSocket cheat sheet that no other test makes; docs/security.md says where the others are."""

from __future__ import annotations

import base64
import os
import socket
from typing import Any

import pytest
import requests
import socketio
from socketio.exceptions import ConnectionError as Refused

from app.web.sockets import SOCKETS_PER_PERSON
from tests.support.fixtures import StartServer
from tests.support.people import Person, Socket
from tests.support.server import Server
from tests.support.waiting import eventually

COMPRESSED = b"\xc1\x80\x00\x00\x00\x00"  # FIN and RSV1, text, masked, empty


@pytest.fixture(scope="module")
def server(start_server: StartServer) -> Server:
    return start_server(RATE_LIMIT_MAX_REQUESTS="0", MESSAGE_RATE="1, 5")


@pytest.fixture(scope="module")
def private(server: Server) -> Any:
    """A private room and its owner."""
    owner = Person(server.url)
    return owner, owner.post("/api/rooms", name="Behind doors", isPrivate=True)["id"]


def shake_hands(server: Server, *lines: str, version: str = "13") -> tuple[socket.socket, str]:
    """A connection after a handshake with these headers, and the head of the answer."""
    key = base64.b64encode(os.urandom(16)).decode()
    head = [
        "GET /socket.io/?EIO=4&transport=websocket HTTP/1.1",
        "Host: localhost",
        "Connection: Upgrade",
        "Upgrade: websocket",
        f"Sec-WebSocket-Version: {version}",
        f"Sec-WebSocket-Key: {key}",
        *lines,
    ]
    connection = socket.create_connection(("127.0.0.1", server.port), timeout=5)
    connection.sendall("\r\n".join([*head, "", ""]).encode())
    answer = b""
    while b"\r\n\r\n" not in answer and (data := connection.recv(65_536)):
        answer += data
    return connection, answer.partition(b"\r\n\r\n")[0].decode()


def test_no_compression_is_agreed_upon_so_that_nothing_is_ever_inflated(server: Server) -> None:
    connection, head = shake_hands(server, "Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits")
    with connection:
        assert head.startswith("HTTP/1.1 101")
        assert "extensions" not in head.lower()
        connection.sendall(COMPRESSED)
        said = b""
        while data := connection.recv(65_536):
            said += data
        assert (1002).to_bytes(2, "big") in said


@pytest.mark.parametrize("version", ["0", "7", "8", "14", "", "13, 8"])
def test_another_version_of_the_protocol_opens_nothing(server: Server, version: str) -> None:
    connection, head = shake_hands(server, "Sec-WebSocket-Origin: https://evil.example", version=version)
    connection.close()
    assert head.startswith(("HTTP/1.1 400", "HTTP/1.1 426"))
    assert "\r\nSec-WebSocket-Version: 13\r\n" in f"{head}\r\n"


def test_the_draft_before_the_standard_opens_nothing(server: Server) -> None:
    with socket.create_connection(("127.0.0.1", server.port), timeout=5) as connection:
        connection.sendall(
            b"GET /socket.io/?EIO=4&transport=websocket HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\n"
            b"Upgrade: WebSocket\r\nSec-WebSocket-Key1: 18x 6]8vM;54 *(5:  {   U1]8  z [  8\r\n"
            b"Sec-WebSocket-Key2: 1_ tx7X d  <  nf  334J702) 7]o}` 0\r\n\r\nTm[K T2u"
        )
        assert connection.recv(1_000).startswith(b"HTTP/1.1 426")


@pytest.mark.parametrize("name", ["token", "access_token", "accessToken", "auth", "jwt", "Authorization"])
@pytest.mark.parametrize("transport", ["websocket", "polling"])
def test_a_token_in_the_address_is_nobodys(server: Server, private: Any, name: str, transport: str) -> None:
    owner, room_id = private
    with Socket(f"{server.url}?{name}={owner.token}", transports=[transport]) as nobody:
        assert nobody.call("join-room", room_id)["error"]["code"] == "room_not_found"
    assert str(owner.token) not in server.log


def test_a_socket_never_becomes_somebody_else(server: Server, private: Any) -> None:
    owner, room_id = private
    mallory = Person(server.url)
    room = mallory.post("/api/rooms", name="Hall")
    guest = mallory.guest(room, "Eve")
    for person in (mallory, guest):
        with person.connect() as socket:
            assert not socket.call("authenticate", {"token": owner.token})["ok"]
            assert socket.call("join-room", room_id)["error"]["code"] == "room_not_found"


def test_one_person_may_hold_so_many_sockets_and_no_more(server: Server) -> None:
    ada = Person(server.url)
    held = [ada.connect() for _ in range(SOCKETS_PER_PERSON)]
    refusals: list[Any] = []
    client = socketio.Client(reconnection=False)
    client.on("connect_error", refusals.append)
    with pytest.raises(Refused):
        client.connect(server.url, auth={"token": ada.token}, transports=["websocket"])
    assert refusals[0]["data"]["code"] == "too_many_connections"
    with Person(server.url).connect() as somebody:
        assert somebody.call("ping")["ok"]
    held.pop().close()

    def lets_in() -> bool:
        try:
            held.append(ada.connect())
        except Refused:
            return False
        return True

    eventually(lets_in, 5)
    for each in held:
        each.close()


def test_more_sockets_and_new_ones_are_no_way_around_the_rate_of_a_person(server: Server) -> None:
    ada = Person(server.url)
    room = ada.post("/api/rooms", name="Hall")
    sent = 0
    for _ in range(4):
        with ada.connect() as socket:
            socket.join(room["id"])
            answers = [socket.call("send-message", {"roomId": room["id"], "content": "x"}) for _ in range(4)]
            sent += sum(answer["ok"] for answer in answers)
    assert answers[-1]["error"]["code"] == "rate_limited"
    assert 5 <= sent <= 12  # 5 at once, and one for each second that this took


def test_a_handshake_that_nobody_may_make_tells_nothing_of_the_server(server: Server) -> None:
    for path in ("/socket.io/?EIO=3&transport=websocket", "/socket.io/?EIO=4&transport=nonsense", "/socket.io/"):
        answer = requests.get(server.url + path, timeout=5)
        assert answer.status_code == 400
        assert "Traceback" not in answer.text
        assert len(answer.content) < 300
