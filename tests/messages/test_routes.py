from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask
from werkzeug.test import TestResponse

from app.core.actor import ANONYMOUS, Actor
from app.core.clock import FakeClock, from_wire, to_epoch_ms
from app.messages import schemas
from app.rooms.models import Room
from tests.messages.conftest import Http
from tests.messages.support import send
from tests.support.factories import make_guest, make_room, make_user

Acting = Callable[[Actor], Http]


@pytest.fixture
def ada(http: Acting, owner: Actor) -> Http:
    return http(owner)


def code_of(response: TestResponse) -> str:
    body = response.get_json()
    return str(body["error"]["code"]) if response.status_code >= 400 else "ok"


def keys(schema: type[schemas.Schema]) -> set[str]:
    return {str(field.data_key) for field in schema().fields.values()}


def test_a_message_lives_over_rest(ada: Http, http: Acting, owner: Actor, room: Room) -> None:
    made = ada("POST", f"/rooms/{room.id}/messages", {"content": "  hello\n", "clientMessageId": "c1"})
    assert made.status_code == 201
    message = made.get_json()
    assert message["content"] == "  hello\n"
    assert set(message) == keys(schemas.MessageSchema)
    assert set(message["user"]) == keys(schemas.Person)
    again = ada("POST", f"/rooms/{room.id}/messages", {"content": "hello", "clientMessageId": "c1"})
    assert again.get_json() == message
    edited = ada("PATCH", f"/messages/{message['id']}", {"content": "hello!"})
    assert (edited.status_code, edited.get_json()["content"]) == (200, "hello!")
    page = ada("GET", f"/rooms/{room.id}/messages").get_json()
    assert page == {"items": [edited.get_json()], "nextCursor": None}
    deleted = ada("DELETE", f"/messages/{message['id']}")
    assert (deleted.status_code, deleted.get_json()["content"]) == (200, "")


def test_pages_walk_by_query(ada: Http, owner: Actor, room: Room, clock: FakeClock) -> None:
    for n in range(3):
        send(owner, room, str(n))
        clock.advance(1)
    page = ada("GET", f"/rooms/{room.id}/messages?limit=2").get_json()
    assert [item["content"] for item in page["items"]] == ["1", "2"]
    page = ada("GET", f"/rooms/{room.id}/messages?limit=2&cursor={page['nextCursor']}").get_json()
    assert [item["content"] for item in page["items"]] == ["0"]
    page = ada("GET", f"/rooms/{room.id}/messages?afterChange=1").get_json()
    assert [item["changeSeq"] for item in page["items"]] == [2, 3]


@pytest.mark.parametrize("as_iso", [False, True])
def test_seed_002_pages_by_its_instants(as_iso: bool, ada: Http, owner: Actor, room: Room, clock: FakeClock) -> None:
    for n in range(3):
        clock.advance(1)
        send(owner, room, str(n))
    page = ada("GET", f"/messages?roomId={room.id}&limit=1").get_json()
    assert set(page) == {"items"}
    (newest,) = page["items"]
    assert set(newest) == keys(schemas.FlatMessageSchema)
    assert (newest["text"], newest["ts"]) == ("2", to_epoch_ms(from_wire(newest["createdAt"])))
    before = newest["createdAt"] if as_iso else newest["ts"]
    older = ada("GET", f"/messages?roomId={room.id}&beforeTs={before}&limit=5").get_json()["items"]
    assert [item["text"] for item in older] == ["0", "1"]


def test_searching_reading_and_voting_over_rest(ada: Http, http: Acting, owner: Actor, room: Room) -> None:
    guest = http(make_guest(room, "Nick"))
    question = send(owner, room, "Coffee when?", message_type="question")
    hits = guest("GET", f"/rooms/{room.id}/messages/search?q=coffee").get_json()
    assert set(hits["items"][0]) == keys(schemas.HitSchema)
    assert hits["items"][0]["highlight"][0] == {"text": "Coffee", "match": True}
    cursor = guest("POST", f"/rooms/{room.id}/read", {"messageId": question["id"]})
    assert (cursor.status_code, set(cursor.get_json())) == (200, keys(schemas.CursorSchema))
    receipts = ada("GET", f"/messages/{question['id']}/receipts").get_json()
    assert [item["name"] for item in receipts["items"]] == ["Nick"]
    assert set(receipts["items"][0]) == keys(schemas.ReceiptSchema)
    assert guest("PUT", f"/messages/{question['id']}/vote").get_json()["votes"] == 1
    mine = {"items": [{"messageId": question["id"]}], "nextCursor": None}
    assert guest("GET", f"/rooms/{room.id}/votes").get_json() == mine
    assert guest("DELETE", f"/messages/{question['id']}/vote").get_json()["votes"] == 0
    assert guest("GET", f"/rooms/{room.id}/votes").get_json()["items"] == []


def test_the_room_list_says_what_is_unread(ada: Http, http: Acting, owner: Actor, room: Room) -> None:
    member = make_user("Bob")
    assert http(member)("POST", f"/rooms/{room.id}/join").status_code == 200
    send(owner, room)
    (item,) = http(member)("GET", "/rooms").get_json()["items"]
    assert item["unreadCount"] == 1


def test_transcripts_are_files(ada: Http, http: Acting, owner: Actor, room: Room) -> None:
    send(owner, room, "hello")
    as_json = ada("GET", f"/rooms/{room.id}/transcript.json")
    assert (as_json.mimetype, json.loads(as_json.data)["items"][0]["content"]) == ("application/json", "hello")
    assert set(json.loads(as_json.data)) == keys(schemas.TranscriptSchema)
    as_text = ada("GET", f"/rooms/{room.id}/transcript.txt")
    assert as_text.headers["Content-Type"] == "text/plain; charset=utf-8"
    assert as_text.text.endswith("Ada: hello\n")
    day = json.loads(as_json.data)["exportedAt"][:10]
    for response, ending in ((as_json, "json"), (as_text, "txt")):
        assert f'attachment; filename="a-room-{day}.{ending}"' in response.headers["Content-Disposition"]
    assert code_of(http(make_guest(room))("GET", f"/rooms/{room.id}/transcript.txt")) == "forbidden"


@pytest.mark.parametrize(
    ("content", "kept"),
    [
        ("x" * 4000, "x" * 4000),
        (" " * 9000 + "x" * 4000 + "\n", "x" * 4000),
        ("  <b>bold</b> & \u202eleft  ", "  <b>bold</b> & \u202eleft  "),
        ("\tindented\r\n", "\tindented\r\n"),
        ("e" + "\u0301" * 3999, "e" + "\u0301" * 3999),
        ("👩‍👩‍👧 ok", "👩‍👩‍👧 ok"),
    ],
)
def test_text_is_kept_as_it_was_sent(content: str, kept: str, ada: Http, room: Room) -> None:
    assert ada("POST", f"/rooms/{room.id}/messages", {"content": content}).get_json()["content"] == kept
    assert ada("GET", f"/rooms/{room.id}/messages").get_json()["items"][0]["content"] == kept


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"content": ""},
        {"content": " \n\t "},
        {"content": "x" * 4001},
        {"content": "a\x00b"},
        {"content": "e" + "\u0301" * 500_00},
        {"content": 5},
        {"content": None},
        {"content": ["x"]},
        {"content": "x", "unknown": 1},
        {"content": "x", "seq": 9},
        {"content": "x", "messageType": "system"},
        {"content": "x", "messageType": "shout"},
        {"content": "x", "clientMessageId": ""},
        {"content": "x", "clientMessageId": "y" * 65},
        {"content": "x", "replyTo": "no id"},
        {"content": "x", "attachmentId": 1},
    ],
)
def test_a_bad_message_is_refused_and_nothing_is_kept(body: dict[str, Any], ada: Http, room: Room) -> None:
    response = ada("POST", f"/rooms/{room.id}/messages", body)
    assert (response.status_code, code_of(response)) == (422, "validation_failed")
    assert ada("GET", f"/rooms/{room.id}/messages").get_json()["items"] == []


def test_a_lone_surrogate_is_refused(app: Flask, ada: Http, room: Room) -> None:
    response = ada(
        "POST", f"/rooms/{room.id}/messages", data=b'{"content": "\\ud800"}', content_type="application/json"
    )
    assert response.status_code in (400, 422)


@pytest.mark.parametrize(
    "query",
    ["limit=0", "limit=101", "limit=x", "limit=-1", "limit=1.5", "afterChange=-1", "afterChange=99999999999999999999",
     "unknown=1", "cursor=" + "x" * 201],
)  # fmt: skip
def test_a_bad_query_is_refused(query: str, ada: Http, room: Room) -> None:
    assert ada("GET", f"/rooms/{room.id}/messages?{query}").status_code == 422


@pytest.mark.parametrize("before", ["x", "-5", "2026-01-01T00:00:00", "999999999999999999"])
def test_a_bad_instant_is_refused(before: str, ada: Http, room: Room) -> None:
    assert ada("GET", f"/messages?roomId={room.id}&beforeTs={before}").status_code == 422


def test_a_cursor_of_nowhere_is_malformed(ada: Http, room: Room) -> None:
    response = ada("GET", f"/rooms/{room.id}/messages?cursor=nonsense")
    assert (response.status_code, code_of(response)) == (400, "bad_cursor")


def test_refusals_have_their_status(ada: Http, http: Acting, owner: Actor, room: Room) -> None:
    message = send(owner, room)
    stranger, nobody = http(make_user()), http(ANONYMOUS)
    path = f"/rooms/{room.id}/messages"
    assert stranger("POST", path, {"content": "x"}).status_code == 403
    assert nobody("POST", path, {"content": "x"}).status_code == 401
    assert ada("POST", "/rooms/nowhere/messages", {"content": "x"}).status_code == 404
    assert ada("GET", "/rooms/nowhere/messages").status_code == 404
    assert ada("GET", "/messages?roomId=nowhere").status_code == 404
    assert stranger("PATCH", f"/messages/{message['id']}", {"content": "x"}).status_code == 403
    assert ada("DELETE", "/messages/nowhere").status_code == 404


def test_slow_mode_says_when_to_come_back(ada: Http, http: Acting, owner: Actor) -> None:
    room = make_room(owner, settings={"slowModeMs": 2_500})
    guest = http(make_guest(room))
    assert guest("POST", f"/rooms/{room.id}/messages", {"content": "x"}).status_code == 201
    response = guest("POST", f"/rooms/{room.id}/messages", {"content": "y"})
    assert (response.status_code, response.headers["Retry-After"]) == (429, "3")
