"""Who is in a room, and who is typing: the only way to act on it, and what tells the clients.

The union over all workers is `handles.presence`; every worker tells its own clients of the changes that it sees (joined, left,
count), so that nothing crosses the bus for them. Going online or offline is told to all workers by the one that noticed.
Above `CROWD` people lists are cut and only the count is told: what a join costs must not grow with the room.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import Any, Protocol

import gevent
import orjson
import structlog

from app.backends.handles import handles
from app.backends.presence import Person
from app.core.actor import Actor
from app.core.clock import add_ms, ms_between
from app.core.errors import AppError
from app.core.event import Event
from app.presence import events
from app.presence.counts import Counts
from app.presence.last_seen import LastSeen
from app.presence.lists import Lists
from app.presence.seats import GRACE_MS, Seats
from app.presence.typing import Typing
from app.rooms.seat import Seat

CROWD = 100
TICK_S = 0.25

log = structlog.get_logger(__name__)

Deliver = Callable[[Event], None]


class Drains(Protocol):
    """What is asked of the engine."""

    def on_drain(self, callback: Callable[[], None]) -> None: ...


class Socket(Protocol):
    """What is asked of a connected client."""

    sid: str
    actor: Actor
    address: str
    seats: dict[str, Any]


class RoomPresence:
    """The state of this worker, bound to the port; one per process."""

    def __init__(self) -> None:
        self.deliver: Deliver = lambda event: None
        self._ticker: gevent.Greenlet | None = None
        self.bind()

    def bind(self) -> None:
        """Begin with nobody, on the port that `handles` has now."""
        self.port = handles.presence
        self.port.listen(self)
        self.seats = Seats(self.port, self._departed)
        self.counts = Counts(self.port.count, lambda room_id, count: self.deliver(events.user_count(room_id, count)))
        self.lists = Lists()
        self.typing = Typing()
        self.last_seen = LastSeen()

    def connect(self, server: Drains, deliver: Deliver, after_send: list[Callable[[str, Actor], None]]) -> None:
        """Tell clients through `deliver`, leave in good order when `server` drains, and end typing by sending."""
        self.deliver = deliver
        server.on_drain(self.port.stop)
        if message_sent not in after_send:
            after_send.append(message_sent)

    def joined(self, room_id: str, person: Person) -> None:
        if not is_limited(room_id):
            self.deliver(events.user_joined_room(room_id, person))

    def left(self, room_id: str, person_id: str) -> None:
        if not is_limited(room_id):
            self.deliver(events.user_left_room(room_id, person_id))

    def counted(self, room_id: str) -> None:
        self.counts.changed(room_id, handles.clock.monotonic_ms())
        self.keep_ticking()

    def online(self, person: Person, room_ids: Collection[str]) -> None:
        told = [room_id for room_id in room_ids if not is_limited(room_id)]
        themselves = self.seats.only_socket(person.id)
        handles.bus.publish([events.user_online(room_id, person, themselves) for room_id in told])

    def offline(self, person_id: str, room_ids: Collection[str]) -> None:
        last_seen = add_ms(handles.clock.now(), -GRACE_MS)
        told = [room_id for room_id in room_ids if not is_limited(room_id)]
        handles.bus.publish([events.user_offline(room_id, person_id, last_seen) for room_id in told])

    def tick(self) -> None:
        """Let run out what has run out."""
        now_ms = handles.clock.monotonic_ms()
        handles.bus.publish(self.typing.expire(now_ms))
        self.seats.expire(now_ms)
        self.counts.flush(now_ms)
        if self.last_seen.is_due(now_ms):
            gevent.spawn(self.last_seen.write)  # a slow database must not hold up the counts

    def keep_ticking(self) -> None:
        """Have a greenlet for as long as something can run out, and none in a process that is idle."""
        if self._ticker is None or self._ticker.dead:
            self._ticker = gevent.spawn(self._tick_while_waiting)

    def _tick_while_waiting(self) -> None:
        while any(part.is_waiting for part in (self.seats, self.counts, self.typing, self.last_seen)):
            gevent.sleep(TICK_S)
            try:
                self.tick()
            except Exception:
                log.exception("presence_tick_failed")

    def _departed(self, person: Person) -> None:
        if not person.is_guest:
            self.last_seen.saw(person.id, add_ms(handles.clock.now(), -GRACE_MS))


def enter(client: Socket, seat: Seat) -> None:
    """`client` is in the room of `seat`; entering again changes nothing."""
    here.seats.enter(client.sid, client.actor, client.address, seat.room_id)


def leave(client: Socket, room_id: str) -> None:
    """`client` left the room on purpose, or was made to: no grace."""
    if client.actor.id:
        clear_typing(room_id, client.actor.id)
    here.seats.leave(client.sid, room_id)


def disconnect(client: Socket) -> None:
    """The connection of `client` is gone: it stops typing now, and has left its rooms unless it is back within the grace."""
    connection = here.seats.disconnect(client.sid, handles.clock.monotonic_ms())
    if connection is None:
        return
    if connection.person:
        for room_id in connection.rooms:
            clear_typing(room_id, connection.person.id)
    here.keep_ticking()


def watch(room_id: str) -> None:
    """Before reading a room where this worker may have nobody: learn who others have there. May wait, for a moment at most."""
    handles.presence.watch(room_id)


def encoded_people(room_id: str) -> tuple[orjson.Fragment, orjson.Fragment]:
    """The room's people, cut at `CROWD`, as JSON: their ids, and `[{id, username, name, isGuest}]`."""
    return here.lists.get(room_id, handles.presence.people(room_id, CROWD))


def count(room_id: str) -> int:
    """The room's people, viewers without a name included."""
    return handles.presence.count(room_id)


def is_limited(room_id: str) -> bool:
    """Whether the room is a crowd, where only the count is told."""
    return count(room_id) > CROWD


def presence_payload(room_id: str) -> dict[str, Any]:
    """The snake_case `presence`: `{roomId, users: [ids]}`."""
    return {"roomId": room_id, "users": [person.id for person in handles.presence.people(room_id, CROWD)]}


def start_typing(*, client: Socket, room_ref: str) -> None:
    """`client` types in a room it sits in (by id, or by the token it came with).

    The right is the seat's, which is looked at again within two seconds when somebody changes it: to look it up at every key
    press is what typing must not cost.

    Raises:
        AppError: `not_in_room`, `unauthenticated`, `forbidden`, `chat_closed`, `muted`.
    """
    seat = _seat(client, room_ref)
    if client.actor.id is None:
        raise AppError("unauthenticated")
    _require_words(seat)
    typing_start(client.actor, seat.room_id, origin=client.sid)


def stop_typing(*, client: Socket, room_ref: str) -> None:
    """`client` types no more; harmless if it did not.

    Raises:
        AppError: `not_in_room`.
    """
    typing_stop(client.actor, _seat(client, room_ref).room_id)


def typing_start(actor: Actor, room_id: str, *, origin: str | None = None) -> None:
    """`actor`, who may, types; told when it begins, and in a crowd not at all."""
    if not actor.id or is_limited(room_id):
        return
    if here.typing.start(room_id, actor.id, handles.clock.monotonic_ms(), origin):
        handles.bus.publish([events.user_typing(room_id, actor, origin)])
        here.keep_ticking()


def typing_stop(actor: Actor, room_id: str) -> None:
    """`actor` types no more."""
    if actor.id:
        clear_typing(room_id, actor.id)


def message_sent(room_id: str, author: Actor) -> None:
    """`author` has sent what they typed."""
    typing_stop(author, room_id)


def clear_typing(room_id: str, person_id: str) -> None:
    """Whatever `person_id` was typing in the room, it is over."""
    stopped = here.typing.stop(room_id, person_id)
    if stopped:
        handles.bus.publish(stopped)


def _require_words(seat: Seat) -> None:
    """Nobody is told of a message that could not be sent."""
    if not seat.reads_chat:
        raise AppError("forbidden")
    if not seat.may_write:
        raise AppError("chat_closed")
    now = handles.clock.now()
    if seat.muted_until is not None and seat.muted_until > now:
        raise AppError("muted", retry_after_ms=ms_between(now, seat.muted_until))


def _seat(client: Socket, room_ref: str) -> Seat:
    seat: Seat | None = client.seats.get(room_ref)
    if seat is None:
        seat = next((seat for seat in client.seats.values() if seat.share_token == room_ref), None)
    if seat is None:
        raise AppError("not_in_room")
    return seat


here = RoomPresence()
