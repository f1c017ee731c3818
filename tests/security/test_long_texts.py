"""Texts of a megabyte that are dear to look at: they are refused for their length, before anything looks at them."""

from __future__ import annotations

from typing import Any

import pytest
from flask.testing import FlaskClient
from marshmallow import validate

from app.auth.names import is_username
from app.auth.schemas import MAX_EMAIL
from app.core import spelling
from app.core.lines import is_one_line
from tests.security.conftest import Headers
from tests.support.calls import longest_given

MARKS = "a" + "\u0301\u0323" * 100_000
TEXTS = {"marks": MARKS, "ligatures": "\ufdfa" * 200_000, "dots": "a." * 250_000, "words": "a " * 250_000 + "a"}
PASSWORD = "correct horse battery"
Body = dict[str, Any]
Door = tuple[str, Body, str]

DOORS: list[Door] = [
    ("/api/auth/login", {"password": PASSWORD}, "username"),
    ("/api/auth/login", {"password": PASSWORD}, "email"),
    ("/api/auth/login", {"username": "ada"}, "password"),
    ("/api/auth/register", {"password": PASSWORD}, "username"),
    ("/api/auth/register", {"password": PASSWORD}, "email"),
    ("/api/auth/register", {"password": PASSWORD, "username": "bo"}, "name"),
    ("/api/auth/register", {"username": "bo"}, "password"),
    ("/api/rooms", {}, "name"),
    ("/api/rooms", {"name": "Hall"}, "description"),
    ("/api/rooms/{shareToken}/guests", {}, "name"),
    ("/api/rooms/{id}/members", {}, "username"),
    ("/api/rooms/{id}/members", {}, "email"),
    ("/api/rooms/{id}/links", {"role": "viewer"}, "label"),
    ("/api/rooms/{id}/timers", {"duration": 60_000}, "title"),
    ("/api/rooms/{id}/messages", {}, "content"),
    ("/api/rooms/{id}/messages", {"content": "Hi"}, "clientMessageId"),
    ("/api/upload/init", {"roomId": "{id}", "mime": "text/plain", "bytes": 1}, "filename"),
]


@pytest.mark.parametrize("kind", TEXTS)
@pytest.mark.parametrize("door", DOORS)
def test_too_long_a_text_is_refused_for_its_length_and_not_looked_at(
    client: FlaskClient, owner: Headers, room: Body, door: Door, kind: str
) -> None:
    path, body, field = door
    filled = {key: value.format(**room) if isinstance(value, str) else value for key, value in body.items()}
    with longest_given(spelling.normal, is_username, is_one_line, validate.Email.__call__) as longest:
        answer = client.post(path.format(**room), json={**filled, field: TEXTS[kind]}, headers=owner)
    assert answer.status_code == 422
    (why,) = answer.get_json()["error"]["details"][field]
    assert why.startswith(("Longer than maximum length", "Length must be between"))
    assert max(longest.values()) <= spelling.LONGEST, longest


@pytest.mark.parametrize("kind", TEXTS)
@pytest.mark.parametrize("path", ["/login", "/register"])
def test_too_long_a_name_in_a_form_is_not_looked_at(client: FlaskClient, path: str, kind: str) -> None:
    text = TEXTS[kind][:50_000]  # of forms Werkzeug reads half a megabyte, in which a character takes up to nine
    form = {"username": text, "password": PASSWORD}
    with longest_given(spelling.normal, is_username, is_one_line) as longest:
        answer = client.post(path, data=form, headers={"Origin": "http://localhost"})
    assert answer.status_code == 422
    assert max(longest.values()) <= MAX_EMAIL, longest


def test_too_long_a_name_counts_against_nobody_and_a_short_one_in_spaces_as_itself(client: FlaskClient) -> None:
    """Of the five tries of a name and minute, those with a name that nobody can have take none."""
    for _ in range(12):
        client.post("/api/auth/login", json={"username": MARKS, "password": PASSWORD})
    answer = client.post("/api/auth/login", json={"username": "ada", "password": PASSWORD})
    assert answer.status_code in (200, 401)
