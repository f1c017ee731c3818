"""Floods of what a server refuses: whoever goes on is closed, written down and counted."""

from __future__ import annotations

import json
from typing import Any

import pytest
import requests

from app.realtime.frames import CLOSE
from tests.realtime.raw import RawSocket
from tests.support.fixtures import StartServer
from tests.support.server import Server
from tests.support.waiting import eventually

IN_A_ROW = 5


@pytest.fixture(scope="module")
def server(start_server: StartServer) -> Server:
    return start_server(
        APP_ENV="production", METRICS_TOKEN="numbers", ACTION_RATE="1,20", REFUSED_EVENTS_IN_A_ROW=str(IN_A_ROW)
    )


def joined(server: Any) -> RawSocket:
    """A viewer's socket, after CONNECT."""
    client = RawSocket(server, join=False)
    client.send("40")
    assert client.text().startswith('40{"sid":')
    return client


def answers(client: RawSocket) -> tuple[list[str], str]:
    """Every text until the server's close frame, and the reason in it."""
    texts = []
    while True:
        opcode, payload = client.frame()
        if opcode == CLOSE:
            assert int.from_bytes(payload[:2], "big") == 1008
            return texts, payload[2:].decode()
        texts.append(payload.decode())


def suspicious(server: Server) -> list[dict[str, Any]]:
    lines = [json.loads(line) for line in server.log.splitlines() if line.startswith("{")]
    return [line for line in lines if line["event"] == "suspicious"]


@pytest.mark.parametrize("event", ['42["no-such-event"]', '42["join-room"]', '42["typing-start","nowhere"]'])
def test_who_goes_on_in_spite_of_refusals_is_closed_logged_and_counted(server: Server, event: str) -> None:
    before = len(suspicious(server))
    with joined(server) as client:
        for _ in range(IN_A_ROW):
            client.send(event)
        texts, reason = answers(client)
    assert len([text for text in texts if text.startswith('42["error"')]) == IN_A_ROW
    assert reason == "rate_limited: events that are refused"

    def is_counted() -> bool:
        numbers = requests.get(f"{server.url}/metrics", headers={"Authorization": "Bearer numbers"}, timeout=5).text
        return (
            'suspicious_total{kind="flood"} 0.0' not in numbers and "greenroom_socket_floods_total 0.0" not in numbers
        )

    eventually(is_counted)
    if not before:
        eventually(lambda: suspicious(server))
        line = suspicious(server)[0]
        assert (line["kind"], line["address"], line["where"]) == ("flood", "127.0.0.1", "socket")


def test_an_event_that_was_taken_begins_the_count_anew(server: Server) -> None:
    with joined(server) as client:
        for number in range(3):
            for _ in range(IN_A_ROW - 1):
                client.send('42["join-room"]')
                assert client.text().startswith('42["error"')
            client.send(f'42{number}["ping"]')
            while not client.text().startswith(f"43{number}"):
                pass
