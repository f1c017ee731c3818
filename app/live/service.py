"""Joining, leaving and syncing: what puts a socket into a room without a gap between the snapshot and what follows.

The order is: listen and collect what arrives (`delivery.tap`), read the snapshot at S, let the delivery reach S, and then,
without giving up the processor, send the snapshot, what was collected after S, and enter the channels.
"""

from __future__ import annotations

from contextlib import ExitStack
from typing import Any

import gevent

from app.backends.transaction import reading
from app.core.actor import Actor
from app.core.errors import AppError
from app.core.event import Event
from app.live import delivery, dialects
from app.live.snapshot import Question, Snapshot, take_snapshot
from app.live.state import Position, read_head, states
from app.presence import service as presence
from app.rooms import service as rooms
from app.rooms.access import Access, find_access, require_role
from app.rooms.models import Role, Room
from app.rooms.seat import Dialect, Seat
from app.web.sockets import Client, sockets

KEPT_TOKENS = 10_000
OUT = frozenset({"removed", "left"})

_rooms_by_ref: dict[str, str] = {}
"""Which room a share token once led to: only a hint of where to listen, rights are asked at every join."""


def get_room_state(*, actor: Actor, ref: str) -> tuple[Access, Position, bytes]:
    """The room's state for polling: who may what, the position that tags it, and the encoded part.

    Raises:
        AppError: `room_not_found`, `banned`.
    """
    with reading() as session:
        access = require_role(session, actor=actor, ref=ref)
        position = read_head(session, access.room.id, reads_chat=access.reads_chat)
        return access, position, states.get(session, access.room, position)


def join_room(client: Client, *, ref: str, asked: Position | None, dialect: Dialect = "kebab") -> dict[str, Any]:
    """Seat `client` in a room and tell it everything; the ack.

    Raises:
        AppError: `room_not_found`, `banned`.
    """
    question = Question(client.actor, ref, asked)
    room_id = _find_room(question)
    with ExitStack() as holding:
        tap = holding.enter_context(delivery.tap(room_id))
        snapshot = _snapshot_of_member(question)
        position = snapshot.view.position
        tap.reach(position.room, position.chat)
        if client.sid not in sockets.clients:
            raise AppError("not_in_room")
        seat = _seat(client, snapshot.access, ref, dialect)
        answer = _welcome(client, seat, snapshot)
        gevent.spawn(_follow, client, seat, position, tap, holding.pop_all())
    return answer


def sync_room(client: Client, *, room_id: str, asked: Position | None) -> dict[str, Any]:
    """As a rejoin of a room that the client is in.

    Raises:
        AppError: `not_in_room`, and as `join_room`.
    """
    seat: Seat | None = client.seats.get(room_id)
    if seat is None:
        raise AppError("not_in_room")
    return join_room(client, ref=seat.share_token or room_id, asked=asked, dialect=seat.dialect)


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


def review_seat(client: Client, seat: Seat, reason: str) -> None:
    """Look again at what `client` may in its room, after somebody changed that; end or narrow the seat accordingly.

    Who was put out, or left, is out, though anybody may come into a public room: they may do so as anybody else.
    """
    access = _access_now(client, seat)
    if access is None or (reason in OUT and access.role < seat.role):
        end_seat(client, seat, reason)
        return
    if access.reads_chat != seat.reads_chat:
        for channel in seat.channels():
            sockets.server.leave_room(client.sid, channel)
        seat.reads_chat = access.reads_chat
        for channel in seat.channels():
            sockets.server.enter_room(client.sid, channel)
    seat.role = access.role


def send(client: Client, seat: Seat, name: str, *args: Any) -> None:
    """Send one client an event in the dialect of its seat."""
    if seat.dialect == "kebab":
        sockets.server.send(client.sid, name, *args)
        return
    for translated, *rest in dialects.translate(Event(name, "", args)):
        sockets.server.send(client.sid, translated, *rest)


def _follow(client: Client, seat: Seat, since: Position, tap: delivery.Tap, holding: ExitStack) -> None:
    """Begins when the ack is written: what was delivered after the snapshot, then the channels, with nothing between.

    The ack carries the snapshot; who gets a newer event before it would be taken back.
    """
    with holding:
        if client.seats.get(seat.room_id) is not seat:
            return
        for event in tap.events_after(since.room, since.chat, reads_chat=seat.reads_chat):
            send(client, seat, event.name, *event.args)
        for channel in seat.channels():
            sockets.server.enter_room(client.sid, channel)


def _access_now(client: Client, seat: Seat) -> Access | None:
    try:
        with reading() as session:
            return find_access(session, actor=client.actor, ref=seat.share_token or seat.room_id)
    except AppError:
        return None


def _find_room(question: Question) -> str:
    """The room's id. One that is open here needs no look-up: who may not see it is told so by the snapshot."""
    room_id = _rooms_by_ref.get(question.ref, question.ref)
    if delivery.is_open(room_id):
        return room_id
    room_id = take_snapshot(question).access.room.id
    if len(_rooms_by_ref) >= KEPT_TOKENS:
        _rooms_by_ref.clear()
    _rooms_by_ref[question.ref] = room_id
    return room_id


def _snapshot_of_member(question: Question) -> Snapshot:
    """The snapshot; an account that joins a public room is a member from then on."""
    snapshot = take_snapshot(question)
    access = snapshot.access
    if question.actor.user_id and access.role < Role.MEMBER and not access.room.is_private:
        rooms.join_room(actor=question.actor, ref=access.room.id)
        snapshot = take_snapshot(question)
    return snapshot


def _seat(client: Client, access: Access, ref: str, dialect: Dialect) -> Seat:
    """A new seat in place of the one the client may have; the room stays open meanwhile."""
    room: Room = access.room
    token = room.share_token if access.by_token and access.role is Role.VIEWER else None
    seat = Seat(room.id, access.role, access.reads_chat, dialect, token)
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
    for event in view.missed or ():
        send(client, seat, event.name, *event.args)
    count = presence.count(room_id)
    state = snapshot.state(count)
    users = presence.people(room_id)
    joined: dict[str, Any] = {
        "roomId": room_id,
        "room": state,
        "onlineUsers": [person["id"] for person in users],
        "users": users,
        "messages": view.messages,
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
        "messages": view.messages,
        "you": {"role": seat.role.wire, "userId": client.actor.id},
        "position": view.position.to_wire(),
        "recovered": view.missed is not None,
    }
