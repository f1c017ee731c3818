from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from app.backends.transaction import reading, transaction
from app.core.actor import ANONYMOUS, Actor
from app.core.clock import FakeClock, from_wire
from app.core.ids import new_id
from app.messages import service
from app.messages.models import Message
from app.rooms.access import require_role
from app.rooms.models import Room
from tests.messages.support import change_member, change_settings, refused, send, texts
from tests.support.factories import add_member, make_guest, make_room, make_user
from tests.support.statements import counted

pytestmark = pytest.mark.usefixtures("app")


def walk_back(actor: Actor, room: Room, limit: int) -> list[list[str]]:
    """The contents of all pages, the newest page first."""
    pages, cursor = [], None
    while True:
        page = service.list_messages(actor=actor, ref=room.id, cursor=cursor, limit=limit)
        pages.append(texts(page))
        cursor = page["nextCursor"]
        if cursor is None:
            return pages


def walk_before(actor: Actor, room: Room, limit: int) -> list[list[str]]:
    """The contents of all of seed 002's pages, the newest page first."""
    pages, before = [], None
    while True:
        items = service.list_messages_before(actor=actor, ref=room.id, before=before, limit=limit)["items"]
        if not items:
            return pages
        pages.append([item["text"] for item in items])
        before = from_wire(items[0]["createdAt"])


def test_pages_walk_back_oldest_first_inside(owner: Actor, room: Room, clock: FakeClock) -> None:
    for n in range(5):
        send(owner, room, str(n))
        clock.advance(1)
    assert walk_back(owner, room, 2) == [["3", "4"], ["1", "2"], ["0"]]
    assert walk_back(owner, room, 5) == [["0", "1", "2", "3", "4"]]


def test_an_empty_room_has_an_empty_page(owner: Actor, room: Room) -> None:
    assert service.list_messages(actor=owner, ref=room.id) == {"items": [], "nextCursor": None}


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=st.lists(st.sampled_from([0, 0, 1, 1000]), min_size=1, max_size=12), limit=st.integers(1, 5))
def test_no_page_loses_or_repeats_messages_of_the_same_millisecond(
    steps: list[int], limit: int, owner: Actor, clock: FakeClock
) -> None:
    room = make_room(owner)
    wanted = []
    with transaction() as work:
        for seq, step in enumerate(steps, 1):
            row = {"id": new_id(), "room_id": room.id, "seq": seq, "change_seq": seq, "author_name": ""}
            created_at = clock.advance(step)
            work.session.add(Message(**row, content=str(seq), message_type="system", created_at=created_at))
            wanted.append(str(seq))
    for pages in (walk_back(owner, room, limit), walk_before(owner, room, limit)):
        assert [text for page in reversed(pages) for text in page] == wanted
    assert all(len(page) == limit for page in walk_back(owner, room, limit)[:-1])


def test_a_new_message_does_not_disturb_a_walk(owner: Actor, room: Room) -> None:
    for n in range(4):
        send(owner, room, str(n))
    first = service.list_messages(actor=owner, ref=room.id, limit=2)
    send(owner, room, "new")
    second = service.list_messages(actor=owner, ref=room.id, limit=2, cursor=first["nextCursor"])
    assert texts(second) + texts(first) == ["0", "1", "2", "3"]


@pytest.mark.parametrize(
    "cursor", ["x", "é", "====", "YzEy.", "YmFk", "Yi0xLng", "Y" * 100, "Yjk5OTk5OTk5OTk5OTk5OTk5OTk5", "Yy0x"]
)
def test_a_cursor_of_no_list_is_refused(cursor: str, owner: Actor, room: Room) -> None:
    with refused("bad_cursor"):
        service.list_messages(actor=owner, ref=room.id, cursor=cursor)


def test_changes_come_once_each_in_the_order_of_their_last_change(owner: Actor, room: Room) -> None:
    first, second, third = (send(owner, room, text) for text in "abc")
    service.edit_message(actor=owner, message_id=first["id"], content="A")
    service.delete_message(actor=owner, message_id=second["id"])
    page = service.list_messages(actor=owner, ref=room.id, after_change=2)
    assert [(item["id"], item["content"], item["changeSeq"]) for item in page["items"]] == [
        (third["id"], "c", 3),
        (first["id"], "A", 4),
        (second["id"], "", 5),
    ]
    assert page["nextCursor"] is None
    assert service.list_messages(actor=owner, ref=room.id, after_change=5)["items"] == []


def test_the_walk_forward_goes_on_by_its_cursor(owner: Actor, room: Room) -> None:
    for n in range(5):
        send(owner, room, str(n))
    seen: list[str] = []
    page = service.list_messages(actor=owner, ref=room.id, after_change=0, limit=2)
    seen += texts(page)
    while page["nextCursor"]:
        page = service.list_messages(actor=owner, ref=room.id, cursor=page["nextCursor"], limit=2)
        seen += texts(page)
    assert seen == ["0", "1", "2", "3", "4"]


def test_seed_002_reads_its_own_names(owner: Actor, room: Room, clock: FakeClock) -> None:
    send(owner, room, "hello")
    (item,) = service.list_messages_before(actor=owner, ref=room.id, before=None)["items"]
    assert (item["name"], item["text"], item["attachmentId"]) == ("Ada", "hello", None)
    assert item["ts"] == int(clock.now().timestamp() * 1000)


def test_a_page_is_two_statements_whatever_its_length(owner: Actor, room: Room) -> None:
    people = [owner, make_guest(room), make_user()]
    add_member(room, people[2])
    for actor in people * 5:
        send(actor, room)
    for limit in (1, 15):
        with counted() as statements:
            page = service.list_messages(actor=owner, ref=room.id, limit=limit)
        assert len(page["items"]) == limit
        assert len(statements) == 2  # the rights, the page


def test_only_who_is_in_the_room_reads(owner: Actor, room: Room) -> None:
    private = make_room(owner, is_private=True)
    for actor, ref, code in (
        (ANONYMOUS, room.id, "unauthenticated"),
        (replace(ANONYMOUS, share_token=room.share_token), room.id, "unauthenticated"),
        (make_user(), room.id, "forbidden"),
        (make_user(), private.id, "room_not_found"),
        (make_guest(room), private.id, "room_not_found"),
    ):
        with refused(code):
            service.list_messages(actor=actor, ref=ref)
        with refused(code):
            service.list_messages_before(actor=actor, ref=ref, before=None)


@pytest.mark.parametrize("kind", ["member", "guest"])
def test_history_since_joining_hides_what_was_before(kind: str, owner: Actor, room: Room, clock: FakeClock) -> None:
    late = make_guest(room) if kind == "guest" else make_user()
    if kind == "member":
        add_member(room, late)
    before = send(owner, room, "before")
    change_member(room, late, joined_chat_seq=1)
    change_settings(room, history="sinceJoin")
    clock.advance(1)
    send(owner, room, "after")
    service.edit_message(actor=owner, message_id=before["id"], content="before, edited")
    assert texts(service.list_messages(actor=late, ref=room.id)) == ["after"]
    assert texts(service.list_messages(actor=late, ref=room.id, after_change=0)) == ["after"]
    assert texts(service.list_messages_before(actor=late, ref=room.id, before=None)) == ["after"]
    assert texts(service.list_messages(actor=owner, ref=room.id)) == ["before, edited", "after"]


def test_history_none_reads_nothing_back(owner: Actor, room: Room) -> None:
    send(owner, room)
    change_settings(room, history="none")
    assert service.list_messages(actor=owner, ref=room.id) == {"items": [], "nextCursor": None}
    assert service.list_messages(actor=owner, ref=room.id, after_change=0) == {"items": [], "nextCursor": None}
    assert service.list_messages_before(actor=owner, ref=room.id, before=None) == {"items": []}


def test_a_joining_client_gets_the_newest_that_it_may_read(owner: Actor, room: Room) -> None:
    for n in range(4):
        send(owner, room, str(n))
    with reading() as session:
        host = require_role(session, actor=owner, ref=room.id)
        viewer = require_role(session, actor=ANONYMOUS, ref=room.share_token)
        assert [item["content"] for item in service.recent_messages(session, host, limit=3)] == ["1", "2", "3"]
        assert service.recent_messages(session, viewer) == []
        changes = service.list_changes(session, room.id, 1, limit=2)
        assert [item["changeSeq"] for item in changes] == [2, 3]
        assert [item["seq"] for item in service.list_changes(session, room.id, 0, joined_chat_seq=2)] == [3, 4]
