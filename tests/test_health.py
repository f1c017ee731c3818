"""Probes and numbers: app/health.py."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest
from flask import Flask
from flask.testing import FlaskClient

from app.auth import service as auth
from app.auth.models import User
from app.backends.transaction import database, transaction
from app.realtime import draining
from app.settings import Settings

TOKEN = "a token that reads the numbers"
NUMBERS = ("/metrics", "/api/stats/socket")


@pytest.fixture
def settings(settings: Settings) -> Settings:
    return replace(settings, metrics_token=TOKEN)


@pytest.fixture
def draining_now() -> Iterator[None]:
    draining.set()
    yield
    draining.clear()


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


@pytest.mark.parametrize("path", ["/healthz", "/health"])
def test_health_names_each_part(client: FlaskClient, path: str) -> None:
    answer = client.get(path)
    assert answer.status_code == 200
    body = answer.get_json()
    assert body.pop("version")
    # The fixture names its database either way; only a server without DATABASE_URL is embedded.
    assert body == {"status": "ok", "database": "ok", "redis": "embedded", "storage": "embedded"}


def test_only_a_database_that_is_down_makes_a_worker_unhealthy(client: FlaskClient) -> None:
    nowhere = "postgresql+psycopg://nobody@127.0.0.1:1/nothing"
    database.bind(nowhere, clock=database.clock, publish=database.publish)
    answer = client.get("/healthz")
    assert (answer.status_code, (answer.json or {})["status"]) == (503, "down")


def test_a_worker_that_drains_is_not_ready(client: FlaskClient, draining_now: None) -> None:
    assert client.get("/readyz").status_code == 503
    assert client.get("/healthz").status_code == 200


@pytest.mark.parametrize("path", NUMBERS)
def test_numbers_are_for_operators_and_the_metrics_token(app: Flask, client: FlaskClient, path: str) -> None:
    sign_in = auth.register(username="ada", password="correct horse battery")
    assert client.get(path).status_code == 401
    assert client.get(path, headers=bearer("wrong")).status_code == 401
    assert client.get(path, headers=bearer(sign_in.access_token)).status_code == 403
    assert client.get(path, headers=bearer(TOKEN)).status_code == 200
    with transaction() as work:
        work.session.get_one(User, sign_in.user.id).is_operator = True
    assert client.get(path, headers=bearer(sign_in.access_token)).status_code == 200


def test_a_scraper_without_a_token_is_refused_and_not_sent_to_a_form(client: FlaskClient) -> None:
    scraper = {"Accept": "application/openmetrics-text;version=1.0.0,text/plain;q=0.5,*/*;q=0.1"}
    assert client.get("/metrics", headers=scraper).status_code == 401
    assert client.get("/metrics", headers={"Accept": "text/html,*/*;q=0.8"}).status_code == 303


def test_the_metrics_token_opens_nothing_else(client: FlaskClient) -> None:
    assert client.get("/api/me", headers=bearer(TOKEN)).status_code == 401
    assert client.post("/api/rooms", json={"name": "x"}, headers=bearer(TOKEN)).status_code == 401
