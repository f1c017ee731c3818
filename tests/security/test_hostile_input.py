"""What only an attacker sends: it gets the one error shape, whatever it is, and never silence or `internal`."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
import websocket
from flask.testing import FlaskClient
from marshmallow import ValidationError

from app.dashboard.forms import whole
from app.web.envelope import SHOWN_CHARACTERS, shown
from tests.security.conftest import Headers
from tests.support.server import Server
from tests.support.waiting import PATIENCE_S


@pytest.fixture
def raw(server: Server) -> Iterator[websocket.WebSocket]:
    """A connected socket of nobody, which sends what it is told to."""
    url = server.url.replace("http", "ws") + "/socket.io/?EIO=4&transport=websocket"
    connection = websocket.create_connection(url, timeout=PATIENCE_S, suppress_origin=True)
    connection.recv()
    connection.send("40")
    connection.recv()
    yield connection
    connection.close()


@pytest.fixture
def question_id(client: FlaskClient, owner: Headers, room: dict[str, Any]) -> str:
    """A question of the owner's."""
    body = {"content": "Why?", "messageType": "question"}
    return str(client.post(f"/api/rooms/{room['id']}/messages", json=body, headers=owner).get_json()["id"])


@pytest.mark.parametrize(
    ("event", "code"),
    [
        ("[1]", "unknown_event"),
        ('["\\ud800"]', "unknown_event"),
        ('["ping",{"\\ud800":1}]', "malformed"),
        ('["ping",{"t":"\\ud800"}]', "malformed"),
        ('["ping",{"t":[99999999999999999999999999,"\\ud800"]}]', "malformed"),
        ('["join-room",{"roomId":"x","position":{"\\ud800":1}}]', "malformed"),
        ('["join-room","\\ud800"]', "malformed"),
        ('["ping",{"t":1e400}]', "malformed"),
        ('["ping",{"t":[{"a":-Infinity}]}]', "malformed"),
        ('["ping",{"t":NaN}]', "malformed"),
        ('["mark-read",{"roomId":NaN,"messageId":1}]', "malformed"),
        ('["join-room",{"roomId":"x","position":{"epoch":"e","room":1e400}}]', "malformed"),
        ('["ping",{"more":1}]', "validation_failed"),
        ('["join-room","\\u0000"]', "validation_failed"),
    ],
)
def test_an_event_that_cannot_be_told_back_is_refused_with_an_ack(
    raw: websocket.WebSocket, event: str, code: str
) -> None:
    raw.send(f"427{event}")
    answer = str(raw.recv())
    assert answer.startswith("437["), answer
    assert json.loads(answer[3:])[0]["error"]["code"] == code


@pytest.mark.parametrize("event", ["[1]", '["\\ud800"]', '["ping",{"\\ud800":1}]'])
def test_without_an_ack_the_same_is_an_error_event(raw: websocket.WebSocket, event: str) -> None:
    raw.send(f"42{event}")
    name, error = json.loads(str(raw.recv())[2:])
    assert name == "error"
    assert set(error) == {"code", "message", "details", "retryable", "event"}


def test_a_name_that_the_caller_made_up_is_cut_and_made_whole() -> None:
    assert shown("x" * 1_000_000) == "x" * SHOWN_CHARACTERS
    assert shown("a\ud800b") == "a?b"


def test_an_unknown_key_of_a_megabyte_is_not_sent_back(client: FlaskClient) -> None:
    answer = client.post("/api/auth/register", json={"k" * 900_000: 1})
    assert answer.status_code == 422
    assert len(answer.data) < 1_000


@pytest.mark.parametrize("limit", ["9" * 5_000, "9" * 20, "٣", "1_0"])
def test_a_limit_that_is_no_number_is_refused(client: FlaskClient, limit: str) -> None:
    answer = client.get("/api/messages", query_string={"roomId": "x", "limit": limit})
    assert answer.status_code == 422


@pytest.mark.parametrize("name", ["\x1b[31mAda", "Ada\u202enimda", "a\x07"])
def test_a_nickname_cannot_turn_or_colour_what_is_shown_after_it(
    client: FlaskClient, room: dict[str, Any], name: str
) -> None:
    answer = client.post(f"/api/rooms/{room['shareToken']}/guests", json={"name": name})
    assert answer.status_code == 422


@pytest.mark.parametrize("body", [b"[]", b"null", b"{", b"\xff", b'{"zzz":1}'])
def test_a_vote_takes_no_body(client: FlaskClient, owner: Headers, question_id: str, body: bytes) -> None:
    headers = {**owner, "Content-Type": "application/json"}
    answer = client.put(f"/api/messages/{question_id}/vote", data=body, headers=headers)
    assert answer.status_code in (400, 422)


def test_a_vote_without_a_body_counts(client: FlaskClient, owner: Headers, question_id: str) -> None:
    answer = client.put(f"/api/messages/{question_id}/vote", headers=owner)
    assert answer.get_json()["votes"] == 1


def test_a_number_of_five_thousand_digits_in_a_form_is_refused_by_name() -> None:
    with pytest.raises(ValidationError):
        whole("9" * 5_000)
    assert whole(" 12 ") == 12


def test_only_the_tag_of_this_release_is_kept_by_caches(client: FlaskClient) -> None:
    page = client.get("/login").get_data(as_text=True)
    address = page.split('href="/static/', 1)[1].split('"', 1)[0]
    tag, _, path = address.partition("/")
    with client.get(f"/static/{tag}/{path}") as own, client.get(f"/static/0000000000/{path}") as other:
        assert own.cache_control.immutable
        assert not own.cache_control.no_cache
        assert own.cache_control.max_age == 365 * 86_400
        assert other.data == own.data
        assert other.cache_control.no_cache
        assert other.cache_control.max_age is None
