"""The limits of a running server: by which address, and what a client hears."""

from __future__ import annotations

import pytest
import requests
import socketio
from socketio.exceptions import ConnectionError as Refused

from tests.support.fixtures import StartServer
from tests.support.people import Person
from tests.support.server import Server

CROWD = "198.51.100.7"


@pytest.fixture(scope="module")
def server(start_server: StartServer) -> Server:
    return start_server(TRUSTED_HOPS="1", WIDE_RATE_LIMIT_MAX_REQUESTS="5", RATE_LIMIT_WINDOW_MS="600000")


def connect(server: Server, address: str, token: str | None = None) -> socketio.Client:
    client = socketio.Client(reconnection=False)
    headers = {"X-Forwarded-For": f"10.9.9.9, {address}"}
    client.connect(server.url, headers=headers, auth={"token": token} if token else None, transports=["websocket"])
    return client


def get(server: Server, path: str, forwarded_for: str) -> requests.Response:
    return requests.get(f"{server.url}{path}", headers={"X-Forwarded-For": forwarded_for}, timeout=5)


def test_handshakes_are_counted_by_the_address_that_the_proxy_saw(server: Server) -> None:
    clients = [connect(server, CROWD) for _ in range(5)]
    with pytest.raises(Refused):
        connect(server, CROWD)
    clients.append(connect(server, "198.51.100.8"))
    for client in clients:
        client.disconnect()


def test_viewers_without_a_name_share_the_limit_of_their_address(server: Server) -> None:
    first, second = (connect(server, "198.51.100.9") for _ in range(2))
    errors = [client.call("typing-stop", "no-room", timeout=5)["error"] for client in (first, second) * 3]
    assert [error["code"] for error in errors] == ["not_in_room"] * 5 + ["rate_limited"]
    assert errors[-1]["retryAfterMs"] > 0
    for client in (first, second):
        client.disconnect()


def test_another_nickname_is_no_way_around_the_limit(server: Server) -> None:
    host = Person(server.url)
    room = host.post("/api/rooms", name="Hall")
    guests = [connect(server, "198.51.100.11", host.guest(room, name).token) for name in ("Eve", "Eva")]
    errors = [client.call("typing-stop", room["id"], timeout=5)["error"]["code"] for client in guests * 3]
    assert errors == ["not_in_room"] * 5 + ["rate_limited"]
    for client in guests:
        client.disconnect()


def test_events_that_do_not_exist_are_counted_as_well(server: Server) -> None:
    client = connect(server, "198.51.100.12")
    errors = [client.call("no-such-event", timeout=5)["error"]["code"] for _ in range(6)]
    assert errors == ["unknown_event"] * 5 + ["rate_limited"]
    client.disconnect()


def test_rest_is_counted_by_that_address_and_no_client_can_choose_it(server: Server) -> None:
    answers = [get(server, "/nowhere", f"203.0.113.{number}, 198.51.100.10") for number in range(6)]
    assert [answer.status_code for answer in answers] == [404] * 5 + [429]
    assert int(answers[-1].headers["Retry-After"]) > 0
    assert get(server, "/healthz", "198.51.100.10").status_code == 200
