"""Stored XSS and its kin: every text that people write, in every page and file that shows it."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable
from typing import Any

import pytest
from flask.testing import FlaskClient

from tests.dashboard.plain_browser import Page
from tests.security.conftest import Headers

PASSWORD = "correct horse battery"
MARK = "zz9"
TEXTS = (
    f"<script>{MARK}</script>",
    f'"><img src=x onerror={MARK}>',
    f"'-{MARK}-'",
    f"</script><svg onload={MARK}>",
    f"</title><base href=//{MARK}>",
    f"{{{{ {MARK} }}}}",
    f"javascript:{MARK}",
    f"=cmd|'{MARK}'!A0",
    f"@SUM({MARK})",
    f"+{MARK}",
    f"-{MARK}",
    f"{MARK}\r\nATTENDEE:{MARK}\r\nb",
)
OF_A_ROOM = ("", "/print", "/run", "/audit", "/people", "/questions")
PLACES = (
    "/rooms",
    *(f"/rooms/{{id}}{page}" for page in OF_A_ROOM),
    *(f"/r/{{share}}{page}" for page in ("", "/stage", "/crowd")),
)


@pytest.fixture
def rooms(client: FlaskClient) -> list[dict[str, Any]]:
    """A room for each text, which is its name and everything else in it; `client` is left signed in by cookie."""
    body = {"username": "ada", "password": PASSWORD, "session": "cookie"}
    csrf = {"X-CSRF-Token": client.post("/api/auth/register", json=body).headers["X-CSRF-Token"]}

    def make(path: str, method: str = "POST", **values: Any) -> dict[str, Any]:
        answer = client.open(f"/api{path}", method=method, json=values, headers=csrf)
        assert answer.status_code < 400, (path, answer.text)
        return dict(answer.get_json())

    return [_furnished(make, text) for text in TEXTS]


def _furnished(make: Callable[..., dict[str, Any]], text: str) -> dict[str, Any]:
    line = text.partition("\r")[0]
    make("/me", "PATCH", name=line)
    room = make("/rooms", name=line, description=text)
    where = f"/rooms/{room['id']}"
    make(f"{where}/timers", title=line, description=text, duration=60_000)
    make(f"{where}/messages", content=text)
    make(f"{where}/messages", content=text, messageType="question")
    make(f"{where}/links", role="viewer", label=line)
    make(f"{where}/stage", "PUT", text=text, visible=True)
    guest = make(f"/rooms/{room['shareToken']}/guests", name=line[:40])
    make(f"{where}/bans", guestId=guest["guest"]["id"], reason=text)
    return room


def test_pages_show_it_as_text_and_nothing_else(client: FlaskClient, rooms: list[dict[str, Any]]) -> None:
    for room in rooms:
        for place in PLACES:
            path = place.format(id=room["id"], share=room["shareToken"])
            page = Page(client.get(path, headers={"Accept": "text/html"}))
            assert page.status == 200, path
            assert MARK in page.response.text, path
            for tag, attributes in page.elements:
                _judge(tag, attributes, path)


def _judge(tag: str, attributes: dict[str, str], path: str) -> None:
    assert tag != "base", path
    assert tag not in ("svg", "img", "script") or MARK not in str(attributes), (path, tag)
    assert tag != "script" or "src" in attributes or attributes.get("type") == "application/json", path
    assert not [name for name in attributes if name.startswith("on")], (path, tag, attributes)
    for name in ("href", "src", "action"):
        value = attributes.get(name, "").strip().lower()
        assert not value.startswith(("javascript:", "data:text", "//")), (path, tag, value)


def test_a_calendar_has_no_line_that_was_smuggled_in(client: FlaskClient, rooms: list[dict[str, Any]]) -> None:
    for room in rooms:
        text = client.get(f"/api/rooms/{room['id']}/timers.ics").text
        assert MARK in text.replace("\r\n ", "")
        assert not [line for line in text.split("\r\n") if line.startswith(("ATTENDEE", "BEGIN:VALARM"))]
        assert "\n" not in text.replace("\r\n", "")


def test_a_spreadsheet_gets_no_formula(client: FlaskClient, rooms: list[dict[str, Any]]) -> None:
    for room in rooms:
        rows = list(csv.reader(io.StringIO(client.get(f"/api/rooms/{room['id']}/timers.csv").text)))
        assert MARK in str(rows)
        assert not [cell for row in rows for cell in row if cell.startswith(("=", "+", "-", "@", "\t", "\r"))]


def test_an_answer_of_the_api_is_never_taken_for_a_page(
    client: FlaskClient, owner: Headers, room: dict[str, Any]
) -> None:
    here = f"/api/rooms/{room['id']}"
    for path in (here, f"{here}/messages", "/api/nowhere<script>", "/api/openapi.json"):
        answer = client.get(path, headers={**owner, "Accept": "text/html,*/*"})
        assert answer.headers["Content-Type"].startswith("application/json"), path
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert "default-src 'none'" in answer.headers["Content-Security-Policy"]
