"""Each role against each action of rooms, by the contract's table of who may what."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from flask import Flask

from app.backends.transaction import transaction
from app.core.actor import ANONYMOUS, Actor
from app.core.ids import new_id, new_token
from app.rooms.models import Ban, Link, Role, Room
from tests.rooms.conftest import Http, code_of
from tests.support.factories import add_member, make_guest, make_room, make_user

Client = Callable[[Actor], Http]

ROLES = ("anonymous", "stranger", "guest", "viewer", "member", "host", "owner")
RANK = {"anonymous": 10, "stranger": 10, "guest": 20, "viewer": 10, "member": 30, "host": 40, "owner": 50}

# method, path, body, the lowest role, the status of success
ACTIONS: list[tuple[str, str, Any, Role, int]] = [
    ("PATCH", "/rooms/{room}", {"name": "New"}, Role.OWNER, 200),
    ("PUT", "/rooms/{room}", {"settings": {"uploads": False}}, Role.OWNER, 200),
    ("DELETE", "/rooms/{room}", None, Role.OWNER, 204),
    ("POST", "/rooms/{room}/share-token", None, Role.OWNER, 200),
    ("GET", "/rooms/{room}/members", None, Role.MEMBER, 200),
    ("POST", "/rooms/{room}/members", {"username": "{newcomer}"}, Role.HOST, 201),
    ("POST", "/rooms/{room}/members", {"username": "{newcomer}", "role": "host"}, Role.OWNER, 201),
    ("PATCH", "/rooms/{room}/members/{target}", {"mutedUntil": "2030-01-01T00:00:00Z"}, Role.HOST, 200),
    ("PATCH", "/rooms/{room}/members/{target}", {"role": "viewer"}, Role.HOST, 200),
    ("PATCH", "/rooms/{room}/members/{target}", {"role": "host"}, Role.OWNER, 200),
    ("PATCH", "/rooms/{room}/members/{target}", {"role": "owner"}, Role.OWNER, 200),
    ("PATCH", "/rooms/{room}/members/{other_host}", {"role": "member"}, Role.OWNER, 200),
    ("PATCH", "/rooms/{room}/members/{other_host}", {"mutedUntil": "2030-01-01T00:00:00Z"}, Role.OWNER, 200),
    ("DELETE", "/rooms/{room}/members/{target}", None, Role.HOST, 204),
    ("DELETE", "/rooms/{room}/members/{other_host}", None, Role.OWNER, 204),
    ("POST", "/rooms/{room}/guests", {"name": "Eve"}, Role.VIEWER, 201),
    ("GET", "/rooms/{room}/guests", None, Role.VIEWER, 200),
    ("PATCH", "/rooms/{room}/guests/{other_guest}", {"mutedUntil": "2030-01-01T00:00:00Z"}, Role.HOST, 200),
    ("DELETE", "/rooms/{room}/guests/{other_guest}", None, Role.HOST, 204),
    ("GET", "/rooms/{room}/audit", None, Role.HOST, 200),
    ("GET", "/rooms/{room}/bans", None, Role.HOST, 200),
    ("POST", "/rooms/{room}/bans", {"userId": "{target}"}, Role.HOST, 201),
    ("POST", "/rooms/{room}/bans", {"userId": "{other_host}"}, Role.OWNER, 201),
    ("POST", "/rooms/{room}/bans", {"guestId": "{other_guest}"}, Role.HOST, 201),
    ("DELETE", "/rooms/{room}/bans/{ban}", None, Role.HOST, 204),
    ("GET", "/rooms/{room}/links", None, Role.OWNER, 200),
    ("POST", "/rooms/{room}/links", {"role": "viewer"}, Role.OWNER, 201),
    ("PUT", "/rooms/{room}/stage", {"text": "Hi", "visible": True}, Role.HOST, 200),
    ("POST", "/rooms/{room}/stage/flash", None, Role.HOST, 204),
]


@dataclass
class Cast:
    """A room with one of everybody, and the ids that paths are filled with."""

    room: Room
    actors: dict[str, Actor]
    names: dict[str, str]

    def fill(self, template: Any) -> Any:
        if isinstance(template, str):
            return template.format_map(self.names)
        if isinstance(template, dict):
            return {key: self.fill(value) if isinstance(value, str) else value for key, value in template.items()}
        return template


def make_cast(people: dict[str, Actor], *, is_private: bool = False) -> Cast:
    room = make_room(people["owner"], is_private=is_private)
    add_member(room, people["target"])
    add_member(room, people["member"])
    add_member(room, people["viewer"], Role.VIEWER)
    add_member(room, people["host"], Role.HOST)
    add_member(room, people["other_host"], Role.HOST)
    ban_id = new_id()
    with transaction() as work:
        work.session.add(Ban(id=ban_id, room_id=room.id, user_id=people["banned"].id, created_at=work.now))
    other_guest = make_guest(room)
    names = {name: str(people[name].id) for name in ("target", "other_host")}
    names |= {"room": room.id, "ban": ban_id, "other_guest": str(other_guest.id), "newcomer": "newcomer"}
    return Cast(room, {**people, "guest": make_guest(room), "anonymous": ANONYMOUS}, names)


def make_people() -> dict[str, Actor]:
    names = ("owner", "host", "other_host", "member", "viewer", "stranger", "target", "banned")
    return {name: make_user(name) for name in names}


def expected(role: str, need: Role, status: int) -> tuple[int, str]:
    if RANK[role] >= need:
        return status, "ok"
    return (401, "unauthenticated") if role == "anonymous" else (403, "forbidden")


def test_each_role_may_exactly_what_the_table_says(app: Flask, http: Client) -> None:
    people = make_people()
    make_user("newcomer")
    for method, path, body, need, status in ACTIONS:
        cast = make_cast(people)
        for role in ROLES:
            answer = http(cast.actors[role])(method, cast.fill(path), cast.fill(body))
            got = (answer.status_code, code_of(answer))
            assert got == expected(role, need, status), (role, method, path, body)
            if got[1] == "ok" and method != "GET":
                cast = make_cast(people)
        answer = http(cast.actors["banned"])(method, cast.fill(path), cast.fill(body))
        assert (answer.status_code, code_of(answer)) == (403, "banned"), (method, path)


def test_a_private_room_answers_strangers_as_a_random_id_does(app: Flask, http: Client) -> None:
    people = make_people()
    cast = make_cast(people, is_private=True)
    guest_elsewhere = make_guest(make_room(people["owner"]))
    nowhere = Cast(cast.room, cast.actors, {**cast.names, "room": new_id()})
    actions = [*ACTIONS, ("POST", "/rooms/{room}/join", None, Role.VIEWER, 200)]
    for method, path, body, _, _ in actions:
        for actor in (ANONYMOUS, people["stranger"], guest_elsewhere):
            there = http(actor)(method, cast.fill(path), cast.fill(body))
            none = http(actor)(method, nowhere.fill(path), nowhere.fill(body))
            asked = (method, path, actor.kind)
            assert there.get_json() == none.get_json(), asked
            assert there.status_code == none.status_code, asked
            if not path.endswith("/join"):  # which asks for an account first
                assert code_of(there) == "room_not_found", asked


def test_ids_of_another_room_are_not_found_in_mine(app: Flask, http: Client) -> None:
    people = make_people()
    theirs = make_cast(people)
    mallory = make_user("mallory")
    mine = make_room(mallory)
    with transaction() as work:
        link = Link(id=new_id(), room_id=theirs.room.id, token=new_token(), role="host", uses=0, created_at=work.now)
        work.session.add(link)
    client = http(mallory)
    room = f"/rooms/{mine.id}"
    for method, path, body, code in [
        ("PATCH", f"{room}/members/{people['member'].id}", {"role": "viewer"}, "member_not_found"),
        ("DELETE", f"{room}/members/{people['member'].id}", None, "member_not_found"),
        ("DELETE", f"{room}/members/nonsense", None, "member_not_found"),
        ("PATCH", f"{room}/guests/{theirs.names['other_guest']}", {"mutedUntil": None}, "guest_not_found"),
        ("DELETE", f"{room}/guests/{theirs.names['other_guest']}", None, "guest_not_found"),
        ("POST", f"{room}/bans", {"guestId": theirs.names["other_guest"]}, "guest_not_found"),
        ("POST", f"{room}/bans", {"userId": new_id()}, "user_not_found"),
        ("DELETE", f"{room}/bans/{theirs.names['ban']}", None, "ban_not_found"),
        ("DELETE", f"{room}/bans/nonsense", None, "ban_not_found"),
        ("POST", f"{room}/members", {"userId": new_id()}, "user_not_found"),
        ("POST", f"{room}/members", {"email": "nobody@example.org"}, "user_not_found"),
        ("DELETE", f"/links/{link.id}", None, "link_not_found"),
        ("DELETE", f"/links/{new_id()}", None, "link_not_found"),
        ("DELETE", "/links/nonsense", None, "link_not_found"),
        ("POST", "/links/nonsense/accept", None, "link_not_found"),
    ]:
        assert code_of(client(method, path, body)) == code, (method, path)


def test_a_link_is_there_for_the_owner_alone(app: Flask, http: Client) -> None:
    cast = make_cast(make_people())
    link = http(cast.actors["owner"]).post(f"/rooms/{cast.room.id}/links", {"role": "host"}).get_json()
    for role in ("host", "member", "stranger", "banned"):
        assert code_of(http(cast.actors[role]).delete(f"/links/{link['id']}")) == "link_not_found", role
    assert http(cast.actors["owner"]).delete(f"/links/{link['id']}").status_code == 204


def test_only_accounts_make_list_and_join_rooms(app: Flask, http: Client) -> None:
    room = make_room(make_user())
    guest = make_guest(room)
    for method, path, body in [
        ("POST", "/rooms", {"name": "Mine"}),
        ("GET", "/rooms", None),
        ("POST", f"/rooms/{room.id}/join", None),
        ("POST", "/dms", {"userId": room.owner_id}),
        ("POST", "/links/x/accept", None),
    ]:
        assert code_of(http(ANONYMOUS)(method, path, body)) == "unauthenticated", path
        assert code_of(http(guest)(method, path, body)) == "forbidden", path


def test_the_share_token_lets_a_viewer_see_a_private_room_and_no_more(app: Flask, http: Client) -> None:
    room = make_room(make_user(), is_private=True)
    stranger = http(make_user())
    assert code_of(stranger.get(f"/rooms/{room.share_token}/guests")) == "ok"
    assert code_of(stranger.post(f"/rooms/{room.share_token}/join")) == "forbidden"
    assert code_of(stranger.get(f"/rooms/{room.share_token}/members")) == "forbidden"
