"""Every one-line text that people write and others see is one line, by whichever way it comes in."""

from __future__ import annotations

from typing import Any

import pytest
from flask.testing import FlaskClient

PASSWORD = "correct horse battery"
TRICKS = ("a\nb", "a\x07b", "a\u200bb", "a\u202eb", "\u200b")
Body = dict[str, Any]


@pytest.fixture
def owner(client: FlaskClient) -> dict[str, str]:
    """The headers of an account; `client` sends no cookies."""
    body = {"username": "ada", "password": PASSWORD}
    return {"Authorization": f"Bearer {client.post('/api/auth/register', json=body).get_json()['accessToken']}"}


@pytest.fixture
def room(client: FlaskClient, owner: dict[str, str]) -> Body:
    return dict(client.post("/api/rooms", json={"name": "A room"}, headers=owner).get_json())


@pytest.mark.parametrize("trick", TRICKS)
@pytest.mark.parametrize(
    "call",
    [
        ("POST", "/rooms", {}, "name"),
        ("PATCH", "/rooms/{id}", {}, "name"),
        ("PATCH", "/me", {}, "name"),
        ("POST", "/auth/register", {"username": "bo", "password": PASSWORD}, "name"),
        ("POST", "/rooms/{id}/timers", {"duration": 60_000}, "title"),
        ("POST", "/rooms/{id}/links", {"role": "viewer"}, "label"),
    ],
)
def test_what_is_no_line_is_refused(
    client: FlaskClient, owner: dict[str, str], room: Body, call: tuple[str, str, Body, str], trick: str
) -> None:
    method, path, body, field = call
    answer = client.open(f"/api{path.format(**room)}", method=method, json={**body, field: trick}, headers=owner)
    assert answer.status_code == 422
    assert answer.get_json()["error"]["details"] == {field: ["Must be one line of plain text."]}


def test_a_nickname_and_a_title_of_a_programme_are_joined_and_then_judged(
    client: FlaskClient, owner: dict[str, str], room: Body
) -> None:
    guests, programme = f"/api/rooms/{room['shareToken']}/guests", f"/api/rooms/{room['id']}/timers/import"
    assert client.post(guests, json={"name": "Bo\n Li"}).get_json()["guest"]["name"] == "Bo Li"
    assert client.post(guests, json={"name": "Bo\u200b"}).status_code == 422
    taken = client.post(programme, json={"csv": 'title,duration\n"Keynote\npart 2",5\n'}, headers=owner)
    assert [timer["title"] for timer in taken.get_json()["items"]] == ["Keynote part 2"]
    refused = client.post(programme, json={"csv": "title,duration\nA\u202eb,5\n"}, headers=owner)
    assert refused.get_json()["error"]["details"] == {"row 2": ["title: One line of at most 200 characters."]}


def test_an_account_by_an_odd_address_alone_has_a_name_all_the_same(client: FlaskClient) -> None:
    body = {"email": '"\x07"@example.org', "password": PASSWORD}
    answer = client.post("/api/auth/register", json=body)
    assert (answer.status_code, answer.get_json()["user"]["name"]) == (201, "person")


def test_texts_of_several_lines_stay_as_they_are(client: FlaskClient, owner: dict[str, str], room: Body) -> None:
    text = "One\n\tTwo\u200b"
    changed = client.patch(f"/api/rooms/{room['id']}", json={"description": text}, headers=owner)
    assert changed.get_json()["description"] == text
    sent = client.post(f"/api/rooms/{room['id']}/messages", json={"content": text}, headers=owner)
    assert sent.get_json()["content"] == text
