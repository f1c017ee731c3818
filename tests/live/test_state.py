"""What polls get who have no socket: the room's state, and who they are in it."""

from __future__ import annotations

import pytest
from flask.testing import FlaskClient

from app.core.actor import Actor
from app.rooms import service as rooms
from tests.support.app_fixtures import ACTOR
from tests.support.factories import add_member, make_room, make_user


@pytest.fixture
def database_url(sqlite_url: str) -> str:
    """One database is enough: the state is tested on both where it is made."""
    return sqlite_url


def test_polling_says_who_one_is_and_a_new_role_is_not_taken_for_no_news(client: FlaskClient, owner: Actor) -> None:
    room = make_room(owner)
    member = make_user()
    add_member(room, member)
    path = f"/api/rooms/{room.id}"
    first = client.get(path, environ_overrides={ACTOR: member})
    assert (first.json or {})["you"] == {"role": "member", "userId": member.id}
    known = {"If-None-Match": first.headers["ETag"]}
    assert client.get(path, headers=known, environ_overrides={ACTOR: member}).status_code == 304
    assert member.id is not None
    rooms.change_member(actor=owner, room_id=room.id, user_id=member.id, changes={"role": "host"})
    again = client.get(path, headers=known, environ_overrides={ACTOR: member})
    assert (again.json or {})["you"]["role"] == "host"
    stranger = client.get(f"/api/rooms/{room.share_token}")
    assert (stranger.json or {})["you"] == {"role": "viewer", "userId": None}


def test_the_state_may_be_sent_back_as_it_was_given(client: FlaskClient, owner: Actor) -> None:
    path = f"/api/rooms/{make_room(owner).id}"
    state = client.get(path, environ_overrides={ACTOR: owner}).get_json()
    changed = client.put(path, json={**state, "name": "Big hall"}, environ_overrides={ACTOR: owner})
    assert (changed.status_code, changed.get_json()["name"]) == (200, "Big hall")
