"""Compression and validators: app/web/transfer.py."""

from __future__ import annotations

import gzip
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from flask_compress import flask_compress
from gevent.monkey import get_original

from app.auth import service as auth

PASSWORD = "correct horse battery"
ZIPPED = {"Accept-Encoding": "gzip"}


@pytest.fixture
def bearer(app: Flask, client: FlaskClient) -> dict[str, str]:
    """Somebody with enough rooms for a long list."""
    token = auth.register(username="ada", password=PASSWORD).access_token
    headers = {"Authorization": f"Bearer {token}"}
    for number in range(5):
        client.post("/api/rooms", json={"name": f"Room {number}", "description": "x" * 300}, headers=headers)
    return headers


def test_a_long_answer_to_a_bearer_is_compressed_and_reads_the_same(
    client: FlaskClient, bearer: dict[str, str]
) -> None:
    plain = client.get("/api/rooms", headers=bearer)
    zipped = client.get("/api/rooms", headers={**bearer, **ZIPPED})
    assert "Content-Encoding" not in plain.headers
    assert zipped.headers["Content-Encoding"] == "gzip"
    assert "Accept-Encoding" in zipped.vary
    assert gzip.decompress(zipped.data) == plain.data
    assert len(zipped.data) < len(plain.data) / 2


@pytest.mark.parametrize(("rooms", "is_elsewhere"), [(1, False), (15, True)])
def test_what_is_large_is_compressed_beside_the_loop(
    client: FlaskClient, bearer: dict[str, str], monkeypatch: pytest.MonkeyPatch, rooms: int, is_elsewhere: bool
) -> None:
    for number in range(rooms):
        client.post("/api/rooms", json={"name": f"Hall {number}", "description": "x" * 1_000}, headers=bearer)
    this_thread = get_original("_thread", "get_ident")
    threads: list[int] = []
    compress_data = flask_compress._compress_data

    def note(*args: Any) -> bytes:
        threads.append(this_thread())
        return compress_data(*args)

    monkeypatch.setattr(flask_compress, "_compress_data", note)
    zipped = client.get("/api/rooms?limit=100", headers={**bearer, **ZIPPED})
    assert gzip.decompress(zipped.data) == client.get("/api/rooms?limit=100", headers=bearer).data
    assert [thread != this_thread() for thread in threads] == [is_elsewhere]


def test_a_short_answer_is_left_alone(client: FlaskClient) -> None:
    assert "Content-Encoding" not in client.get("/healthz", headers=ZIPPED).headers


def test_nothing_asked_for_with_cookies_is_compressed(app: Flask, bearer: dict[str, str]) -> None:
    browser = app.test_client()
    answer = browser.post("/api/auth/login", json={"username": "ada", "password": PASSWORD, "session": "cookie"})
    assert answer.status_code == 200
    page, rooms = browser.get("/rooms", headers=ZIPPED), browser.get("/api/rooms", headers=ZIPPED)
    assert b"csrf_token" in page.data
    assert min(len(page.data), len(rooms.data)) > 1000
    assert "Content-Encoding" not in page.headers
    assert "Content-Encoding" not in rooms.headers


@pytest.mark.parametrize("site", ["same-origin", "none"])
def test_a_page_that_somebody_goes_to_themselves_is_compressed_to_a_length_that_says_nothing(
    app: Flask, bearer: dict[str, str], site: str
) -> None:
    browser = app.test_client()
    browser.post("/api/auth/login", json={"username": "ada", "password": PASSWORD, "session": "cookie"})
    step = {"Sec-Fetch-Mode": "navigate", "Sec-Fetch-Site": site, **ZIPPED}
    pages = [browser.get("/rooms", headers=step) for _ in range(10)]
    assert {page.headers["Content-Encoding"] for page in pages} == {"gzip"}
    assert b"csrf_token" in gzip.decompress(pages[0].data)
    assert len({len(page.data) for page in pages}) > 1


@pytest.mark.parametrize(
    ("mode", "site"),
    [("navigate", "cross-site"), ("navigate", "same-site"), ("cors", "same-origin"), ("no-cors", "cross-site")],
)
def test_what_a_page_makes_the_browser_ask_for_is_not_compressed(
    app: Flask, bearer: dict[str, str], mode: str, site: str
) -> None:
    browser = app.test_client()
    browser.post("/api/auth/login", json={"username": "ada", "password": PASSWORD, "session": "cookie"})
    page = browser.get("/rooms", headers={"Sec-Fetch-Mode": mode, "Sec-Fetch-Site": site, **ZIPPED})
    assert b"csrf_token" in page.data
    assert "Content-Encoding" not in page.headers


def test_an_answer_with_tokens_is_not_compressed(client: FlaskClient) -> None:
    body = {"username": "grace", "name": "G" * 80, "password": PASSWORD}
    answer = client.post("/api/auth/register", json=body, headers=ZIPPED)
    assert answer.status_code == 201
    assert "Content-Encoding" not in answer.headers


def test_what_is_known_already_is_not_sent_again(client: FlaskClient, bearer: dict[str, str]) -> None:
    first = client.get("/api/rooms", headers={**bearer, **ZIPPED})
    known = {**bearer, **ZIPPED, "If-None-Match": first.headers["ETag"]}
    assert first.headers["ETag"].startswith("W/")
    again = client.get("/api/rooms", headers=known)
    assert (again.status_code, again.data) == (304, b"")
    client.post("/api/rooms", json={"name": "One more"}, headers=bearer)
    assert client.get("/api/rooms", headers=known).status_code == 200


def test_another_version_is_refused_without_the_body(client: FlaskClient, bearer: dict[str, str]) -> None:
    answer = client.get("/api/rooms", headers={**bearer, "If-Match": '"another"'})
    assert (answer.status_code, answer.json["error"]["code"]) == (412, "precondition_failed")
    assert "ETag" not in answer.headers
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
