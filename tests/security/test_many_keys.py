"""Objects of very many keys, forms of very many fields and lists of very many items: counted before they are looked at."""

from __future__ import annotations

import io
from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qsl

import marshmallow as ma
import pytest
from flask import Flask
from flask.testing import FlaskClient

from app.apidocs.openapi import openapi_document, operations
from app.core.ids import is_id, new_id
from app.timers.schemas import MAX_TIMERS
from app.web.envelope import MOST_DETAILS, as_app_error, shown
from app.web.schema import MAX_KEYS, Schema
from app.web.sockets import sockets
from tests.security.conftest import Headers
from tests.support.calls import calls_of

PASSWORD = "correct horse battery"
TOO_MANY = [f"At most {MAX_KEYS} keys."]
KEYS = dict.fromkeys((f"k{number}" for number in range(75_000)), 1)
Body = dict[str, Any]


def details(answer: Any) -> Body:
    assert answer.status_code == 422
    assert len(answer.data) < 1_000
    found: Body = answer.get_json()["error"]["details"]
    return found


@pytest.mark.parametrize(
    "path", ["/api/rooms/{shareToken}/guests", "/api/auth/login", "/api/rooms", "/api/rooms/{id}/timers"]
)
def test_an_object_of_very_many_keys_is_refused_before_any_is_looked_at(
    client: FlaskClient, owner: Headers, room: Body, path: str
) -> None:
    with calls_of(shown) as calls:
        answer = client.post(path.format(**room), json=KEYS, headers=owner)
    assert details(answer) == {"_schema": TOO_MANY}
    assert calls["shown"] <= 1  # of `_schema`


def test_so_is_one_inside_another(client: FlaskClient, owner: Headers) -> None:
    answer = client.post("/api/rooms", json={"name": "Hall", "settings": KEYS}, headers=owner)
    assert details(answer) == {"settings": TOO_MANY}


def test_of_every_event_too(app: Flask) -> None:
    for registration in sockets.registrations.values():
        with pytest.raises(ma.ValidationError) as why:
            registration.schema().load(KEYS)
        assert why.value.messages == TOO_MANY, registration.event


def schemas(kind: type[ma.Schema] = Schema) -> Iterator[type[ma.Schema]]:
    for each in kind.__subclasses__():
        yield each
        yield from schemas(each)


def test_nothing_of_ours_has_nearly_as_many(app: Flask) -> None:
    assert max(len(schema().fields) for schema in schemas()) <= MAX_KEYS / 2


def test_a_refusal_is_made_no_longer_than_it_is_told() -> None:
    with calls_of(shown) as calls:
        error = as_app_error(ma.ValidationError({"settings": {key: ["Unknown field."] for key in KEYS}}))
    assert len(error.details) == MOST_DETAILS
    assert calls["shown"] < 3 * MOST_DETAILS


@pytest.mark.parametrize("path", ["/login", "/register"])
def test_a_form_of_very_many_fields_is_refused_before_any_is_read(client: FlaskClient, path: str) -> None:
    headers = {"Origin": "http://localhost", "Accept": "text/html"}
    with calls_of(parse_qsl) as calls:
        answer = client.post(
            path, data="a&" * 240_000, content_type="application/x-www-form-urlencoded", headers=headers
        )
    assert answer.status_code == 422
    assert "Some of the values are not valid." in answer.text
    assert calls["parse_qsl"] <= 1  # of the address


def test_so_is_one_of_very_many_parts(client: FlaskClient, owner: Headers, room: Body) -> None:
    form: Body = {f"k{number}": "1" for number in range(MAX_KEYS)}
    form["file"] = (io.BytesIO(b"title,duration\nA,5\n"), "run.csv")
    answer = client.post(f"/api/rooms/{room['id']}/timers/import", data=form, headers=owner)
    assert answer.status_code == 413
    assert answer.get_json()["error"]["code"] == "body_too_large"


@pytest.mark.parametrize("item", [1, new_id()])
def test_of_too_long_a_list_no_item_is_looked_at(client: FlaskClient, owner: Headers, room: Body, item: Any) -> None:
    with calls_of(is_id) as calls:
        answer = client.put(f"/api/rooms/{room['id']}/timers/order", json={"ids": [item] * 20_000}, headers=owner)
    assert details(answer) == {"ids": [f"Longer than maximum length {MAX_TIMERS}."]}
    assert calls["is_id"] < 10


def boundless(schemas: Body, schema: Body) -> list[str]:
    """The lists that may be sent in an object of `schema`, and are of any length."""
    keys = schemas[schema["$ref"].rpartition("/")[2]]["properties"] if "$ref" in schema else {}
    sent = {key: value for key, value in keys.items() if not value.get("readOnly")}
    own = [key for key, value in sent.items() if "array" in str(value.get("type")) and "maxItems" not in value]
    return own + [f"{key}.{inner}" for key, value in sent.items() for inner in boundless(schemas, value)]


def test_every_list_that_may_be_sent_has_a_bound(app: Flask) -> None:
    with app.test_request_context():
        document = openapi_document()
    schemas = document["components"]["schemas"]
    bodies = [
        content["schema"]
        for *_, operation in operations(document)
        for content in operation.get("requestBody", {}).get("content", {}).values()
    ]
    assert len(bodies) > 30
    assert [key for body in bodies for key in boundless(schemas, body)] == []
    events = [registration.schema() for registration in sockets.registrations.values()]
    assert not [field for event in events for field in event.load_fields.values() if isinstance(field, ma.fields.List)]
