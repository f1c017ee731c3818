"""The REST rows of rooms, from end to end: app/rooms/routes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask

from app.core.actor import ANONYMOUS, Actor
from app.core.ids import new_id
from app.rooms.models import DEFAULT_SETTINGS, Role
from tests.rooms.conftest import Http, code_of
from tests.support.factories import add_member, make_guest, make_room, make_user

Client = Callable[[Actor], Http]


def test_a_room_is_made_with_every_setting_and_belongs_to_its_maker(http: Client) -> None:
    ada = make_user("ada")
    answer = http(ada).post("/rooms", {"name": "  Main hall ", "settings": {"chatMode": "hosts"}})
    assert answer.status_code == 201
    room = answer.get_json()
    assert room.pop("shareToken")
    assert room.pop("createdAt") == room.pop("updatedAt") == "2026-01-01T12:00:00.000Z"
    assert room == {
        "id": room["id"],
        "name": "Main hall",
        "description": None,
        "isPrivate": False,
        "ownerId": ada.id,
        "settings": {**DEFAULT_SETTINGS, "chatMode": "hosts"},
        "role": "owner",
        "isDirect": False,
    }


def test_the_list_shows_public_rooms_and_mine_with_my_role(http: Client) -> None:
    ada, bob = make_user("ada"), make_user("bob")
    public, mine, hers = make_room(ada), make_room(bob, is_private=True), make_room(ada, is_private=True)
    items = http(bob).get("/rooms").get_json()["items"]
    assert {item["id"]: item["role"] for item in items} == {public.id: "viewer", mine.id: "owner"}
    assert {item["id"] for item in items if "shareToken" in item} == {mine.id}
    assert all(item["unreadCount"] == 0 for item in items)
    assert hers.id not in str(items)


def test_the_list_is_walked_by_cursor_without_repeating_or_skipping_equal_instants(http: Client) -> None:
    ada = make_user("ada")
    rooms = {make_room(ada, is_private=index % 2 == 0).id for index in range(7)}
    seen: list[str] = []
    cursor = ""
    while True:
        page = http(ada).get(f"/rooms?limit=3{cursor}").get_json()
        assert "items" in page, page
        seen += [item["id"] for item in page["items"]]
        if page["nextCursor"] is None:
            break
        cursor = f"&cursor={page['nextCursor']}"
    assert len(seen) == 7
    assert set(seen) == rooms
    assert seen == sorted(seen, reverse=True)


def test_the_list_finds_names_and_takes_wildcards_literally(http: Client) -> None:
    ada = make_user("ada")
    for name in ("Main Hall", "100% live", "under_score"):
        make_room(ada, name=name)

    def found(q: str) -> list[str]:
        return [item["name"] for item in http(ada).get(f"/rooms?q={q}").get_json()["items"]]

    assert found("hall") == ["Main Hall"]
    assert found("%25") == ["100% live"]
    assert found("r_s") == ["under_score"]
    assert found("nothing") == []


@pytest.mark.parametrize(
    "query", ["cursor=x", "cursor=MTIz", "cursor=%00", "cursor=é", "cursor=OTk5OTk5OTk5OTk5OTk5Ljk"]
)
def test_a_cursor_of_ones_own_making_is_refused(http: Client, query: str) -> None:
    answer = http(make_user()).get(f"/rooms?{query}")
    assert (answer.status_code, code_of(answer)) == (400, "bad_cursor")


@pytest.mark.parametrize(
    "query", ["limit=0", "limit=101", "limit=x", "limit=1.5", "limit=%201", "limit=१", "other=1", "cursor=" + "x" * 201]
)
def test_a_bad_query_is_refused(http: Client, query: str) -> None:
    assert http(make_user()).get(f"/rooms?{query}").status_code == 422


def test_a_put_may_send_back_the_whole_object_that_it_was_given(http: Client) -> None:
    ada = make_user("ada")
    room = http(ada).post("/rooms", {"name": "Hall"}).get_json()
    whole = {**room, "name": "Big hall", "timers": [], "stage": {}, "position": {}, "userCount": 3, "serverNow": "x"}
    answer = http(ada).put(f"/rooms/{room['id']}", whole)
    assert answer.status_code == 200
    assert answer.get_json()["name"] == "Big hall"
    assert code_of(http(ada).put(f"/rooms/{room['id']}", {"nonsense": 1})) == "validation_failed"
    assert code_of(http(ada).patch(f"/rooms/{room['id']}", {"ownerId": new_id()})) == "validation_failed"


BAD_VALUES: list[tuple[str, str, Any]] = [
    ("POST", "/rooms", {}),
    ("POST", "/rooms", {"name": "   "}),
    ("POST", "/rooms", {"name": "x" * 121}),
    ("POST", "/rooms", {"name": "a\x00b"}),
    ("POST", "/rooms", {"name": 3}),
    ("POST", "/rooms", {"name": "x", "isPrivate": "yes"}),
    ("POST", "/rooms", {"name": "x", "description": "x" * 2001}),
    ("POST", "/rooms", {"name": "x", "settings": {"chatMode": "loud"}}),
    ("POST", "/rooms", {"name": "x", "settings": {"slowModeMs": -1}}),
    ("POST", "/rooms", {"name": "x", "settings": {"slowModeMs": 1.5}}),
    ("POST", "/rooms", {"name": "x", "settings": {"colour": "red"}}),
    ("POST", "/rooms", {"name": "x", "settings": None}),
    ("POST", "/rooms", {"name": "x", "ownerId": "me"}),
    ("POST", "/rooms/{room}/join", {"role": "owner"}),
    ("POST", "/rooms/{room}/leave", {"x": 1}),
    ("POST", "/rooms/{room}/share-token", {"token": "mine"}),
    ("POST", "/rooms/{room}/members", {}),
    ("POST", "/rooms/{room}/members", {"userId": "x"}),
    ("POST", "/rooms/{room}/members", {"username": "bob", "email": "bob@example.org"}),
    ("POST", "/rooms/{room}/members", {"username": "bob", "role": "owner"}),
    ("PATCH", "/rooms/{room}/members/{user}", {"role": "left"}),
    ("PATCH", "/rooms/{room}/members/{user}", {"mutedUntil": "tomorrow"}),
    ("PATCH", "/rooms/{room}/members/{user}", {"mutedUntil": "2026-01-01T12:00:00"}),
    ("PATCH", "/rooms/{room}/members/{user}", {"userId": "x"}),
    ("POST", "/rooms/{room}/guests", {}),
    ("POST", "/rooms/{room}/guests", {"name": " \t "}),
    ("POST", "/rooms/{room}/guests", {"name": "x" * 41}),
    ("POST", "/rooms/{room}/guests", {"name": "x", "role": "host"}),
    ("PATCH", "/rooms/{room}/guests/{user}", {}),
    ("POST", "/rooms/{room}/bans", {}),
    ("POST", "/rooms/{room}/bans", {"userId": "{user}", "guestId": "{user}"}),
    ("POST", "/rooms/{room}/bans", {"userId": "{user}", "reason": "x" * 501}),
    ("POST", "/rooms/{room}/links", {}),
    ("POST", "/rooms/{room}/links", {"role": "owner"}),
    ("POST", "/rooms/{room}/links", {"role": "member", "maxUses": 0}),
    ("POST", "/rooms/{room}/links", {"role": "member", "maxUses": True}),
    ("POST", "/rooms/{room}/links", {"role": "member", "expiresAt": "2026-01-01T11:59:59Z"}),
    ("POST", "/rooms/{room}/links", {"role": "member", "label": "x" * 121}),
    ("PUT", "/rooms/{room}/stage", {"text": "x"}),
    ("PUT", "/rooms/{room}/stage", {"text": "x" * 501, "visible": True}),
    ("PUT", "/rooms/{room}/stage", {"text": "x", "visible": True, "style": "<b>"}),
    ("PUT", "/rooms/{room}/stage", {"text": "x", "visible": 1}),
    ("POST", "/rooms/{room}/stage/flash", {"colour": "red"}),
    ("POST", "/dms", {}),
    ("POST", "/dms", {"userId": "{owner}"}),
]


def test_bad_values_are_refused_and_change_nothing(http: Client, published: list[Any]) -> None:
    owner, user = make_user(), make_user("bob")
    room = make_room(owner)
    add_member(room, user)
    names = {"{room}": room.id, "{user}": user.id, "{owner}": owner.id}
    for method, template, values in BAD_VALUES:
        path = template
        for name, ident in names.items():
            path = path.replace(name, str(ident))
        body = {key: names.get(value, value) if isinstance(value, str) else value for key, value in values.items()}
        answer = http(owner)(method, path, body)
        assert (answer.status_code, code_of(answer)) == (422, "validation_failed"), (method, template, values)
        assert answer.get_json()["error"]["details"]
    assert published == []


def test_a_guest_acts_with_the_token_it_was_given(app: Flask, http: Client) -> None:
    room = make_room(make_user(), is_private=True)
    answer = http(ANONYMOUS).post(f"/rooms/{room.share_token}/guests", {"name": " Ada "})
    assert answer.status_code == 201
    body = answer.get_json()
    assert body["guest"] == {"id": body["guest"]["id"], "name": "Ada"}
    bearer = {"Authorization": f"Bearer {body['accessToken']}"}
    client = app.test_client()
    listed = client.get(f"/api/rooms/{room.id}/guests", headers=bearer)
    assert [guest["name"] for guest in listed.get_json()["items"]] == ["Ada"]
    assert client.post(f"/api/rooms/{room.id}/leave", headers=bearer).status_code == 204
    assert client.get(f"/api/rooms/{room.id}/guests", headers=bearer).status_code == 401


def test_members_are_added_changed_and_removed(http: Client) -> None:
    owner, bob = make_user(), make_user("bob")
    room = make_room(owner, is_private=True)
    base = f"/rooms/{room.id}/members"
    added = http(owner).post(base, {"email": "BOB@example.org", "role": "host"})
    assert added.status_code == 201
    member = added.get_json()
    assert member["user"] == {"id": bob.id, "username": "bob", "name": "bob"}
    assert (member["userId"], member["roomId"], member["role"], member["mutedUntil"]) == (bob.id, room.id, "host", None)
    changed = http(owner).patch(f"{base}/{bob.id}", {**member, "role": "member", "mutedUntil": "2026-01-01T13:00:00Z"})
    assert code_of(changed) == "validation_failed"
    changed = http(owner).patch(f"{base}/{bob.id}", {"role": "member", "mutedUntil": "2026-01-01T13:00:00Z"})
    assert (changed.get_json()["role"], changed.get_json()["mutedUntil"]) == ("member", "2026-01-01T13:00:00.000Z")
    assert [item["role"] for item in http(bob).get(base).get_json()["items"]] == ["owner", "member"]
    assert http(owner).delete(f"{base}/{bob.id}").status_code == 204
    assert code_of(http(bob).get(base)) == "room_not_found"


def test_whether_somebody_is_muted_is_between_them_and_the_hosts(http: Client) -> None:
    owner, bob, ann = make_user(), make_user("bob"), make_user("ann")
    room = make_room(owner)
    eve, zoe = make_guest(room, "Eve"), make_guest(room, "Zoe")
    for member in (bob, ann):
        add_member(room, member)
    until = "2026-01-01T13:00:00.000Z"
    http(owner).patch(f"/rooms/{room.id}/members/{bob.id}", {"mutedUntil": until})
    http(owner).patch(f"/rooms/{room.id}/guests/{eve.id}", {"mutedUntil": until})

    def muted(actor: Actor, people: str, name: str) -> list[str | None]:
        items = http(actor).get(f"/rooms/{room.id}/{people}").get_json()["items"]
        return [item["mutedUntil"] for item in items if "mutedUntil" in item and name in str(item)]

    assert [muted(actor, "members", "bob") for actor in (owner, bob, ann)] == [[until], [until], []]
    assert [muted(actor, "guests", "Eve") for actor in (owner, eve, zoe, ann, ANONYMOUS)] == [
        [until],
        [until],
        [],
        [],
        [],
    ]


def test_links_let_in_with_their_role(http: Client) -> None:
    owner, bob = make_user(), make_user("bob")
    room = make_room(owner, is_private=True)
    made = http(owner).post(f"/rooms/{room.id}/links", {"role": "host", "label": "Crew", "maxUses": 1})
    assert made.status_code == 201
    link = made.get_json()
    accepted = http(bob).post(f"/links/{link['token']}/accept")
    assert (accepted.status_code, accepted.get_json()["role"]) == (200, "host")
    assert http(owner).get(f"/rooms/{room.id}/links").get_json()["items"] == [{**link, "uses": 1}]
    assert http(owner).delete(f"/links/{link['id']}").status_code == 204
    assert code_of(http(make_user()).post(f"/links/{link['token']}/accept")) == "link_not_found"


def test_bans_are_made_listed_and_lifted(http: Client) -> None:
    owner, bob = make_user(), make_user("bob")
    room = make_room(owner)
    guest = make_guest(room, "Eve")
    for who in ({"userId": bob.id, "reason": "spam"}, {"guestId": guest.id}):
        assert http(owner).post(f"/rooms/{room.id}/bans", who).status_code == 201
    bans = http(owner).get(f"/rooms/{room.id}/bans").get_json()["items"]
    assert [(ban["name"], ban["reason"], ban["createdBy"]) for ban in bans] == [
        ("Eve", None, owner.id),
        ("bob", "spam", owner.id),
    ]
    assert code_of(http(bob).post(f"/rooms/{room.id}/join")) == "banned"
    assert http(owner).delete(f"/rooms/{room.id}/bans/{bans[1]['id']}").status_code == 204
    assert http(bob).post(f"/rooms/{room.id}/join").get_json()["role"] == "member"


def test_the_stage_is_set_and_flashes(http: Client) -> None:
    host = make_user()
    room = make_room(make_user())
    add_member(room, host, Role.HOST)
    stage = {"text": "Wrap up", "visible": True}
    answer = http(host).put(f"/rooms/{room.id}/stage", stage)
    full = {"text": "Wrap up", "style": None, "visible": True, "blackout": False, "roomId": room.id}
    assert (answer.status_code, answer.get_json()) == (200, full)
    assert http(host).put(f"/rooms/{room.id}/stage", {**full, "style": "urgent"}).get_json()["style"] == "urgent"
    assert http(host).post(f"/rooms/{room.id}/stage/flash").status_code == 204


def test_a_direct_room_is_made_once_and_then_always_the_same(http: Client) -> None:
    ada, bob = make_user("ada"), make_user("bob")
    made = http(ada).post("/dms", {"userId": bob.id})
    again = http(bob).post("/dms", {"userId": ada.id})
    assert (made.status_code, again.status_code) == (201, 200)
    assert made.get_json()["id"] == again.get_json()["id"]
    assert (made.get_json()["name"], made.get_json()["isDirect"]) == ("ada & bob", True)
    assert code_of(http(ada).post("/dms", {"userId": new_id()})) == "user_not_found"


@pytest.mark.parametrize("token", ["%00", "%20", "x" * 65, "%F0%9F%98%80"])
def test_a_token_that_no_link_can_have_is_no_link(http: Client, token: str) -> None:
    answer = http(make_user()).post(f"/links/{token}/accept")
    assert (answer.status_code, answer.get_json()["error"]["code"]) == (404, "link_not_found")
