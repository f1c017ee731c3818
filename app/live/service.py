"""Joining, leaving and syncing: what puts a socket into a room without a gap between the snapshot and what follows.

The order is: listen and collect what arrives (`delivery.tap`), read the snapshot at S, let the delivery reach S, read again if
somebody's rights changed meanwhile, and then, without giving up the processor, sit down, send the snapshot, what was collected
after S, and enter the channels. From the moment a seat is there, `review_seats` finds it.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from contextlib import ExitStack
from functools import partial
from typing import Any

from app.backends.handles import handles
from app.backends.transaction import reading
from app.core.actor import ANONYMOUS, Actor
from app.core.errors import AppError
from app.core.event import Event
from app.live import delivery, fanout
from app.live.snapshot import Question, Snapshot, take_snapshot
from app.live.state import Position, read_head, rest_of_crowd_state, states
from app.messages.service import flat_form, may_write, muted_until
from app.presence import service as presence
from app.rooms import service as rooms
from app.rooms.access import Access, Asked, find_accesses, readable_after, require_role
from app.rooms.models import Role, Room
from app.rooms.seat import Dialect, Seat
from app.web.refs import refs
from app.web.sockets import Client, sockets

OUT = frozenset({"removed", "left"})
JOIN_BYTES = 256_000
"""A join that answers more counts as several: the rate of joins bounds what anybody gets out of the server as well."""
REVIEWED_AT_ONCE = 500


def get_room_state(*, actor: Actor, ref: str) -> tuple[Access, Position, bytes]:
    """The room's state for polling: who may what, the position that tags it, and the encoded part.

    Raises:
        AppError: `room_not_found`, `banned`.
    """
    with reading() as session:
        access = require_role(session, actor=actor, ref=ref)
        position = read_head(session, access.room.id, reads_chat=access.reads_chat)
        return access, position, states.get(session, access.room, position)


def get_crowd_state(*, share_token: str) -> tuple[str, bytes, bytes]:
    """The room's state as anybody with its link may see it, whoever asks: its tag, and JSON that differs by nothing else.

    The JSON is in two parts, of which the first is the one that all answers share.

    Raises:
        AppError: `room_not_found`.
    """
    with reading() as session:
        access = require_role(session, actor=ANONYMOUS, ref=share_token)
        position = read_head(session, access.room.id, reads_chat=False)
        encoded = states.get(session, access.room, position)
    return position.etag, encoded, rest_of_crowd_state(position)


def join_room(client: Client, *, ref: str, asked: Position | None, dialect: Dialect = "kebab") -> dict[str, Any]:
    """Seat `client` in a room and tell it everything; the ack.

    Raises:
        AppError: `room_not_found`, `banned`; `conflict` when it is in as many rooms as it may; `not_in_room` when it is gone.
    """
    return _join(client, ref, asked, dialect)


def _join(
    client: Client, ref: str, asked: Position | None, dialect: Dialect, held: Seat | None = None
) -> dict[str, Any]:
    """`held`: the seat that the client keeps, unless it lost the right to it."""
    sockets.server.let_go(client.sid)  # of several rooms that are synced, the one before
    question = Question(client.actor, ref, asked)
    room_id = _find_room(question)
    most = handles.settings.rooms_per_socket
    if len(client.seats) >= most > 0 and room_id not in client.seats:
        raise AppError("conflict", f"A socket is in at most {most} rooms at a time.")
    with ExitStack() as holding:
        tap = holding.enter_context(delivery.tap(room_id))
        snapshot = _current_snapshot(question, tap, held)
        position = snapshot.view.position
        sockets.charge(client, "join", snapshot.view.bytes_out // JOIN_BYTES)
        if client.sid not in sockets.clients:
            raise AppError("not_in_room")
        seat = _seat(client, snapshot.access, dialect, position.chat)
        sockets.server.hold(client.sid, partial(_follow, client, seat, position, tap, holding.pop_all()))
        return _welcome(client, seat, snapshot)


def sync_room(client: Client, *, room_id: str, asked: Position | None) -> dict[str, Any]:
    """As a rejoin of a room that the client is in.

    Raises:
        AppError: `not_in_room`, and as `join_room`.
    """
    seat: Seat | None = client.seats.get(room_id)
    if seat is None:
        raise AppError("not_in_room")
    return _join(client, seat.share_token or room_id, asked, seat.dialect, held=seat)


def leave_room(client: Client, *, ref: str | None, reason: str = "left") -> None:
    """Leave one room (by id or the token it was joined with), or all of them."""
    for seat in [seat for seat in client.seats.values() if ref in (None, seat.room_id, seat.share_token)]:
        end_seat(client, seat, reason)


def end_seat(client: Client, seat: Seat, reason: str) -> None:
    """Take `client` out of the room and tell it why."""
    forget_seat(client, seat)
    send(client, seat, "room-left", {"roomId": seat.room_id, "reason": reason})


def forget_seat(client: Client, seat: Seat) -> None:
    """Take `client` out of the room without telling it: it is gone, or sits down again."""
    if client.seats.pop(seat.room_id, None) is None:
        return
    for channel in seat.channels():
        sockets.server.leave_room(client.sid, channel)
    presence.leave(client, seat.room_id)
    delivery.close_room(seat.room_id)


def vacate(client: Client) -> None:
    """The connection of `client` is gone: nobody is told, its rooms are let go (presence notices by itself)."""
    for room_id in list(client.seats):
        del client.seats[room_id]
        delivery.close_room(room_id)


def review_seats(held: Sequence[tuple[Client, Seat]], reason: str) -> None:
    """Look again at what clients may in the rooms of these seats, after somebody changed that; one query for many."""
    for start in range(0, len(held), REVIEWED_AT_ONCE):
        some = held[start : start + REVIEWED_AT_ONCE]
        found = _accesses_now({(client.actor, seat.share_token or seat.room_id) for client, seat in some})
        for client, seat in some:
            if client.seats.get(seat.room_id) is seat:
                _review(client, seat, found.get((client.actor, seat.share_token or seat.room_id)), reason)


def _accesses_now(asked: Collection[Asked]) -> Mapping[Asked, Access | AppError | None]:
    """Nothing for anybody when the database cannot say: who may still come in comes back."""
    try:
        with reading() as session:
            return find_accesses(session, asked)
    except AppError:
        return {}


def _review(client: Client, seat: Seat, access: Access | AppError | None, reason: str) -> None:
    """End or narrow a seat.

    Who was put out, or left, is out, though anybody may come into a public room: they may do so as anybody else.
    """
    if not isinstance(access, Access) or (reason in OUT and access.role < seat.role):
        end_seat(client, seat, reason)
        return
    before = seat.channels()
    _note(seat, access, delivery.chat_head(seat.room_id))
    for channel in set(before).difference(seat.channels()):
        sockets.server.leave_room(client.sid, channel)
    for channel in set(seat.channels()).difference(before):
        sockets.server.enter_room(client.sid, channel)


def _note(seat: Seat, access: Access, chat: int) -> None:
    """Write down in `seat` what was found about its person, with the conversation at number `chat`."""
    after = readable_after(access)
    seat.role, seat.reads_chat = access.role, access.reads_chat
    seat.may_write, seat.muted_until = may_write(access), muted_until(access)
    seat.hidden_upto = (seat.hidden_upto or chat) if after is None else after


def send(client: Client, seat: Seat, name: str, *args: Any) -> None:
    """Send one client an event in the dialect of its seat."""
    fanout.send(client, seat, Event(name, "", args))


def _follow(client: Client, seat: Seat, since: Position, tap: delivery.Tap, holding: ExitStack) -> None:
    """Runs when the ack is written: what was delivered after the snapshot, then the channels, with nothing between.

    The ack carries the snapshot; who gets a newer event before it would be taken back.
    """
    with holding:
        if client.seats.get(seat.room_id) is not seat:
            return
        for event in tap.events_after(since.room, since.chat, reads_chat=seat.reads_chat):
            fanout.send(client, seat, event)
        for channel in seat.channels():
            sockets.server.enter_room(client.sid, channel)


def _find_room(question: Question) -> str:
    """The room's id. One that is open here needs no look-up: who may not see it is told so by the snapshot."""
    room_id = refs.room_of(question.ref)
    return room_id if delivery.is_open(room_id) else take_snapshot(question).access.room.id


def _current_snapshot(question: Question, tap: delivery.Tap, held: Seat | None) -> Snapshot:
    """A snapshot that this worker has delivered up to, and that no change of the reader's rights came after.

    Whoever reviews the seats looked before this one was there: so the look has to be here.
    """
    while True:
        since = tap.changes.count
        snapshot = _snapshot_of_member(question, held)
        tap.reach(snapshot.view.position.room, snapshot.view.position.chat)
        if not tap.changes.concern(question.actor.id, snapshot.access.role, since):
            return snapshot


def _snapshot_of_member(question: Question, held: Seat | None) -> Snapshot:
    """The snapshot; an account that joins a public room is a member from then on. Who was put out of a seat does not join."""
    snapshot = take_snapshot(question)
    access = snapshot.access
    if held is not None and access.role < min(held.role, Role.MEMBER):
        raise AppError("not_in_room")
    if question.actor.user_id and access.role < Role.MEMBER and not access.room.is_private:
        rooms.join_room(actor=question.actor, ref=access.room.id)
        snapshot = take_snapshot(question)
    return snapshot


def _seat(client: Client, access: Access, dialect: Dialect, chat: int) -> Seat:
    """A new seat in place of the one the client may have; the room stays open meanwhile."""
    room: Room = access.room
    token = room.share_token if access.by_token and access.role is Role.VIEWER else None
    seat = Seat(room.id, access.role, access.reads_chat, dialect, token)
    _note(seat, access, chat)
    delivery.open_room(room.id)
    old: Seat | None = client.seats.get(room.id)
    if old is not None:
        for channel in old.channels():
            sockets.server.leave_room(client.sid, channel)
        delivery.close_room(room.id)
    client.seats[room.id] = seat
    presence.enter(client, seat)
    return seat


def _welcome(client: Client, seat: Seat, snapshot: Snapshot) -> dict[str, Any]:
    room_id, view = seat.room_id, snapshot.view
    messages = view.messages if seat.dialect == "kebab" else [flat_form(message) for message in view.recent]
    for event in view.missed or ():
        fanout.send(client, seat, event)
    count = presence.count(room_id)
    state = snapshot.state(count)
    ids, users = presence.encoded_people(room_id)
    joined: dict[str, Any] = {
        "roomId": room_id,
        "room": state,
        "onlineUsers": ids,
        "users": users,
        "messages": messages,
        "recovered": view.missed is not None,
    }
    if presence.is_limited(room_id):
        joined["presenceLimited"] = True
    send(client, seat, "room-state", state)
    send(client, seat, "room-joined", joined)
    send(client, seat, "user-count", count, {"roomId": room_id})
    return {
        "room": state,
        "users": users,
        "messages": messages,
        "you": {"role": seat.role.wire, "userId": client.actor.id},
        "position": view.position.to_wire(),
        "recovered": view.missed is not None,
    }
