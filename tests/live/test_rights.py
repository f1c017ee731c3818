"""Rights that are lost while somebody sits down: app/live/service.py, rights.py and changes.py.

The interleaving is forced: the snapshot is read, then the change is made and its review has run, then the joiner goes on with
what was read before.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import gevent
import pytest

from app.auth.events import session_revoked
from app.backends.transaction import database
from app.core.actor import ANONYMOUS, Actor
from app.core.errors import AppError
from app.core.event import Event
from app.core.ids import new_id
from app.live import delivery, heads, rights, service
from app.live.changes import Changes
from app.live.snapshot import Question, Snapshot
from app.rooms import service as rooms
from app.rooms.models import Role, Room
from app.web.sockets import Client, sockets
from tests.live.recorder import RecordingServer
from tests.support.factories import add_member, make_guest, make_room, make_user

Act = Callable[[Room, Actor, Actor], Any]
Arrival = Callable[[Callable[[], Any]], None]


@pytest.fixture
def clients(server: RecordingServer, monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, Client]]:
    clients: dict[str, Client] = {}
    monkeypatch.setattr(sockets, "clients", clients)
    monkeypatch.setattr(sockets, "by_person", {})
    yield clients
    for client in clients.values():
        service.leave_room(client, ref=None)


@pytest.fixture(params=["here", "by the bus", "by the poll"])
def arrive(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Arrival:
    """Do something, let this worker hear of it in one of three ways, and let the reviews that follow come to their end."""

    def arrive(act: Callable[[], Any]) -> None:
        if request.param == "here":
            act()
        else:
            written: list[Event] = []
            with monkeypatch.context() as elsewhere:
                elsewhere.setattr(database, "publish", written.extend)
                act()
            if request.param == "by the bus":
                for event in written:
                    delivery.deliver(event)
            else:
                heads.poll_heads()
        settle()

    return arrive


def settle() -> None:
    """Let every review that has begun end."""
    gevent.sleep(0.01)
    while rights._waiting:
        gevent.sleep(0.01)


def connect(clients: dict[str, Client], actor: Actor, sid: str = "late") -> Client:
    client = clients[sid] = Client(sid)
    sockets.identify(client, actor, None)
    return client


def seat(
    clients: dict[str, Client], *, is_private: bool = True, role: Role = Role.MEMBER
) -> tuple[Actor, Actor, Room, Client]:
    """A host, somebody in a room of theirs, the room, and that somebody's socket, which has joined it."""
    host, bob = make_user(), make_user()
    room = make_room(host, is_private=is_private)
    add_member(room, bob, role)
    client = connect(clients, bob)
    service.join_room(client, ref=room.id, asked=None)
    return host, bob, room, client


def pause(monkeypatch: pytest.MonkeyPatch, meanwhile: Callable[[], Any]) -> list[Snapshot]:
    """Between the next snapshot and what is done with it, let `meanwhile` happen, once. Returns the snapshots that are read."""
    read = service.take_snapshot
    taken: list[Snapshot] = []
    left = [meanwhile]

    def take_and_wait(question: Question) -> Snapshot:
        snapshot = read(question)
        taken.append(snapshot)
        if left:
            left.pop()()
        return snapshot

    monkeypatch.setattr(service, "take_snapshot", take_and_wait)
    return taken


def hears(server: RecordingServer, client: Client) -> set[str]:
    gevent.sleep(0.01)
    return {channel.partition(":")[0] for channel, sids in server.channels.items() if client.sid in sids}


BAN: Act = lambda room, host, who: rooms.create_ban(
    actor=host, room_id=room.id, user_id=who.user_id, guest_id=who.guest_id
)
REMOVE: Act = lambda room, host, who: rooms.remove_member(actor=host, room_id=room.id, user_id=str(who.id))
ROTATE: Act = lambda room, host, who: rooms.rotate_share_token(actor=host, room_id=room.id)
DELETE: Act = lambda room, host, who: rooms.delete_room(actor=host, room_id=room.id)
CLOSE: Act = lambda room, host, who: rooms.change_room(actor=host, room_id=room.id, changes={"is_private": True})


@pytest.mark.parametrize(
    ("who", "is_private", "act", "code"),
    [
        ("member", True, BAN, "banned"),
        ("member", False, BAN, "banned"),
        ("guest", True, BAN, "banned"),
        ("member", True, REMOVE, "room_not_found"),
        ("viewer", True, ROTATE, "room_not_found"),
        ("member", True, DELETE, "room_not_found"),
        ("viewer", False, CLOSE, "room_not_found"),
    ],
)
def test_who_loses_the_right_between_the_snapshot_and_the_seat_gets_no_seat(
    *,
    server: RecordingServer,
    clients: dict[str, Client],
    arrive: Arrival,
    monkeypatch: pytest.MonkeyPatch,
    who: str,
    is_private: bool,
    act: Act,
    code: str,
) -> None:
    host = make_user()
    room = make_room(host, is_private=is_private)
    loser = {"member": make_user, "guest": lambda: make_guest(room), "viewer": lambda: ANONYMOUS}[who]()
    if who == "member":
        add_member(room, loser)
    client = connect(clients, loser)
    ref = room.share_token if who == "viewer" and is_private else room.id
    with delivery.tap(room.id):
        pause(monkeypatch, lambda: arrive(lambda: act(room, host, loser)))
        with pytest.raises(AppError) as refused:
            service.join_room(client, ref=ref, asked=None)
    assert refused.value.code == code
    assert client.seats == {}
    assert hears(server, client) == set()


@pytest.mark.parametrize("is_private", [True, False])
@pytest.mark.parametrize("act", [BAN, REMOVE])
def test_who_syncs_while_being_put_out_does_not_keep_the_room(
    *,
    server: RecordingServer,
    clients: dict[str, Client],
    arrive: Arrival,
    monkeypatch: pytest.MonkeyPatch,
    is_private: bool,
    act: Act,
) -> None:
    host, bob, room, client = seat(clients, is_private=is_private)
    assert hears(server, client) == {"room", "chat"}
    pause(monkeypatch, lambda: arrive(lambda: act(room, host, bob)))
    with pytest.raises(AppError):
        service.sync_room(client, room_id=room.id, asked=None)
    assert client.seats == {}
    assert hears(server, client) == set()
    assert ("late", "room-left") in [(sid, name) for sid, name, _ in server.sent]


def test_a_seat_that_takes_the_place_of_one_under_review_knows_of_the_change(
    server: RecordingServer, clients: dict[str, Client], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The review has noted the old seat and reads; the sync began before it and ends before it."""
    host, bob, room, client = seat(clients)
    look, refused = service._accesses_now, []

    def sync_meanwhile(asked: Any) -> Any:
        found = look(asked)
        syncing.join()
        return found

    def sync() -> None:
        with pytest.raises(AppError) as why:
            service.sync_room(client, room_id=room.id, asked=None)
        refused.append(why.value.code)

    monkeypatch.setattr(service, "_accesses_now", sync_meanwhile)
    pause(monkeypatch, lambda: BAN(room, host, bob))
    syncing = gevent.spawn(sync)
    syncing.join()
    settle()
    assert refused == ["banned"]
    assert client.seats == {}
    assert hears(server, client) == set()


def test_a_host_who_is_made_a_member_meanwhile_sits_down_as_one(
    clients: dict[str, Client], arrive: Arrival, monkeypatch: pytest.MonkeyPatch
) -> None:
    host, bob = make_user(), make_user()
    room = make_room(host)
    add_member(room, bob, Role.HOST)
    client = connect(clients, bob)
    with delivery.tap(room.id):
        pause(
            monkeypatch,
            lambda: arrive(
                lambda: rooms.change_member(actor=host, room_id=room.id, user_id=bob.id, changes={"role": "member"})
            ),
        )
        assert service.join_room(client, ref=room.id, asked=None)["you"]["role"] == "member"
    assert client.seats[room.id].role is Role.MEMBER


def test_a_guest_who_stayed_to_watch_is_in_the_conversation_again_when_guests_are_let_in_again(
    server: RecordingServer, clients: dict[str, Client], arrive: Arrival
) -> None:
    host = make_user()
    room = make_room(host)
    client = connect(clients, make_guest(room))
    service.join_room(client, ref=room.id, asked=None)
    heard = hears(server, client)

    def let_in(guests: bool) -> None:
        rooms.change_room(actor=host, room_id=room.id, changes={"settings": {"guests": guests}})

    arrive(lambda: let_in(False))
    assert client.seats[room.id].role is Role.VIEWER
    assert hears(server, client) < heard
    arrive(lambda: let_in(True))
    assert client.seats[room.id].role is Role.GUEST
    assert hears(server, client) == heard


def test_changes_about_others_and_the_own_joining_cost_a_joiner_nothing(
    clients: dict[str, Client], monkeypatch: pytest.MonkeyPatch
) -> None:
    host, eve, newcomer = make_user(), make_user(), make_user()
    room = make_room(host)
    add_member(room, eve)
    client = connect(clients, newcomer)
    with delivery.tap(room.id):
        taken = pause(monkeypatch, lambda: (BAN(room, host, eve), settle()))
        service.join_room(client, ref=room.id, asked=None)
    assert [snapshot.access.role for snapshot in taken] == [Role.VIEWER, Role.MEMBER]


def test_of_two_changes_the_later_look_has_the_last_word(
    server: RecordingServer, clients: dict[str, Client], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first review reads, then a second change is made; a look that was faster must not be overwritten by the older one."""
    host, bob, room, client = seat(clients, is_private=False, role=Role.HOST)
    look, later = service._accesses_now, []

    def slow_at_first(asked: Any) -> Any:
        found = look(asked)
        if not later:
            later.append("member")
            change("member")
            gevent.sleep(0.05)
        return found

    def change(role: str) -> None:
        rooms.change_member(actor=host, room_id=room.id, user_id=str(bob.id), changes={"role": role})

    monkeypatch.setattr(service, "_accesses_now", slow_at_first)
    rooms.change_member(
        actor=host, room_id=room.id, user_id=str(bob.id), changes={"muted_until": database.now().replace(year=2100)}
    )
    settle()
    assert client.seats[room.id].role is Role.MEMBER


def test_a_review_that_fails_does_not_stand_in_the_way_of_the_next(
    server: RecordingServer, clients: dict[str, Client], monkeypatch: pytest.MonkeyPatch
) -> None:
    host, bob, room, client = seat(clients)
    review, failures = service.review_seats, [ZeroDivisionError()]

    def fail_once(*args: Any) -> None:
        for failure in iter(failures.pop, None) if failures else ():
            raise failure
        review(*args)

    monkeypatch.setattr(service, "review_seats", fail_once)
    rooms.change_member(
        actor=host, room_id=room.id, user_id=str(bob.id), changes={"muted_until": database.now().replace(year=2100)}
    )
    REMOVE(room, host, bob)
    settle()
    assert client.seats == {}


def test_a_device_that_is_signed_out_while_its_socket_comes_is_closed_soon(
    server: RecordingServer, clients: dict[str, Client]
) -> None:
    """Its token was read, then the sign-out arrived, and only then the worker knew the socket."""
    device = Actor("user", new_id(), session_id=new_id())
    rights.close_session(session_revoked(str(device.id), str(device.session_id)))
    client = connect(clients, device)
    heads.note_newcomer(client)
    heads.check_newcomers()
    assert server.closed == [client.sid]


def test_newcomers_are_asked_about_again_when_the_database_could_not_say(
    server: RecordingServer, clients: dict[str, Client], monkeypatch: pytest.MonkeyPatch
) -> None:
    client = connect(clients, Actor("user", new_id(), session_id=new_id()))
    heads.note_newcomer(client)
    with monkeypatch.context() as away:

        def fail(*_: Any) -> Any:
            raise AppError("database_unavailable")

        away.setattr(heads, "list_revoked", fail)
        with pytest.raises(AppError):
            heads.check_newcomers()
    heads.check_newcomers()
    assert server.closed == [client.sid]


def test_a_change_concerns_the_named_or_everybody_and_is_forgotten_when_nobody_joins() -> None:
    changes = Changes()
    changes.note({"userId": "bob", "guestId": None, "reason": "banned"})
    assert changes.concern("bob", Role.MEMBER, 0)
    assert not changes.concern("bob", Role.MEMBER, changes.count)
    assert not changes.concern("eve", Role.MEMBER, 0)
    assert not changes.concern(None, Role.VIEWER, 0)
    changes.note({"userId": "eve", "guestId": None, "reason": "admitted"})
    assert changes.concern("eve", Role.VIEWER, 1)
    assert not changes.concern("eve", Role.MEMBER, 1)
    changes.note({"userId": None, "guestId": None, "reason": "rotated"})
    assert changes.concern(None, Role.VIEWER, 2)
    assert changes.concern("bob", Role.HOST, 2)
    changes.forget()
    assert not changes.concern(None, Role.VIEWER, 0)
