"""What a crowd polls: the same for everybody, and fit to be kept by any cache."""

from __future__ import annotations

import pytest
from flask import Flask
from flask.testing import FlaskClient

from app.core.actor import Actor
from app.core.clock import FakeClock
from app.rooms import service as rooms
from app.rooms.models import Room
from app.timers import service as timers
from tests.support.app_fixtures import ACTOR
from tests.support.factories import make_room


@pytest.fixture
def database_url(sqlite_url: str) -> str:
    """One database is enough: the state is tested on both where it is made."""
    return sqlite_url


@pytest.fixture
def room(owner: Actor) -> Room:
    """A private room with a timer."""
    room = make_room(owner, is_private=True)
    timers.create_timer(actor=owner, room_id=room.id, values={"title": "Opening", "duration_ms": 60_000})
    return room


def test_everybody_gets_the_same_bytes_whoever_asks_and_when(
    client: FlaskClient, room: Room, owner: Actor, clock: FakeClock
) -> None:
    path = f"/api/crowd/{room.share_token}"
    first = client.get(path)
    clock.advance(5_000)
    as_owner = client.get(path, environ_overrides={ACTOR: owner})
    assert first.status_code == 200
    assert first.data == as_owner.data
    assert first.json["timers"][0]["title"] == "Opening"
    assert not {"shareToken", "userCount", "serverNow"} & set(first.json)
    assert first.json["position"]["chat"] == 0


def test_caches_may_answer_for_a_second_and_longer_when_we_cannot(client: FlaskClient, room: Room) -> None:
    answer = client.get(f"/api/crowd/{room.share_token}")
    assert answer.cache_control.public
    assert answer.cache_control.max_age == 1
    assert "stale-while-revalidate=1" in answer.headers["Cache-Control"]
    assert "stale-if-error=60" in answer.headers["Cache-Control"]
    assert "Set-Cookie" not in answer.headers
    assert {name.lower() for name in answer.vary} <= {"accept-encoding", "origin"}
    assert answer.headers["X-Server-Now"]


def test_what_has_not_changed_is_not_sent_again(client: FlaskClient, room: Room, owner: Actor) -> None:
    path = f"/api/crowd/{room.share_token}"
    tag = client.get(path).headers["ETag"]
    again = client.get(path, headers={"If-None-Match": tag})
    assert (again.status_code, again.data) == (304, b"")
    assert again.headers["X-Server-Now"]
    rooms.change_stage(actor=owner, room_id=room.id, text="Hello", visible=True)
    assert client.get(path, headers={"If-None-Match": tag}).status_code == 200


def test_a_poll_brings_little_but_what_was_asked_for(client: FlaskClient, room: Room) -> None:
    path = f"/api/crowd/{room.share_token}"
    etag = client.get(path).headers["ETag"]
    headers = client.get(path, headers={"If-None-Match": etag}).headers
    assert headers["Content-Security-Policy"] == "default-src 'none'; frame-ancestors 'none'"
    assert len(str(headers)) < 600, headers


def test_only_the_link_opens_a_private_room(client: FlaskClient, room: Room, owner: Actor) -> None:
    answer = client.get(f"/api/crowd/{room.id}", environ_overrides={ACTOR: owner})
    assert answer.status_code == 404
    assert answer.cache_control.no_store


def test_the_page_is_the_same_for_everybody_too(app: Flask, client: FlaskClient, room: Room, owner: Actor) -> None:
    path = f"/r/{room.share_token}/crowd"
    page = client.get(path, headers={"Accept-Language": "fr"})
    assert page.status_code == 200
    assert page.data == client.get(path, environ_overrides={ACTOR: owner}).data
    assert "public, max-age=1" in page.headers["Cache-Control"]
    assert not {"cookie", "accept-language"} & {name.lower() for name in page.vary}
    assert "Opening" in page.text
    assert '<html lang="fr">' in client.get(f"{path}?lang=fr").text
