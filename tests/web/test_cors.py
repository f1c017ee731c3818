"""Pages of other origins: app/web/cors.py."""

from __future__ import annotations

from dataclasses import replace

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from app.live import allowed_origin
from app.settings import Settings
from app.web.cors import ALLOWED_HEADERS, EXPOSED_HEADERS

SPA = "http://localhost:5173"
OTHERS = (
    "https://evil.example",
    "http://localhost:51730",
    "http://localhost:5173.evil.example",
    "https://localhost:5173",
    "null",
)


@pytest.fixture
def settings(settings: Settings) -> Settings:
    return replace(settings, public_url="https://greenroom.example/", wide_rate_limit_max_requests=2)


def preflight(client: FlaskClient, path: str = "/api/rooms", origin: str = SPA, **headers: str) -> TestResponse:
    asked = {"Access-Control-Request-Method": "PATCH", "Access-Control-Request-Headers": ", ".join(ALLOWED_HEADERS)}
    return client.options(path, headers={"Origin": origin, **asked, **headers})


def test_a_page_of_a_listed_origin_may_call_with_credentials_and_read_our_headers(client: FlaskClient) -> None:
    answer = client.get("/api/rooms", headers={"Origin": SPA})
    assert answer.headers["Access-Control-Allow-Origin"] == SPA
    assert answer.headers["Access-Control-Allow-Credentials"] == "true"
    assert answer.headers["Access-Control-Expose-Headers"] == ", ".join(EXPOSED_HEADERS)
    assert "Origin" in answer.vary


@pytest.mark.parametrize("path", ["/api/rooms", "/api/nowhere"])
def test_a_failure_can_be_read_like_any_answer(client: FlaskClient, path: str) -> None:
    answer = client.post(path, json={}, headers={"Origin": SPA})
    assert answer.status_code >= 400
    assert answer.headers["Access-Control-Allow-Origin"] == SPA


@pytest.mark.parametrize("origin", OTHERS)
def test_no_other_origin_is_let_in(client: FlaskClient, origin: str) -> None:
    for answer in (client.get("/api/rooms", headers={"Origin": origin}), preflight(client, origin=origin)):
        assert "Access-Control-Allow-Origin" not in answer.headers
        assert "Origin" in answer.vary


def test_the_public_address_is_allowed_under_whatever_name_we_were_reached(client: FlaskClient) -> None:
    answer = client.get("/api/rooms", headers={"Origin": "https://greenroom.example"})
    assert answer.headers["Access-Control-Allow-Origin"] == "https://greenroom.example"


def test_a_preflight_is_neither_counted_nor_asked_who_it_is(client: FlaskClient) -> None:
    for _ in range(5):
        answer = preflight(client, Authorization="Bearer not-a-token")
        assert answer.status_code == 204
        assert answer.headers["Access-Control-Allow-Origin"] == SPA
        assert set(answer.headers["Access-Control-Allow-Headers"].split(", ")) == set(ALLOWED_HEADERS)
        assert "PATCH" in answer.headers["Access-Control-Allow-Methods"]
    assert [client.get("/api/rooms", headers={"Origin": SPA}).status_code for _ in range(3)][-1] == 429


def test_pages_are_not_for_other_origins(client: FlaskClient) -> None:
    assert "Access-Control-Allow-Origin" not in client.get("/healthz", headers={"Origin": SPA}).headers


def test_a_star_is_an_origin_nobody_has_and_no_pattern(settings: Settings) -> None:
    from app import create_app

    open_to_all: Flask = create_app(replace(settings, cors_origin=("*", "https://*.example")))
    for origin in (*OTHERS, "https://evil.example"):
        answer = open_to_all.test_client().get("/api/rooms", headers={"Origin": origin})
        assert "Access-Control-Allow-Origin" not in answer.headers
        assert not allowed_origin(replace(settings, cors_origin=("*",)))(origin, {})


@pytest.mark.parametrize(
    ("origin", "scheme", "is_allowed"),
    [
        (None, "http", True),
        (SPA, "http", True),
        ("https://greenroom.example", "http", True),
        ("https://room.example:8443", "https", True),
        ("http://room.example:8443", "https", False),
        ("https://room.example", "https", False),
        ("https://evil.example", "https", False),
        ("null", "https", False),
        ("", "https", False),
    ],
)
def test_a_socket_is_held_to_the_same_origins_and_its_own(
    settings: Settings, origin: str | None, scheme: str, is_allowed: bool
) -> None:
    environ = {"wsgi.url_scheme": scheme, "HTTP_HOST": "room.example:8443", "HTTP_X_FORWARDED_PROTO": "http, https"}
    assert allowed_origin(replace(settings, trusted_hops=2))(origin, environ) is is_allowed
