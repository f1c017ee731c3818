"""The documents say what the code does: app/apidocs and the generated part of docs/."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient

from app.apidocs.command import DOCS, documents
from app.apidocs.events import SERVER_EVENTS
from app.live.delivery import INTERNAL

APP = Path(__file__).parents[2] / "app"
EVENT_NAME = re.compile(r'(?:Event\(|send\([^,()]+, |[A-Z_]+ = |name=|ServerEvent\()"([a-z]+(?:-[a-z]+)+)"')


@pytest.fixture
def database_url(sqlite_url: str) -> str:
    return sqlite_url


def test_the_generated_documents_are_up_to_date(app: Flask) -> None:
    with app.app_context():
        stale = [name for name, content in documents().items() if (DOCS / name).read_text("utf-8") != content]
    assert stale == [], "run `make docs`"


def test_every_event_that_the_code_names_is_in_the_document() -> None:
    documented = {row.name for row in SERVER_EVENTS} | set(INTERNAL)
    named = {name for file in APP.rglob("*.py") for name in EVENT_NAME.findall(file.read_text("utf-8"))}
    emitted = {name for name in named if name.split("-")[0] in ("room", "user", "timer", "message", "stage")}
    assert emitted - documented - {"room-purged", "timer-action", "message-sent"} == set()


def test_every_route_under_api_is_in_the_openapi_document(app: Flask, client: FlaskClient) -> None:
    paths = client.get("/api/openapi.json").get_json()["paths"]
    ours = {rule.rule for rule in app.url_map.iter_rules() if rule.rule.startswith("/api/")}
    shown = {re.sub(r"{\w+}", "<>", path) for path in paths}
    assert {re.sub(r"<[\w:]+>", "<>", rule) for rule in ours} - shown - {"/api/auth/renew"} == set()


def test_the_page_of_the_documents_names_every_error(client: FlaskClient) -> None:
    page = client.get("/api/docs").get_data(as_text=True)
    assert "timer_not_found" in page
    assert "send-message" in page
    assert "/rooms/{room_id}/timers" in page
