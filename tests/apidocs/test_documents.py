"""The documents say what the code does: app/apidocs and the generated part of docs/."""

from __future__ import annotations

import gzip
import json
import re
from dataclasses import fields
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest
from flask import Flask
from flask.testing import FlaskClient

from app.apidocs.asyncapi import asyncapi_document
from app.apidocs.command import DOCS, documents
from app.apidocs.events import SERVER_EVENTS
from app.apidocs.examples import shown_operations
from app.apidocs.openapi import openapi_document, operations
from app.core.errors import CATALOGUE
from app.core.event import Event, room_channel
from app.core.ids import new_id
from app.live.delivery import INTERNAL
from app.live.dialects import TABLE, translate
from app.messages.service import flat_form
from app.realtime.settings import EngineSettings, WorkerSettings
from app.settings import Settings

RAISED = re.compile(r'AppError\(\s*"([a-z_]+)"')
ENVIRONMENT = re.compile(r'os\.(?:environ\[|environ\.get\(|getenv\()"([A-Z0-9_]+)"')
ROOT = Path(__file__).parents[2]
APP = ROOT / "app"
MARKDOWN = ("*.md", "docs/**/*.md", "clients/*/*.md", "examples/*.md", "bench/*.md")
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


def test_what_each_event_is_for_clients_of_join_room_is_in_the_document(app: Flask) -> None:
    """As it is sent: the table of dialects is asked, with a message that has all its keys."""
    room_id, user_id = new_id(), new_id()
    person = {"id": user_id, "username": "ada", "name": "Ada", "isGuest": False}
    message = {"id": new_id(), "roomId": room_id, "user": person, "userId": user_id, "content": "Hello"}
    message |= {"createdAt": "2026-01-01T12:00:00.000Z", "attachment": None}
    joined = {"roomId": room_id, "onlineUsers": [user_id], "messages": [flat_form(message)]}
    args: dict[str, dict[str, Any]] = {
        "message-received": message,
        "room-joined": joined,
        "room-left": {"roomId": room_id, "reason": "left"},
    }
    with app.app_context():
        document = asyncapi_document()
        sent = [
            emission
            for name in TABLE
            for emission in translate(
                Event(name, room_channel(room_id), (args.get(name, {"roomId": room_id, "userId": user_id}),))
            )
        ]
    assert {name for name, _ in sent} == {"room_joined", "room_left", "message", "typing", "presence"}
    for name, payload in sent:
        schema = {"allOf": [document["components"]["messages"][f"server.{name}"]["payload"]]}
        jsonschema_rs.Draft7Validator({**schema, "components": document["components"]}).validate(payload)


def test_an_error_event_is_documented_with_how_long_to_wait(app: Flask) -> None:
    with app.app_context():
        schemas = asyncapi_document()["components"]["schemas"]
    assert schemas["ApidocsErrorEvent"]["properties"]["retryAfterMs"]["type"] == "integer"


def test_a_user_count_is_documented_with_both_of_its_arguments(app: Flask) -> None:
    with app.app_context():
        document = asyncapi_document()
    payload = document["components"]["messages"]["server.user-count"]["payload"]
    arguments = jsonschema_rs.Draft7Validator({**payload, "components": document["components"]})
    assert arguments.is_valid([3, {"roomId": new_id()}])
    assert not any(map(arguments.is_valid, ([{"roomId": new_id()}, 3], [3], {"roomId": new_id()})))


def test_every_event_says_what_it_does_and_what_its_ack_holds(app: Flask) -> None:
    with app.app_context():
        messages = asyncapi_document()["components"]["messages"]
    said = {name: message["description"] for name, message in messages.items()}
    assert [name for name, text in said.items() if not text or text.startswith("snake_case")] == []
    assert [name for name, text in said.items() if name.startswith("client.") and "Ack " not in text] == []


@pytest.mark.parametrize("name", ["openapi.json", "asyncapi.json"])
def test_the_documents_speak_of_nothing_that_only_this_project_knows(app: Flask, name: str) -> None:
    with app.app_context():
        assert re.findall(r"(?i)seed|keys refused", documents()[name]) == []


ONE_OF_A_SET = {
    *(
        "chatMode",
        "code",
        "history",
        "kind",
        "messageType",
        "method",
        "mode",
        "onFinish",
        "problems",
        "role",
        "session",
    ),
    *("state", "style", "AuditEntry.action", "TimerAction.action", "RoomLeft.reason"),
}


@pytest.mark.parametrize("make", [openapi_document, asyncapi_document])
def test_every_schema_and_each_of_its_keys_is_described_in_sentences(app: Flask, make: Any) -> None:
    with app.app_context():
        schemas = make()["components"]["schemas"]
    keys = {
        f"{name}.{key}": known
        for name, schema in schemas.items()
        for key, known in schema.get("properties", {}).items()
    }
    said = {name: part.get("description", "") for name, part in (schemas | keys).items() if "$ref" not in part}
    assert len(said) > 100
    assert [name for name, words in said.items() if not re.fullmatch(r"[`A-Z].{8,}[.)]", words)] == []
    assert [name for name, words in said.items() if name.endswith("Ms") and "milliseconds" not in words] == []


@pytest.mark.parametrize("make", [openapi_document, asyncapi_document])
def test_every_key_that_is_one_of_a_set_lists_it(app: Flask, make: Any) -> None:
    with app.app_context():
        schemas = make()["components"]["schemas"]
    open_ended = [
        f"{name}.{key}"
        for name, schema in schemas.items()
        for key, known in schema.get("properties", {}).items()
        if {key, f"{name.removeprefix('Apidocs').removeprefix('Timers')}.{key}"} & ONE_OF_A_SET
        if not isinstance(known.get("additionalProperties"), dict)
        if "enum" not in known.get("items", known)
    ]
    assert open_ended == []


def test_every_parameter_is_described(app: Flask) -> None:
    with app.app_context():
        paths = openapi_document()["paths"]
    parameters = [each for item in paths.values() for part in (item, *item.values()) for each in parameters_of(part)]
    assert len(parameters) > 50
    assert {each["name"] for each in parameters if not each.get("description")} == set()


def parameters_of(part: Any) -> list[dict[str, Any]]:
    return list(part.get("parameters", [])) if isinstance(part, dict) else []


def test_what_people_read_speaks_of_nothing_that_only_this_project_knows() -> None:
    pages = [page for pattern in MARKDOWN for page in ROOT.glob(pattern)]
    assert {"CHANGELOG.md", "README.md", "operations.md"} <= {page.name for page in pages}
    assert [page.name for page in pages if re.search(r"(?i)\bseeds? \d|\bseeds'", page.read_text("utf-8"))] == []


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


def test_every_answer_to_a_get_says_of_which_type_it_is(app: Flask) -> None:
    with app.app_context():
        document = openapi_document()
    answers = {
        path: operation["responses"].get("200") for method, path, operation in operations(document) if method == "get"
    }
    assert len(answers) > 10
    assert [path for path, answer in answers.items() if answer and not answer.get("content")] == []


def test_the_body_to_begin_with_is_one_that_the_document_allows(app: Flask) -> None:
    with app.app_context():
        document = openapi_document()
    for shown in shown_operations(document):
        if shown["body"] is not None:
            operation = document["paths"][shown["path"]][shown["method"].lower()]
            schema = operation["requestBody"]["content"]["application/json"]["schema"]
            checked = {**schema, "components": document["components"]}
            jsonschema_rs.validate(checked, json.loads(shown["body"]))


def test_what_may_be_null_is_valid_as_null(app: Flask) -> None:
    with app.app_context():
        schemas = openapi_document()["components"]["schemas"]
    nullable = {
        f"{name}.{key}": schema
        for name, whole in schemas.items()
        for key, schema in whole.get("properties", {}).items()
        if "null" in schema.get("type", ())
    }
    assert len(nullable) > 10
    assert [name for name, schema in nullable.items() if not jsonschema_rs.is_valid(schema, None)] == []


def test_the_page_of_the_documents_names_every_error(client: FlaskClient) -> None:
    page = client.get("/api/docs").get_data(as_text=True)
    assert "timer_not_found" in page
    assert "send-message" in page
    assert "/rooms/{room_id}/timers" in page
    assert "How long it runs, in milliseconds." in page
    assert "stop · overtime · next" in page


def test_who_asks_again_has_nothing_made_anew(client: FlaskClient, monkeypatch: pytest.MonkeyPatch) -> None:
    """Anybody may ask, and to make one takes as long as a hundred other answers."""
    addresses = ("/api/openapi.json", "/api/asyncapi.json", "/api/docs")
    before = [client.get(address).data for address in addresses]
    for work in ("openapi_document", "asyncapi_document", "shown_operations", "jsonify"):
        monkeypatch.setattr(f"app.apidocs.routes.{work}", None)
    assert [client.get(address).data for address in addresses] == before


def test_a_document_is_compressed_once_and_not_sent_to_who_has_it(
    client: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    gzip_only = {"Accept-Encoding": "gzip"}
    first = client.get("/api/asyncapi.json", headers=gzip_only)
    for work in ("app.web.packing._begin", "app.web.transfer.compress"):
        monkeypatch.setattr(work, None)
    again = client.get("/api/asyncapi.json", headers=gzip_only)
    assert again.data == first.data
    assert json.loads(gzip.decompress(again.data)) == client.get("/api/asyncapi.json").json
    known = client.get("/api/asyncapi.json", headers={"If-None-Match": first.headers["ETag"]})
    assert (known.status_code, known.data) == (304, b"")


def test_the_page_of_the_documents_is_in_the_language_of_who_asks(client: FlaskClient) -> None:
    pages = [client.get("/api/docs", headers={"Accept-Language": each}).get_data(as_text=True) for each in ("en", "fr")]
    titles = [re.findall("<h2>([^<]+)</h2>", page) for page in pages]
    assert len(titles[0]) == len(titles[1]) > 2
    assert titles[0] != titles[1]
