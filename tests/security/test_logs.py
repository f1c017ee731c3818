"""What a running server writes down: that something happened, never a secret, nor a line that somebody else wrote."""

from __future__ import annotations

import json
import logging
import socket
import sqlite3
import warnings
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import gevent
import psycopg
import pytest
import requests
from flask import Flask
from socketio.exceptions import ConnectionError as Refused
from structlog.testing import CapturingLogger

from app.core.actor import ANONYMOUS
from app.core.clock import FakeClock
from app.core.errors import CATALOGUE
from app.core.failures import describe
from app.core.ids import new_id
from app.web import logs, suspicion
from app.web.metrics import metrics
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


def test_nothing_that_people_write_or_are_called_is_logged(server: Server) -> None:
    ada = Person(server.url)
    signed_up = {"email": "ada@example.org", "password": PASSWORD, "session": "cookie"}
    cookies = requests.post(f"{server.url}/api/auth/register", json=signed_up, timeout=5).cookies
    room = ada.post("/api/rooms", name="the name of a room")
    path = f"/api/rooms/{room['id']}"
    guest = ada.guest(room, "Nickname")
    ada.post(f"{path}/timers", title="the title of a timer", duration=60_000)
    ada.request("PUT", f"{path}/stage", json={"text": "said on the stage", "visible": True})
    ada.request("GET", f"{path}/messages/search?q=looked-for")
    ada.post(f"{path}/bans", guestId=guest.id, reason="the reason of a ban")
    file = {"filename": "the-name-of-a-file.txt", "mime": "text/plain", "bytes": 4, "alt": "what it shows"}
    ticket = ada.post("/api/upload/init", roomId=room["id"], **file)
    requests.put(server.url + ticket["url"], data=b"text", headers={"Content-Type": "text/plain"}, timeout=5)
    url = ada.post("/api/upload/complete", uploadId=ticket["uploadId"])["url"]
    assert requests.get(server.url + url, timeout=5).status_code == 200
    with ada.connect(transports=["polling"]) as socket:
        socket.join(room["shareToken"])
        socket.call("send-message", {"roomId": room["id"], "content": ""})
    written = ["Nickname", "looked-for", "ada@example.org", "of a room", "of a timer", "on the stage"]
    written += ["of a ban", "name-of-a-file", "what it shows", ticket["url"].rpartition("/")[2], url.rpartition("/")[2]]
    written += [*filter(None, cookies.values()), str(guest.token), room["shareToken"]]
    assert len(logged(server, "request")) > 8
    assert [text for text in written if text in server.log] == []


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


def test_every_line_is_an_object_whoever_wrote_it(start_server: StartServer) -> None:
    server = start_server(APP_ENV="production")
    send_raw(server, "GET / HTTP/1.1\r\nHost: x\r\nA_B: x\r\n\r\n")
    Person.anonymous(server.url).request("GET", "/api/me")
    server.stop()
    lines = [json.loads(line) for line in server.log.splitlines()]
    assert all({"event", "level", "timestamp"} <= line.keys() for line in lines)
    assert all(datetime.fromisoformat(line["timestamp"]).utcoffset() == timedelta() for line in lines)
    events = {line["event"] for line in lines}
    assert events >= {"request", "Refused bytes from 127.0.0.1: InvalidHeaderName", "Shutting down: Master"}


@pytest.mark.parametrize("kind", ["sqlite", "postgres"])
def test_a_fault_is_logged_by_its_place_and_not_by_what_it_was_about(
    kind: str, start_server: StartServer, request: pytest.FixtureRequest
) -> None:
    database = {"DATABASE_URL": request.getfixturevalue("clean_postgres_url")} if kind == "postgres" else {}
    server = start_server({"APP_ENV": "production", **database})
    ada = Person(server.url)
    room = ada.post("/api/rooms", name="Hall")
    with refusing_messages(server):
        answer = ada.request("POST", f"/api/rooms/{room['id']}/messages", json={"content": "what was said"})
        with ada.connect() as ours:
            ours.join(room["id"])
            ack = ours.call("send-message", {"roomId": room["id"], "content": "what was said"})
    assert (answer.status_code, ack["error"]["code"]) == (500, "internal")
    told = {"code": "internal", "message": CATALOGUE["internal"].message, "details": {}, "retryable": False}
    assert answer.json() == {"error": told}, "it tells nothing of what happened"
    assert ack == {"ok": False, "error": told}
    by_request, by_event = logged(server, "unexpected_error")
    assert by_request["request_id"] == answer.headers["X-Request-ID"]
    assert (by_event["socket_event"], by_event["user"]) == ("send-message", f"user:{ada.id}")
    for line in (by_request, by_event):
        assert "messages" in line["exception"]
        assert "app/messages/" in line["exception"]
    assert "what was said" not in server.log


@contextmanager
def refusing_messages(server: Server) -> Iterator[None]:
    """A fault that no code of ours expects: the database takes no message any more, and repeats what it was given."""
    if url := server.settings.get("DATABASE_URL"):
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute("ALTER TABLE messages ADD CONSTRAINT refused CHECK (content = '') NOT VALID")
            yield
            connection.execute("ALTER TABLE messages DROP CONSTRAINT refused")
        return
    with closing(sqlite3.connect(Path(server.settings["DATA_DIR"], "greenroom.db"))) as connection:
        connection.execute("CREATE TRIGGER refused BEFORE INSERT ON messages BEGIN SELECT RAISE(ABORT, 'refused'); END")
        yield


def test_a_greenlet_that_fails_is_logged_without_its_arguments(monkeypatch: pytest.MonkeyPatch) -> None:
    log = CapturingLogger()
    monkeypatch.setattr(logs, "log", log)
    monkeypatch.setattr(gevent.get_hub(), "print_exception", None)  # to be put back
    with warnings.catch_warnings():
        logs.take_what_is_printed()
        gevent.spawn(int, "what was said").join()
        logging.captureWarnings(False)
    (call,) = log.calls
    assert call.args == ("greenlet_failed",)
    assert describe(call.kwargs["exc_info"]).endswith("\nValueError")


def logged(server: Server, event: str) -> list[dict[str, Any]]:
    lines = [json.loads(line) for line in server.log.splitlines() if line.startswith("{")]
    return [line for line in lines if line["event"] == event]


def test_a_line_says_who_did_what_in_which_room_and_how_long_it_took(server: Server) -> None:
    ada = Person(server.url)
    room = ada.post("/api/rooms", name="Hall")
    answer = ada.request("POST", f"/api/rooms/{room['id']}/messages", json={"content": "Hello"})
    with ada.connect() as socket:
        socket.join(room["id"])
        socket.call("send-message", {"roomId": room["id"], "content": "Hello"})
        socket.call("send-message", {"roomId": "a name that I made up", "content": "Hello"})
    (request,) = [line for line in logged(server, "request") if line["request_id"] == answer.headers["X-Request-ID"]]
    assert request["route"] == "/api/rooms/<room_id>/messages"
    assert (request["user"], request["room"], request["status"]) == (f"user:{ada.id}", room["id"], 201)
    assert request["latency_ms"] > 0
    events = [line for line in logged(server, "socket_event") if line["user"] == f"user:{ada.id}"]
    assert [(line["name"], line["outcome"], line["room"]) for line in events] == [
        ("join-room", "ok", room["id"]),
        ("send-message", "ok", room["id"]),
        ("send-message", "validation_failed", None),
    ]


def test_what_is_refused_for_who_asked_is_logged_of_requests_and_of_events(start_server: StartServer) -> None:
    server = start_server(APP_ENV="production")
    ada, eve = Person(server.url), Person(server.url)
    room = ada.post("/api/rooms", name="Hall")
    timer = ada.post(f"/api/rooms/{room['id']}/timers", title="Talk", duration=60_000)
    assert eve.request("POST", f"/api/timers/{timer['id']}/start").status_code == 403
    nobody = Person.anonymous(server.url)
    assert (
        nobody.request("POST", "/api/auth/login", json={"username": eve.name, "password": PASSWORD}).status_code == 200
    )
    wrong = {"username": eve.name, "password": PASSWORD + "x"}
    assert nobody.request("POST", "/api/auth/login", json=wrong).status_code == 401
    with eve.connect() as socket:
        socket.join(room["id"])
        socket.call("timer-action", {"timerId": timer["id"], "action": "start"})
        socket.call("send-message", {"roomId": "no room at all", "content": "Hello"})
        socket.call("join-room", new_id())
    lines = logged(server, "request")
    refused = [(line["route"], line["status"], line["error"]) for line in lines if line["error"]]
    assert refused == [
        ("/api/timers/<timer_id>/start", 403, "forbidden"),
        ("/api/auth/login", 401, "bad_credentials"),
    ]
    assert [line["status"] for line in lines if line["route"] == "/api/auth/login"] == [200, 401]
    assert [(line["name"], line["outcome"], line["user"]) for line in logged(server, "socket_event")] == [
        ("timer-action", "forbidden", f"user:{eve.id}"),
        ("join-room", "room_not_found", f"user:{eve.id}"),
    ]


def test_what_looks_like_an_attack_is_logged_as_such_and_counted(start_server: StartServer) -> None:
    server = start_server(APP_ENV="production", METRICS_TOKEN="numbers", RATE_LIMIT_MAX_REQUESTS="20")
    ada = Person(server.url)
    nobody = Person.anonymous(server.url)
    forged = {"Authorization": f"Bearer {str(ada.token)[:-4]}AAAA"}
    nobody.request("GET", "/api/rooms/somewhere", headers=forged)
    with pytest.raises(Refused):
        Person(server.url, token=forged["Authorization"][7:], signed_up=False).connect()
    for _ in range(12):
        nobody.request("POST", "/api/auth/login", json={"username": "ada", "password": "wrong wrong wrong"})
    lines = logged(server, "suspicious")
    assert {(line["kind"], line["where"]) for line in lines} >= {
        ("invalid_token", "/api/rooms/<ref>"),
        ("rate_limited", "/api/auth/login"),
    }
    assert all(line["level"] == "warning" and line["address"] == "127.0.0.1" for line in lines)
    numbers = nobody.request("GET", "/metrics", headers={"Authorization": "Bearer numbers"}).text
    assert 'greenroom_suspicious_total{kind="rate_limited"} ' in numbers
    assert 'greenroom_suspicious_total{kind="invalid_token"} 2.0' in numbers


def test_a_flood_of_suspicion_is_counted_and_does_not_flood_the_log(
    app: Flask, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    log = CapturingLogger()
    monkeypatch.setattr(suspicion, "log", log)
    for _ in range(1_000):
        suspicion.note("csrf_failed", address="198.51.100.7", actor=ANONYMOUS, where="/api/me")
    clock.advance(suspicion.EVERY_MS)
    suspicion.note("csrf_failed", address="198.51.100.7", actor=ANONYMOUS, where="/api/me")
    suspicion.note("room_not_found", address="198.51.100.7", actor=ANONYMOUS, where="/api/me")
    lines = [call.kwargs for call in log.calls]
    assert [(line["kind"], line["skipped"]) for line in lines] == [("csrf_failed", 0), ("csrf_failed", 999)]
    assert metrics.registry.get_sample_value("greenroom_suspicious_total", {"kind": "csrf_failed"}) == 1_001


@pytest.fixture
def database_url(sqlite_url: str) -> str:
    return sqlite_url
