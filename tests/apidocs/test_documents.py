"""The documents say what the code does: app/apidocs and the generated part of docs/."""

from __future__ import annotations

import json
import re
from dataclasses import fields
from pathlib import Path

import jsonschema_rs
import pytest
from flask import Flask
from flask.testing import FlaskClient

from app.apidocs.command import DOCS, documents
from app.apidocs.events import SERVER_EVENTS
from app.apidocs.examples import shown_operations
from app.apidocs.openapi import openapi_document, operations
from app.core.errors import CATALOGUE
from app.live.delivery import INTERNAL
from app.realtime.settings import EngineSettings, WorkerSettings
from app.settings import Settings

RAISED = re.compile(r'AppError\(\s*"([a-z_]+)"')
ENVIRONMENT = re.compile(r'os\.(?:environ\[|environ\.get\(|getenv\()"([A-Z0-9_]+)"')
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


def test_every_error_code_that_the_code_raises_is_documented() -> None:
    page = (DOCS / "errors.md").read_text("utf-8")
    raised = {code for file in APP.rglob("*.py") for code in RAISED.findall(file.read_text("utf-8"))}
    assert len(raised) > 40
    assert {code for code in raised | set(CATALOGUE) if f"| `{code}` |" not in page} == set()


def test_every_setting_that_is_read_is_documented() -> None:
    page = (DOCS / "settings.md").read_text("utf-8")
    read = {row.metadata["name"] for row in fields(Settings)}
    read |= {*EngineSettings.variables(), *WorkerSettings.variables()}
    assert {name for name in read if f"| `{name}` |" not in page} == set()
    elsewhere = {name for file in APP.rglob("*.py") for name in ENVIRONMENT.findall(file.read_text("utf-8"))}
    assert elsewhere - read == set()


def test_every_operation_says_who_may_call_it_and_how_it_refuses(app: Flask) -> None:
    with app.app_context():
        document = openapi_document()
    for method, path, operation in operations(document):
        assert operation["summary"], (method, path)
        assert operation.get("security", document["security"]), (method, path)
        refusals = {status for status in operation["responses"] if status >= "400"}
        assert refusals >= {"400", "429", "503"}, (method, path)
        assert "default" not in operation["responses"], (method, path)


def test_the_body_to_begin_with_is_one_that_the_document_allows(app: Flask) -> None:
    with app.app_context():
        document = openapi_document()
    for shown in shown_operations(document):
        if shown["body"] is not None:
            operation = document["paths"][shown["path"]][shown["method"].lower()]
            schema = operation["requestBody"]["content"]["application/json"]["schema"]
            checked = {**schema, "components": document["components"]}
            jsonschema_rs.validate(checked, json.loads(shown["body"]))


def test_the_page_of_the_documents_names_every_error(client: FlaskClient) -> None:
    page = client.get("/api/docs").get_data(as_text=True)
    assert "timer_not_found" in page
    assert "send-message" in page
    assert "/rooms/{room_id}/timers" in page
