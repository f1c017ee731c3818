"""What the rooms' services change and tell: app/rooms/service."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from functools import partial
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import event as sql_event
from sqlalchemy import func, select

from app.auth.service import accounts
from app.backends.handles import handles
from app.backends.transaction import database, reading, transaction
from app.core.actor import ANONYMOUS, SYSTEM, Actor
from app.core.clock import FakeClock, add_ms, to_wire
from app.core.errors import AppError
from app.core.event import Event, chat_channel, room_channel, user_channel
from app.core.ids import new_id
from app.core.spelling import name_key
from app.rooms import service
from app.rooms.access import require_role
from app.rooms.models import Guest, Membership, Role, Room, RoomEvent
from app.rooms.stream import append_room_event, raise_chat
from tests.support.calls import calls_of
from tests.support.factories import add_member, make_guest, make_room, make_user
from tests.support.statements import counted

pytestmark = pytest.mark.usefixtures("app")


def told(published: list[Event], name: str) -> list[Any]:
    """The first argument of every event of that name."""
    return [event.args[0] for event in published if event.name == name]


def access_changes(published: list[Event]) -> list[tuple[str | None, str | None, str]]:
    return [(change["userId"], change["guestId"], change["reason"]) for change in told(published, "access-changed")]


def logged(room: Room) -> list[RoomEvent]:
    with reading() as session:
        return list(session.scalars(select(RoomEvent).where(RoomEvent.room_id == room.id).order_by(RoomEvent.seq)))


def role_of(room: Room, actor: Actor) -> str | None:
    with reading() as session:
        membership = session.get(Membership, (actor.user_id, room.id))
        return membership.role if membership else None


def refusal(code: str) -> Any:
    return pytest.raises(AppError, match=f"^{code}:")


def test_a_change_tells_the_room_once_and_remembers_what_was_there(published: list[Event], clock: FakeClock) -> None:
    owner = make_user()
    room = make_room(owner, name="Old")
    clock.advance(1000)
    changes = {"name": "New", "settings": {"slowModeMs": 5000}}
    view = service.change_room(actor=owner, room_id=room.id, changes=changes)
    (payload,) = told(published, "room-updated")
    assert payload == {**service.room_payload(view.room), "seq": 1}
    assert (payload["name"], payload["settings"]["slowModeMs"], payload["settings"]["guests"]) == ("New", 5000, True)
    assert payload["updatedAt"] == to_wire(clock.now())
    assert "shareToken" not in payload
    (entry,) = logged(room)
    assert (entry.actor_id, entry.cause, entry.payload) == (owner.id, "changed", payload)
    assert entry.before is not None
    assert (entry.before["name"], entry.before["settings"]["slowModeMs"]) == ("Old", 0)


def test_changing_to_what_already_holds_tells_nothing(published: list[Event], clock: FakeClock) -> None:
    owner = make_user()
    room = make_room(owner)
    clock.advance(1000)
    same = {"name": room.name, "settings": {"guests": True}}
    view = service.change_room(actor=owner, room_id=room.id, changes=same)
    service.change_stage(actor=owner, room_id=room.id, text="", visible=False)
    service.change_member(actor=owner, room_id=room.id, user_id=str(owner.id), changes={"role": "owner"})
    assert published == []
    assert view.room.updated_at == room.created_at


def test_closing_a_room_to_viewers_or_guests_asks_everybodys_rights_anew(published: list[Event]) -> None:
    owner = make_user()
    room = make_room(owner)
    guest = make_guest(room)
    service.change_room(actor=owner, room_id=room.id, changes={"settings": {"guests": False}})
    with reading() as session:
        assert require_role(session, actor=guest, ref=room.id).role is Role.VIEWER
    service.change_room(actor=owner, room_id=room.id, changes={"is_private": True})
    with reading() as session, refusal("room_not_found"):
        require_role(session, actor=guest, ref=room.id)
    assert access_changes(published) == [(None, None, "guests"), (None, None, "private")]
    assert [entry.cause for entry in logged(room)] == ["guests", "private"]
    assert [event.name for event in published] == ["access-changed", "room-updated"] * 2


def test_a_deleted_room_is_gone_at_once_and_purged_later(published: list[Event], clock: FakeClock) -> None:
    owner = make_user()
    room, kept = make_room(owner), make_room(owner)
    service.delete_room(actor=owner, room_id=room.id)
    assert told(published, "room-deleted") == [{"roomId": room.id, "seq": 1}]
    assert access_changes(published) == [(None, None, "deleted")]
    for ref in (room.id, room.share_token):
        with refusal("room_not_found"):
            service.list_guests(actor=owner, ref=ref)
    assert [view.room.id for view in service.list_rooms(actor=owner).items] == [kept.id]
    assert service.purge_deleted_rooms(before=clock.now()) == 0
    clock.advance(1)
    assert service.purge_deleted_rooms(before=clock.now()) == 1
    assert told(published, "room-purged") == [{"roomId": room.id}]
    with reading() as session:
        assert session.get(Room, room.id) is None
        assert session.scalar(select(func.count()).select_from(Membership)) == 1


def test_a_new_share_token_ends_the_old_one(published: list[Event]) -> None:
    owner = make_user()
    room = make_room(owner, is_private=True)
    guest = make_guest(room)
    token = service.rotate_share_token(actor=owner, room_id=room.id).share_token
    assert token not in (None, room.share_token)
    assert access_changes(published) == [(None, None, "rotated")]
    with reading() as session:
        assert require_role(session, actor=ANONYMOUS, ref=str(token)).role is Role.VIEWER
        assert require_role(session, actor=guest, ref=room.id).role is Role.GUEST
        with refusal("room_not_found"):
            require_role(session, actor=ANONYMOUS, ref=room.share_token)
    assert str(token) not in str(logged(room)[0].payload)


def test_joining_begins_where_the_conversation_is_and_keeps_that_over_leaving(published: list[Event]) -> None:
    bob = make_user("bob")
    room = make_room(make_user())
    with transaction() as work:
        raise_chat(work.session, room.id, 7)
    service.join_room(actor=bob, ref=room.id)
    assert told(published, "member-joined") == [
        {
            "roomId": room.id,
            "user": {"id": bob.id, "username": "bob", "name": "bob", "isGuest": False},
            "role": "member",
            "byId": bob.id,
        }
    ]
    service.join_room(actor=bob, ref=room.id)
    service.leave_room(actor=bob, room_id=room.id)
    assert role_of(room, bob) == "left"
    with transaction() as work:
        raise_chat(work.session, room.id, 5)
    service.join_room(actor=bob, ref=room.share_token)
    with reading() as session:
        membership = session.get_one(Membership, (bob.user_id, room.id))
        assert (membership.role, membership.joined_chat_seq) == ("member", 7)
    assert access_changes(published) == [
        (bob.id, None, "admitted"),
        (bob.id, None, "left"),
        (bob.id, None, "admitted"),
    ]
    assert len(told(published, "member-joined")) == 2
    assert [event.cause for event in logged(room)] == ["left"]


def test_leaving_is_refused_to_owners_to_strangers_and_in_direct_rooms() -> None:
    ada, bob = make_user(), make_user()
    room = make_room(ada)
    with refusal("owner_required"):
        service.leave_room(actor=ada, room_id=room.id)
    with refusal("owner_required"):
        service.remove_member(actor=ada, room_id=room.id, user_id=str(ada.id))
    with refusal("owner_required"):
        service.change_member(actor=ada, room_id=room.id, user_id=str(ada.id), changes={"role": "member"})
    with refusal("not_in_room"):
        service.leave_room(actor=bob, room_id=room.id)
    direct, _ = service.open_direct(actor=ada, user_id=str(bob.id))
    with refusal("conflict"):
        service.leave_room(actor=bob, room_id=direct.room.id)


def test_an_invitation_tells_the_invited_and_the_room(published: list[Event]) -> None:
    owner, bob = make_user("owner"), make_user("bob")
    room = make_room(owner, name="Hall", is_private=True)
    service.add_member(actor=owner, room_id=room.id, username="BOB")
    (added,) = [event for event in published if event.name == "member-added"]
    assert added.channel == user_channel(str(bob.id))
    assert added.args[0] == {
        "roomId": room.id,
        "roomName": "Hall",
        "isDirect": False,
        "userId": bob.id,
        "role": "member",
        "from": {"id": owner.id, "username": "owner", "name": "owner"},
    }
    assert told(published, "member-joined")[0]["byId"] == owner.id
    assert [(entry.cause, entry.before) for entry in logged(room)] == [
        ("member-added", {"userId": bob.id, "role": None})
    ]
    with refusal("conflict"):
        service.add_member(actor=owner, room_id=room.id, user_id=bob.id)


def test_the_banned_are_not_let_in_by_any_door_until_it_is_lifted(published: list[Event]) -> None:
    owner, bob = make_user(), make_user()
    room = make_room(owner)
    add_member(room, bob)
    link = service.create_link(actor=owner, room_id=room.id, role="host")
    ban = service.create_ban(actor=owner, room_id=room.id, user_id=bob.id)
    assert service.create_ban(actor=owner, room_id=room.id, user_id=bob.id, reason="again") == ban
    assert access_changes(published) == [(bob.id, None, "banned")]
    with refusal("conflict"):
        service.add_member(actor=owner, room_id=room.id, user_id=bob.id)
    with refusal("banned"):
        service.join_room(actor=bob, ref=room.id)
    with refusal("banned"):
        service.accept_link(actor=bob, token=link.token)
    assert service.list_rooms(actor=bob).items == []
    service.delete_ban(actor=owner, room_id=room.id, ban_id=ban.id)
    assert role_of(room, bob) == "left"
    assert service.accept_link(actor=bob, token=link.token).role == "host"
    assert [entry.cause for entry in logged(room)] == ["link-created", "banned", "unbanned"]


def test_muting_and_removing_name_the_person_and_are_logged(published: list[Event], clock: FakeClock) -> None:
    owner, host, bob = make_user(), make_user(), make_user()
    room = make_room(owner)
    add_member(room, host, Role.HOST)
    add_member(room, bob)
    guest = make_guest(room, "Eve")
    until = add_ms(clock.now(), 60_000)
    service.change_member(actor=host, room_id=room.id, user_id=str(bob.id), changes={"muted_until": until})
    service.mute_guest(actor=host, room_id=room.id, guest_id=str(guest.id), muted_until=until)
    service.mute_guest(actor=host, room_id=room.id, guest_id=str(guest.id), muted_until=until)
    service.remove_member(actor=host, room_id=room.id, user_id=str(bob.id))
    service.remove_guest(actor=host, room_id=room.id, guest_id=str(guest.id))
    assert access_changes(published) == [
        (bob.id, None, "muted"),
        (None, guest.id, "muted"),
        (bob.id, None, "removed"),
        (None, guest.id, "removed"),
    ]
    assert [(entry.cause, entry.actor_id, entry.before) for entry in logged(room)] == [
        ("muted", host.id, {"userId": bob.id, "role": "member", "mutedUntil": None}),
        ("muted", host.id, {"guestId": guest.id, "mutedUntil": None}),
        ("removed", host.id, {"userId": bob.id, "role": "member"}),
        ("removed", host.id, {"guestId": guest.id, "name": "Eve"}),
    ]


def test_leaving_and_coming_back_does_not_unmute(clock: FakeClock) -> None:
    owner, bob = make_user(), make_user()
    room = make_room(owner)
    service.join_room(actor=bob, ref=room.id)
    until = add_ms(clock.now(), 60_000)
    service.change_member(actor=owner, room_id=room.id, user_id=str(bob.id), changes={"muted_until": until})
    service.leave_room(actor=bob, room_id=room.id)
    assert service.join_room(actor=bob, ref=room.id).muted_until == until


def test_handing_over_makes_one_owner_and_the_old_one_a_host(published: list[Event]) -> None:
    owner, bob = make_user(), make_user()
    room = make_room(owner)
    add_member(room, bob)
    service.change_member(actor=owner, room_id=room.id, user_id=str(bob.id), changes={"role": "owner"})
    assert (role_of(room, owner), role_of(room, bob)) == ("host", "owner")
    (payload,) = told(published, "room-updated")
    assert payload["ownerId"] == bob.id
    assert access_changes(published) == [(owner.id, None, "role"), (bob.id, None, "role")]
    assert logged(room)[0].before == {"ownerId": owner.id, "userId": owner.id}
    service.leave_room(actor=owner, room_id=room.id)
    service.join_room(actor=owner, ref=room.id)
    service.change_member(actor=SYSTEM, room_id=room.id, user_id=str(owner.id), changes={"role": "owner"})
    assert (role_of(room, owner), role_of(room, bob)) == ("owner", "host")


def test_a_taken_nickname_gets_a_number(published: list[Event]) -> None:
    owner = make_user("Grace")
    room = make_room(owner)
    names = ["Ada", "ADA", "Ａda", "Ada 2", "Grace", "x" * 40, "x" * 40, "A  d", "A d"]
    guests = [service.admit_guest(actor=ANONYMOUS, ref=room.id, name=name) for name in names]
    assert [guest.name for guest in guests] == [
        "Ada",
        "ADA 2",
        "Ａda 3",
        "Ada 2 2",
        "Grace 2",
        "x" * 40,
        "x" * 38 + " 2",
        "A d",
        "A d 2",
    ]
    assert [joined["user"]["isGuest"] for joined in told(published, "member-joined")] == [True] * len(names)
    service.remove_guest(actor=owner, room_id=room.id, guest_id=guests[0].id)
    assert service.admit_guest(actor=ANONYMOUS, ref=room.id, name="Ada").name == "Ada"


LOOK_ALIKES = (
    *("Ada Host", "ada HOST", "Ada Host\u200d", "\u200eAda Host", "Ada\u061c Host", "Ada Host\ufe0f", "Ada\u034f Host"),
    *("Ａｄａ　Ｈｏｓｔ", "Ada \u200d Host", "\U0001d400da Host", "Ada\U000e0041 Host"),
)


@pytest.mark.parametrize("nickname", LOOK_ALIKES)
def test_no_nickname_looks_like_a_member(nickname: str) -> None:
    by_username, by_name, left = make_user("Ada Host"), make_user(), make_user("Left")
    accounts.update_me(actor=by_username, name="Somebody")
    accounts.update_me(actor=by_name, name="Ada Host")
    for owner in (by_username, by_name):
        room = make_room(owner)
        add_member(room, left)
        service.leave_room(actor=left, room_id=room.id)
        guest = service.admit_guest(actor=ANONYMOUS, ref=room.id, name=nickname)
        assert guest.name == f"{' '.join(nickname.split())} 2"
        assert service.admit_guest(actor=ANONYMOUS, ref=room.id, name="Left").name == "Left"


@pytest.mark.parametrize("nickname", LOOK_ALIKES)
def test_no_nickname_looks_like_a_guests(nickname: str) -> None:
    room = make_room(make_user())
    make_guest(room, "Ada Host")
    guest = service.admit_guest(actor=ANONYMOUS, ref=room.id, name=nickname)
    assert guest.name == f"{' '.join(nickname.split())} 2"


def test_a_number_does_not_make_a_guest_look_like_a_member_either() -> None:
    room = make_room(make_user("Ada"))
    add_member(room, make_user("ADA 2"), Role.HOST)
    assert service.admit_guest(actor=ANONYMOUS, ref=room.id, name="Ada").name == "Ada 3"


def test_a_crowd_of_one_name_costs_no_more_than_a_few_people() -> None:
    room = make_room(make_user())
    with transaction() as work:
        names = ["Ada", *(f"Ada {number}" for number in range(2, 700))]
        more = {"room_id": room.id, "joined_chat_seq": 0, "created_at": work.now}
        work.session.add_all([Guest(id=new_id(), name=name, **more) for name in names])
    with calls_of(name_key) as calls, counted() as statements:
        guest = service.admit_guest(actor=ANONYMOUS, ref=room.id, name="Ada")
    assert guest.name not in names
    assert guest.name.startswith("Ada ")
    assert calls["name_key"] < 150
    assert len([text for text in statements if "name_key IN" in text]) == 2


def test_one_room_lets_in_so_many_guests_and_another_its_own(monkeypatch: pytest.MonkeyPatch, clock: FakeClock) -> None:
    monkeypatch.setattr(handles, "settings", replace(handles.settings, room_guest_rate=(0.5, 2)))
    owner = make_user()
    room, other = make_room(owner), make_room(owner)
    for name in ("Ann", "Bob"):
        service.admit_guest(actor=ANONYMOUS, ref=room.share_token, name=name)
    with pytest.raises(AppError) as why:
        service.admit_guest(actor=ANONYMOUS, ref=room.id, name="Cy")
    assert (why.value.code, why.value.retry_after_ms) == ("rate_limited", 2000)
    service.admit_guest(actor=ANONYMOUS, ref=other.id, name="Cy")
    clock.advance(2000)
    service.admit_guest(actor=ANONYMOUS, ref=room.id, name="Cy")


def test_a_room_without_guests_lets_none_in() -> None:
    room = make_room(make_user(), settings={"guests": False})
    with refusal("guests_not_allowed"):
        service.admit_guest(actor=ANONYMOUS, ref=room.id, name="Ada")


def refused_link(token: str) -> list[str] | None:
    """Why, alike for who reads an invitation and for who accepts it."""
    whys = []
    for use in (service.get_invitation, partial(service.accept_link, actor=make_user())):
        with pytest.raises(AppError) as refused:
            use(token=token)
        assert refused.value.code == "link_not_found"
        whys.append(refused.value.details.get("link"))
    assert whys[0] == whys[1]
    return whys[0]


def test_a_link_ends_by_its_date_by_its_uses_and_with_its_room(clock: FakeClock) -> None:
    owner = make_user()
    room = make_room(owner, is_private=True)
    dated = service.create_link(
        actor=owner, room_id=room.id, role="member", expires_at=clock.now() + timedelta(seconds=1)
    )
    once = service.create_link(actor=owner, room_id=room.id, role="member", max_uses=1)
    always = service.create_link(actor=owner, room_id=room.id, role="viewer")
    assert service.get_invitation(token=once.token).role == "member"
    service.accept_link(actor=make_user(), token=once.token)
    assert refused_link(once.token) == ["It has been used as often as it may."]
    clock.advance(1000)
    assert refused_link(dated.token) == ["It has expired."]
    late = make_user()
    with refusal("link_not_found"):
        service.accept_link(actor=late, token=dated.token)
    assert role_of(room, late) is None
    service.delete_room(actor=owner, room_id=room.id)
    assert refused_link(always.token) is None
    assert refused_link("nonsense\x00") is None


def test_a_link_raises_and_never_lowers_and_uses_nothing_up_in_vain() -> None:
    owner, bob = make_user(), make_user()
    room = make_room(owner, is_private=True)
    links = {
        role: service.create_link(actor=owner, room_id=room.id, role=role) for role in ("viewer", "member", "host")
    }
    roles = [service.accept_link(actor=bob, token=links[role].token).role for role in ("viewer", "host", "member")]
    assert roles == ["viewer", "host", "host"]
    assert service.accept_link(actor=owner, token=links["host"].token).role == "owner"
    uses = {link.role: link.uses for link in service.list_links(actor=owner, room_id=room.id).items}
    assert uses == {"viewer": 1, "member": 0, "host": 1}


def test_the_stage_tells_its_viewers_and_flashes_without_a_number(published: list[Event]) -> None:
    owner = make_user()
    room = make_room(owner)
    service.change_stage(actor=owner, room_id=room.id, text="Hi", visible=True, style="warning")
    service.flash_stage(actor=owner, room_id=room.id)
    update, flash = published
    stage = {"text": "Hi", "style": "warning", "visible": True, "blackout": False}
    assert (update.name, update.channel, update.args) == (
        "stage-update",
        room_channel(room.id),
        ({**stage, "roomId": room.id, "seq": 1},),
    )
    assert (flash.name, flash.args, flash.stream) == ("stage-flash", ({"roomId": room.id},), None)
    assert logged(room)[0].before == {"text": "", "style": None, "visible": False, "blackout": False}


def test_a_direct_room_belongs_to_its_two_and_admits_no_third(published: list[Event]) -> None:
    ada, bob, eve = make_user("ada"), make_user("bob"), make_user("eve")
    view, is_new = service.open_direct(actor=ada, user_id=str(bob.id))
    assert is_new
    (added,) = told(published, "member-added")
    assert (added["userId"], added["isDirect"], added["from"]["id"]) == (bob.id, True, ada.id)
    room_id = view.room.id
    for actor in (ada, bob):
        with refusal("forbidden"):
            service.add_member(actor=actor, room_id=room_id, user_id=eve.id)
        with refusal("forbidden"):
            service.delete_room(actor=actor, room_id=room_id)
    with refusal("room_not_found"):
        service.join_room(actor=eve, ref=room_id)
    with refusal("guests_not_allowed"):
        service.admit_guest(actor=ada, ref=room_id, name="Guest")


def test_a_list_is_one_query_and_one_more_for_what_is_unread(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    ada = make_user()
    rooms = [make_room(ada) for _ in range(5)]
    other = make_room(make_user())
    asked: list[list[str]] = []

    def count_unread(session: Any, actor: Actor, room_ids: Any) -> dict[str, int]:
        asked.append(list(room_ids))
        return {rooms[0].id: 3}

    monkeypatch.setattr("app.rooms.service.rooms._unread_counters", [count_unread])
    statements: list[str] = []
    listener = lambda *args: statements.append(args[2])
    sql_event.listen(database.read_engine, "before_cursor_execute", listener)
    try:
        page = service.list_rooms(actor=ada)
    finally:
        sql_event.remove(database.read_engine, "before_cursor_execute", listener)
    assert len([statement for statement in statements if statement.lstrip().startswith("SELECT")]) == 1
    assert {view.room.id: view.unread_count for view in page.items} == {
        **{room.id: 0 for room in rooms},
        rooms[0].id: 3,
        other.id: 0,
    }
    assert asked == [[room.id for room in reversed(rooms)]]


def test_the_log_is_pruned_by_age_and_numbers_go_on(clock: FakeClock) -> None:
    owner = make_user()
    room = make_room(owner)

    def log_one() -> int:
        with transaction() as work:
            return append_room_event(work, room_id=room.id, name="x", payload={}, actor=owner)

    log_one()
    log_one()
    clock.advance(1000)
    log_one()
    assert service.prune_room_events(before=clock.now()) == 2
    assert [entry.seq for entry in logged(room)] == [3]
    assert log_one() == 4


def test_internal_events_stay_off_the_conversation(published: list[Event]) -> None:
    bob = make_user()
    room = make_room(make_user())
    service.join_room(actor=bob, ref=room.id)
    assert {event.channel for event in published} == {room_channel(room.id)}
    assert chat_channel(room.id) not in {event.channel for event in published}
    assert all(event.stream is None for event in published)
