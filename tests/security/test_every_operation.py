"""What holds for each operation of the document, whatever it does: bombs, keys that are not for the caller, forgery."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from app.apidocs.openapi import openapi_document, operations
from app.core.ids import new_id
from tests.security.conftest import Headers

DEEP = b'{"a":' * 5_000 + b"1" + b"}" * 5_000
BOMBS = {
    "not JSON": b"{",
    "no object": b'[{"name": "x"}]',
    "not UTF-8": b'{"name": "\xff"}',
    "deep lists": b'{"name": ' + b"[" * 100_000,
    "deep objects": DEEP,
    "not a number": b'{"duration": NaN}',
    "infinite": b'{"duration": Infinity}',
    "too large a float": b'{"duration": 1e400}',
    "5,000 digits": b'{"duration": ' + b"9" * 5_000 + b"}",
    "a lone surrogate": b'{"name": "\\ud800"}',
    "a lone surrogate as key": b'{"\\ud800": 1}',
    "70,000 keys": json.dumps({f"k{number}": 1 for number in range(70_000)}).encode(),
    "the prototype": b'{"__proto__": {"isOperator": true}, "constructor": 1}',
}
#: Keys that the server alone may set, with values that would be worth something.
PRIVILEGED = {
    "isOperator": True,
    "passwordHash": "x",
    "ownerId": "{id}",
    "userId": "{id}",
    "createdBy": "{id}",
    "shareToken": "guessable-share-token",
    "createdAt": "2020-01-01T00:00:00.000Z",
    "deletedAt": None,
    "directKey": "x",
    "revision": 1,
    "seq": 1,
    "state": "running",
}
WRITES = frozenset({"POST", "PUT", "PATCH", "DELETE"})
CHOICE = re.compile(r"<any\((\w+)[^)]*\):\w+>")
PARAMETER = re.compile(r"<[^>]+>")


@pytest.fixture
def taking_json(app: Flask) -> list[tuple[str, str, dict[str, Any]]]:
    """Method, address and schema of each operation that reads JSON."""
    with app.app_context():
        document = openapi_document()
    found = []
    for method, path, operation in operations(document):
        schema = operation.get("requestBody", {}).get("content", {}).get("application/json", {}).get("schema")
        if schema is not None:
            found.append((method, filled(path), document["components"]["schemas"][schema["$ref"].rsplit("/", 1)[1]]))
    assert len(found) > 30
    return found


def filled(path: str) -> str:
    return "/".join(new_id() if part.startswith("{") else part for part in path.split("/"))


@pytest.mark.parametrize("bomb", BOMBS)
def test_a_bomb_for_a_body_is_refused_everywhere(
    client: FlaskClient, owner: Headers, taking_json: list[tuple[str, str, Any]], bomb: str
) -> None:
    headers = {**owner, "Content-Type": "application/json"}
    for method, path, _ in taking_json:
        answer = client.open(path, method=method, data=BOMBS[bomb], headers=headers)
        assert answer.status_code in (400, 413, 422), (method, path, answer.text[:200])
        assert len(answer.data) < 20_000, (method, path)


def test_no_body_sets_what_is_the_servers(
    client: FlaskClient, owner: Headers, taking_json: list[tuple[str, str, dict[str, Any]]]
) -> None:
    for method, path, schema in taking_json:
        for key, value in PRIVILEGED.items():
            given = schema["properties"].get(key)
            if given is not None and (method == "put" or not given.get("readOnly")):
                continue  # a key of the body's own, or one that a PUT sends back and that is ignored
            body = {key: value.format(id=new_id()) if isinstance(value, str) else value}
            answer = client.open(path, method=method, json=body, headers=owner)
            assert answer.status_code == 422, (method, path, key, answer.text[:200])
            assert key in answer.get_json()["error"]["details"], (method, path, key)


def test_what_a_put_sends_back_of_the_servers_is_ignored(
    client: FlaskClient, owner: Headers, room: dict[str, Any]
) -> None:
    forged = {
        "ownerId": new_id(),
        "shareToken": "guessable-share-token",
        "role": "owner",
        "createdAt": "2020-01-01T00:00:00.000Z",
    }
    answer = client.put(f"/api/rooms/{room['id']}", json={"name": "New", **forged}, headers=owner).get_json()
    assert {**answer, "updatedAt": None} == {**room, "name": "New", "updatedAt": None}


def test_each_write_by_cookie_needs_the_csrf_token(client: FlaskClient, app: Flask) -> None:
    """Those of pages as well: only signing in, for which there is no token yet, asks for the own site instead."""
    body = {"username": "eve", "password": "correct horse battery", "session": "cookie"}
    client.post("/api/auth/register", json=body)
    signing_in = {"/api/auth/register", "/api/auth/login", "/login", "/register", "/language", "/api/auth/renew"}
    signed = {"/api/uploads/<token>"}
    tried = 0
    for rule in app.url_map.iter_rules():
        for method in WRITES & (rule.methods or set()):
            if rule.rule in signing_in | signed:
                continue
            path = PARAMETER.sub(new_id(), CHOICE.sub(r"\1", rule.rule))
            for headers in (
                {},
                {"X-CSRF-Token": "x" * 43},
                {"Sec-Fetch-Site": "cross-site", "Origin": "https://evil.example"},
            ):
                answer = client.open(path, method=method, json={}, headers=headers)
                code = (answer.get_json(silent=True) or {}).get("error", {}).get("code")
                assert answer.status_code == 403, (method, path, answer.text[:100])
                assert code in ("csrf_failed", None), (method, path, code)
            tried += 1
    assert tried > 60


@pytest.mark.parametrize("path", ["/login", "/register", "/language"])
@pytest.mark.parametrize("origin", ["https://evil.example", "null", "http://localhost.evil.example"])
def test_a_form_of_another_site_signs_nobody_in(client: FlaskClient, path: str, origin: str) -> None:
    for headers in ({"Origin": origin}, {"Sec-Fetch-Site": "cross-site"}, {"Sec-Fetch-Site": "same-site"}):
        form = {"email": "eve@example.org", "password": "correct horse battery", "lang": "fr"}
        answer = client.post(path, data=form, headers=headers)
        assert "Set-Cookie" not in answer.headers
        assert answer.status_code == 403 or "origin" in answer.text.lower(), (path, headers, answer.status_code)


def test_another_type_of_content_than_json_is_refused_everywhere(
    client: FlaskClient, owner: Headers, taking_json: list[tuple[str, str, dict[str, Any]]]
) -> None:
    for method, path, _ in taking_json:
        kinds = {"application/x-www-form-urlencoded", "text/plain", "application/xml", "multipart/form-data"}
        for kind in kinds - ({"multipart/form-data"} if "/timers/import" in path else set()):
            answer = client.open(path, method=method, data=b"name=x", headers={**owner, "Content-Type": kind})
            assert answer.status_code == 415, (method, path, kind, answer.text[:200])


def test_a_method_that_an_address_does_not_have_is_refused(client: FlaskClient, owner: Headers, app: Flask) -> None:
    allowed: dict[str, set[str]] = {}
    ident = new_id()
    for rule in app.url_map.iter_rules():
        allowed.setdefault(PARAMETER.sub(ident, CHOICE.sub(r"\1", rule.rule)), set()).update(rule.methods or ())
    for path, methods in allowed.items():
        for method in (WRITES | {"GET", "TRACE", "CONNECT", "PROPFIND"}) - methods:
            answer = client.open(path, method=method, headers=owner)
            assert answer.status_code == 405, (method, path, answer.text[:100])
            assert answer.headers["Allow"], (method, path)
