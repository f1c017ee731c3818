"""Credentials of real sockets against a real server, as the seeds' clients send them."""

from __future__ import annotations

import json
from typing import Any
from urllib.request import Request, urlopen

import pytest
import socketio
from socketio.exceptions import ConnectionError as ConnectError

from tests.support.server import Server

PASSWORD = "correct horse battery"


class Browser:
    """The answer to a sign-in and the cookies that came with it."""

    def __init__(self, url: str, username: str, **more: Any) -> None:
        body = {"username": username, "password": PASSWORD, **more}
        headers = {"Content-Type": "application/json"}
        with urlopen(Request(f"{url}/api/auth/register", json.dumps(body).encode(), headers), timeout=20) as response:
            self.answer: dict[str, Any] = json.load(response)
            lines = response.headers.get_all("Set-Cookie") or []
        self.cookie = "; ".join(line.partition(";")[0] for line in lines)


def connect(url: str, transport: str, **options: Any) -> Any:
    """None once connected, else what `connect_error` told."""
    told: list[Any] = []
    client = socketio.Client(reconnection=False)
    client.on("connect_error", told.append)
    try:
        client.connect(url, transports=[transport], wait_timeout=20, **options)
    except ConnectError:
        return told[0] if told else "refused"
    client.disconnect()
    return None


@pytest.mark.parametrize("transport", ["websocket", "polling"])
def test_each_seed_opens_its_socket_in_its_own_way(server: Server, transport: str) -> None:
    token = Browser(server.url, f"bearer-{transport}").answer["accessToken"]
    cookie = Browser(server.url, f"cookie-{transport}", session="cookie").cookie
    assert "sid=" in cookie
    assert connect(server.url, transport) is None
    assert connect(server.url, transport, auth={"token": token}) is None
    assert connect(server.url, transport, headers={"Authorization": f"Bearer {token}"}) is None
    assert connect(server.url, transport, headers={"Cookie": cookie}) is None
    assert connect(server.url, transport, headers={"Cookie": "sid=nonsense"}) is None


@pytest.mark.parametrize("transport", ["websocket", "polling"])
def test_a_bad_explicit_token_opens_no_socket_and_says_why(server: Server, transport: str) -> None:
    for options in ({"auth": {"token": "nonsense"}}, {"headers": {"Authorization": "Bearer nonsense"}}):
        refusal = connect(server.url, transport, **options)
        assert refusal["message"]
        assert refusal["data"]["code"] == "invalid_token"
        assert set(refusal["data"]) == {"code", "message", "details", "retryable"}


def test_a_cookie_from_a_foreign_page_opens_no_socket(server: Server) -> None:
    cookie = Browser(server.url, "foreign", session="cookie").cookie
    own, foreign = ({"Cookie": cookie, "Origin": origin} for origin in (server.url, "https://evil.example"))
    # By polling, because the WebSocket client sends an Origin of its own.
    assert connect(server.url, "polling", headers=own) is None
    assert connect(server.url, "polling", headers=foreign) is not None
