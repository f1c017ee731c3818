"""Every operation of the document, on a private room's things, by everybody who has no business with them.

Who is outside is told the same as for an id that nobody has; who is inside with too low a role is refused. An operation
that is new must be given its lowest role here.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from app.apidocs.openapi import openapi_document, operations
from app.auth.models import Device
from app.backends.transaction import transaction
from app.core.actor import ANONYMOUS, Actor
from app.core.clock import add_ms
from app.core.ids import new_id
from app.messages import service as messages
from app.rooms import service as rooms
from app.rooms.models import Role, Room
from app.timers import service as timers
from app.uploads import service as uploads
from tests.support.app_fixtures import ACTOR
from tests.support.factories import add_member, make_guest, make_room, make_user
from tests.uploads.support import init, send, ticket_of

Asked = Callable[..., TestResponse]

#: The lowest role, and a body or query with which the owner succeeds. `None`: not about a room's things.
LEAST: dict[str, tuple[Role, Any] | None] = {
    "GET /rooms/{room_id}": (Role.VIEWER, None),
    "PUT /rooms/{room_id}": (Role.OWNER, {"name": "Mine"}),
    "PATCH /rooms/{room_id}": (Role.OWNER, {"name": "Mine"}),
    "DELETE /rooms/{room_id}": (Role.OWNER, None),
    "POST /rooms/{room_id}/leave": (Role.GUEST, None),
    "POST /rooms/{room_id}/share-token": (Role.OWNER, None),
    "GET /rooms/{room_id}/members": (Role.MEMBER, None),
    "POST /rooms/{room_id}/members": (Role.HOST, {"username": "newcomer"}),
    "PATCH /rooms/{room_id}/members/{user_id}": (Role.HOST, {"role": "viewer"}),
    "DELETE /rooms/{room_id}/members/{user_id}": (Role.HOST, None),
    "GET /rooms/{room_id}/guests": (Role.VIEWER, None),
    "POST /rooms/{room_id}/guests": (Role.VIEWER, {"name": "Eve"}),
    "PATCH /rooms/{room_id}/guests/{guest_id}": (Role.HOST, {"mutedUntil": None}),
    "DELETE /rooms/{room_id}/guests/{guest_id}": (Role.HOST, None),
    "GET /rooms/{room_id}/bans": (Role.HOST, None),
    "POST /rooms/{room_id}/bans": (Role.HOST, {"userId": "{somebody}"}),
    "DELETE /rooms/{room_id}/bans/{ban_id}": (Role.HOST, None),
    "GET /rooms/{room_id}/links": (Role.OWNER, None),
    "POST /rooms/{room_id}/links": (Role.OWNER, {"role": "host"}),
    "DELETE /links/{link_id}": (Role.OWNER, None),
    "PUT /rooms/{room_id}/stage": (Role.HOST, {"text": "Hi", "visible": True}),
    "POST /rooms/{room_id}/stage/flash": (Role.HOST, None),
    "POST /rooms/{room_id}/timers": (Role.HOST, {"title": "Talk", "duration": 60_000}),
    "PUT /timers/{timer_id}": (Role.HOST, {"title": "Mine"}),
    "PATCH /timers/{timer_id}": (Role.HOST, {"title": "Mine"}),
    "DELETE /timers/{timer_id}": (Role.HOST, None),
    "POST /timers/{timer_id}/start": (Role.HOST, None),
    "POST /timers/{timer_id}/pause": (Role.HOST, None),
    "POST /timers/{timer_id}/reset": (Role.HOST, None),
    "POST /timers/{timer_id}/adjust": (Role.HOST, {"deltaMs": 1000}),
    "POST /timers/{timer_id}/next": (Role.HOST, None),
    "POST /timers/{timer_id}/undo": (Role.HOST, None),
    "PUT /rooms/{room_id}/timers/order": (Role.HOST, {"ids": ["{timer_id}"]}),
    "POST /rooms/{room_id}/timers/import": (Role.HOST, {"csv": "title,duration\nTalk,5\n"}),
    "POST /rooms/{room_id}/timers/import/preview": (Role.HOST, {"csv": "title,duration\nTalk,5\n"}),
    "GET /rooms/{room_id}/timers.csv": (Role.HOST, None),
    "GET /rooms/{room_id}/timers.ics": (Role.HOST, None),
    "GET /rooms/{room_id}/messages": (Role.GUEST, None),
    "GET /messages": (Role.GUEST, {"roomId": "{room_id}"}),
    "POST /rooms/{room_id}/messages": (Role.GUEST, {"content": "Hello"}),
    "PATCH /messages/{message_id}": (Role.OWNER, {"content": "Mine"}),
    "DELETE /messages/{message_id}": (Role.HOST, None),
    "PUT /messages/{message_id}/vote": (Role.GUEST, None),
    "DELETE /messages/{message_id}/vote": (Role.GUEST, None),
    "GET /messages/{message_id}/receipts": (Role.GUEST, None),
    "GET /rooms/{room_id}/votes": (Role.GUEST, None),
    "GET /rooms/{room_id}/questions": (Role.HOST, None),
    "PUT /messages/{message_id}/question": (Role.HOST, {"state": "open"}),
    "GET /rooms/{room_id}/screens": (Role.HOST, None),
    "GET /rooms/{room_id}/audit": (Role.HOST, None),
    "GET /rooms/{room_id}/messages/search": (Role.GUEST, {"q": "why"}),
    "GET /rooms/{room_id}/transcript.json": (Role.HOST, None),
    "GET /rooms/{room_id}/transcript.txt": (Role.HOST, None),
    "POST /rooms/{room_id}/read": (Role.GUEST, {"messageId": "{message_id}"}),
    "POST /upload/init": (Role.MEMBER, {"roomId": "{room_id}", "filename": "a", "mime": "text/plain", "bytes": 1}),
    "POST /upload/complete": (Role.OWNER, {"uploadId": "{upload_id}"}),
    "GET /attachments/{attachment_id}": (Role.GUEST, None),
    "DELETE /auth/sessions/{session_id}": (Role.OWNER, None),
    # By invitation, by signed address, or about oneself: other tests'.
    "POST /rooms/{room_id}/join": None,
    "GET /links/{token}/accept": None,
    "POST /links/{token}/accept": None,
    "POST /dms": None,
    "GET /crowd/{share_token}": None,
    **dict.fromkeys(("PUT /uploads/{token}", "POST /uploads/{token}", "GET /files/{token}")),
    **dict.fromkeys(("GET /rooms", "POST /rooms", "GET /me", "PATCH /me", "GET /auth/sessions", "GET /stats/socket")),
    **dict.fromkeys(
        f"POST /auth/{name}" for name in ("register", "login", "refresh", "logout", "password", "socket-token")
    ),
    **dict.fromkeys(("GET /openapi.json", "GET /asyncapi.json", "GET /docs")),
}
CHECKED = {label: rule for label, rule in LEAST.items() if rule is not None}
OUTSIDE = ("anonymous", "stranger", "other_host", "guest_elsewhere", "removed", "removed_guest", "banned")
INSIDE = {"viewer": Role.VIEWER, "guest": Role.GUEST, "member": Role.MEMBER, "host": Role.HOST}
IDS = re.compile(r"\{(\w+)\}")


class Cast:
    """A private room with one of everything, made by its owner, and everybody who may want some of it."""

    def __init__(self, client: FlaskClient) -> None:
        self.owner = make_user()
        make_user("newcomer")
        self.room = make_room(self.owner, is_private=True)
        self.people = {**self._outside(), **self._inside(), "owner": self.owner}
        self.ids = self._things(client)

    def _outside(self) -> dict[str, Actor]:
        other_host, removed, banned = make_user(), make_user(), make_user()
        elsewhere = make_room(other_host, is_private=True)
        removed_guest = make_guest(self.room)
        for member in (removed, banned):
            add_member(self.room, member)
        rooms.remove_member(actor=self.owner, room_id=self.room.id, user_id=str(removed.id))
        rooms.remove_guest(actor=self.owner, room_id=self.room.id, guest_id=str(removed_guest.id))
        rooms.create_ban(actor=self.owner, room_id=self.room.id, user_id=banned.id)
        guest = make_guest(elsewhere)
        named = {"other_host": other_host, "guest_elsewhere": guest, "removed": removed, "removed_guest": removed_guest}
        return {"anonymous": ANONYMOUS, "stranger": make_user(), "banned": banned, **named}

    def _inside(self) -> dict[str, Actor]:
        people = {"member": make_user(), "host": make_user(), "guest": make_guest(self.room)}
        add_member(self.room, people["member"])
        add_member(self.room, people["host"], Role.HOST)
        return {**people, "viewer": replace(ANONYMOUS, share_token=self.room.share_token)}

    def _things(self, client: FlaskClient) -> dict[str, str]:
        mine: dict[str, Any] = {"actor": self.owner, "room_id": self.room.id}
        target, guest = make_user(), make_guest(self.room)
        add_member(self.room, target)
        upload = init(self.owner, self.room, b"notes", "text/plain")
        send(client, ticket_of(upload), b"notes")
        attachment = uploads.complete_upload(actor=self.owner, upload_id=upload["upload_id"])
        values = {"content": "why?", "message_type": "question"}
        return {
            "room_id": self.room.id,
            "user_id": str(target.id),
            "somebody": str(make_user().id),
            "guest_id": str(guest.id),
            "ban_id": rooms.list_bans(actor=self.owner, room_id=self.room.id).items[0].id,
            "link_id": rooms.create_link(**mine, role="member").id,
            "timer_id": timers.create_timer(**mine, values={"title": "Talk", "duration_ms": 60_000}).id,
            "message_id": messages.send_message(**mine, **values, attachment_id=attachment["id"])["id"],
            "attachment_id": attachment["id"],
            "upload_id": init(self.owner, self.room, b"notes", "text/plain")["upload_id"],
            "session_id": _device(self.owner),
        }

    def nobodys(self) -> dict[str, str]:
        """Ids of the same form that nobody has."""
        return dict.fromkeys(self.ids, new_id())


def _device(owner: Actor) -> str:
    with transaction() as work:
        times = {"created_at": work.now, "last_used_at": work.now, "expires_at": add_ms(work.now, 60_000)}
        device = Device(id=new_id(), user_id=owner.id, user_agent="", **times)
        work.session.add(device)
    return device.id


def _filled(value: Any, ids: dict[str, str]) -> Any:
    if isinstance(value, str):
        return IDS.sub(lambda match: ids[match[1]], value)
    if isinstance(value, list):
        return [_filled(item, ids) for item in value]
    return {key: _filled(item, ids) for key, item in value.items()} if isinstance(value, dict) else value


@pytest.fixture
def cast(client: FlaskClient) -> Cast:
    return Cast(client)


@pytest.fixture
def ask(app: Flask) -> Asked:
    """One operation as somebody, on the things that `ids` name."""

    def ask(who: Actor, label: str, ids: dict[str, str]) -> TestResponse:
        method, path = label.split(" ")
        values = _filled(CHECKED[label][1], ids)
        kind = "query_string" if method == "GET" else "json"
        given = {kind: values} if values is not None else {}
        return app.test_client().open(
            f"/api{_filled(path, ids)}", method=method, environ_overrides={ACTOR: who}, **given
        )

    return ask


def test_each_operation_of_the_document_has_its_lowest_role_here(app: Flask) -> None:
    with app.app_context():
        documented = {
            f"{method.upper()} {path.removeprefix('/api')}" for method, path, _ in operations(openapi_document())
        }
    assert documented == set(LEAST)


def test_outside_a_private_room_everything_in_it_is_like_a_random_id(cast: Cast, ask: Asked) -> None:
    for label in CHECKED:
        for name in OUTSIDE:
            there, none = (ask(cast.people[name], label, ids) for ids in (cast.ids, cast.nobodys()))
            asked = (name, label, there.get_data(as_text=True)[:200])
            assert there.status_code in (401, 403, 404), asked
            if there.get_json()["error"]["code"] != "banned":  # who is banned knows of the room
                assert (there.status_code, there.get_json()) == (none.status_code, none.get_json()), asked
            else:
                assert name == "banned", asked


def test_inside_nobody_may_more_than_the_role_says(cast: Cast, ask: Asked) -> None:
    for label, (least, _) in CHECKED.items():
        for name, role in INSIDE.items():
            if role < least:
                answer = ask(cast.people[name], label, cast.ids)
                assert answer.status_code in (401, 403, 404, 409), (name, label, answer.get_data(as_text=True)[:200])


def test_the_owner_may_all_of_it(cast: Cast, ask: Asked) -> None:
    """Else the refusals above would prove nothing."""
    fresh = ("upload/complete", "undo", "next", "leave", "sessions")  # these need more than to be there
    last = ("DELETE /rooms/{room_id}", "PUT /rooms/{room_id}/timers/order")  # ends it all, and names all timers
    for label in sorted(CHECKED, key=lambda label: (label == last[0], label.startswith("DELETE"), label != last[1])):
        if not any(word in label for word in fresh):
            answer = ask(cast.owner, label, cast.ids)
            assert answer.status_code < 400 or answer.status_code == 409, (label, answer.get_data(as_text=True)[:200])


def test_things_of_one_room_do_not_go_into_another(cast: Cast, app: Flask) -> None:
    mallory = make_user()
    mine: Room = make_room(mallory)
    add_member(cast.room, mallory)
    client = app.test_client()
    for body, code in (
        ({"content": "x", "attachmentId": cast.ids["attachment_id"]}, "attachment_not_found"),
        ({"content": "x", "replyTo": cast.ids["message_id"]}, "message_not_found"),
    ):
        answer = client.post(f"/api/rooms/{mine.id}/messages", json=body, environ_overrides={ACTOR: mallory})
        assert answer.get_json()["error"]["code"] == code
    read = {"messageId": cast.ids["message_id"]}
    answer = client.post(f"/api/rooms/{mine.id}/read", json=read, environ_overrides={ACTOR: mallory})
    assert answer.get_json()["error"]["code"] == "message_not_found"
