"""Compression and validators: app/web/transfer.py."""

from __future__ import annotations

import gzip

import pytest
from flask import Flask
from flask.testing import FlaskClient

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


@pytest.mark.parametrize("encoding", ["zstd", "br", "gzip"])
def test_scripts_and_styles_are_compressed_for_every_browser(app: Flask, client: FlaskClient, encoding: str) -> None:
    with app.test_request_context():
        path = app.jinja_env.globals["asset"]("css/base.css")  # type: ignore[operator]
    client.set_cookie("sid", "anything")
    with client.get(path, headers={"Accept-Encoding": f"{encoding}, *;q=0"}) as answer:
        assert answer.headers["Content-Encoding"] == encoding
    known = {"Accept-Encoding": encoding, "If-None-Match": answer.headers["ETag"]}
    with client.get(path, headers=known) as again:
        assert again.status_code == 304
    with client.get(path, headers={"Accept-Encoding": encoding, "Range": "bytes=0-9"}) as part:
        assert (len(part.data), "Content-Encoding" in part.headers) == (10, False)


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
