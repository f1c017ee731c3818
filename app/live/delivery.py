"""From the bus to the clients of this worker, each stream of each room in order.

Rules
- A room is open while somebody on this worker is in it or about to be: then its channels are subscribed.
- A numbered event goes out when every number before it did, or needs no event. A gap is held `HOLD_MS`, then the
  database is asked.
- What a worker was not told about somebody's rights it finds in the log, by the numbered event that tells of the same.
- Handing out never gives up the processor, so a joiner misses nothing between `events_after` and `enter_room`.
- Nothing here survives a crash and nothing needs to: clients come back with their position.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager

import gevent
import structlog
from gevent.event import AsyncResult
from gevent.event import Event as Signal

from app.auth.events import SESSION_REVOKED
from app.backends.handles import handles
from app.backends.transaction import reading
from app.core.errors import AppError
from app.core.event import Event, chat_channel, room_channel, user_channel
from app.live.changes import Changes, Heard
from app.live.fanout import fan_out
from app.live.reorder import StreamOrder
from app.live.repair import Heads, access_changes, missed_events, read_heads
from app.rooms.events import ACCESS_CHANGED, MEMBER_ADDED, MEMBER_JOINED, ROOM_DELETED, ROOM_PURGED, ROOM_UPDATED
from app.web.metrics import metrics
from app.web.sockets import Client, sockets

HOLD_MS = 30
ASK_AGAIN_S = 1.0
INTERNAL = (ACCESS_CHANGED, MEMBER_JOINED, MEMBER_ADDED, ROOM_PURGED, SESSION_REVOKED)

log = structlog.get_logger(__name__)

Listener = Callable[[Event], None]


class OpenRoom:
    """A room with people on this worker: where its streams are, and who is joining at this moment."""

    def __init__(self, room_id: str) -> None:
        self.room_id = room_id
        self.epoch = ""
        self.holders = 1
        self.opened: AsyncResult = AsyncResult()
        self.order = {"room": StreamOrder(), "chat": StreamOrder()}
        self.taps: list[Tap] = []
        self.changes = Changes()
        self.heard = Heard()
        self.moved = Signal()
        self.repair_is_due = False

    @property
    def heads(self) -> Heads:
        """Up to where this worker has delivered."""
        return Heads(self.epoch, self.order["room"].last or 0, self.order["chat"].last or 0)

    @property
    def has_gap(self) -> bool:
        """Whether an event waits for another one before it."""
        return any(order.has_gap for order in self.order.values())


class Tap:
    """Collects what is delivered to a room while somebody joins it."""

    def __init__(self, room: OpenRoom) -> None:
        self._room = room
        self.events: list[Event] = []

    @property
    def changes(self) -> Changes:
        """The changes of rights that arrive meanwhile."""
        return self._room.changes

    def reach(self, room_seq: int, chat_seq: int) -> None:
        """Return when this worker has delivered up to these numbers; what does not come by itself is read.

        Raises:
            AppError: `database_unavailable`.
        """
        if not self._is_at(room_seq, chat_seq):
            self._room.moved.wait(HOLD_MS / 1000)
        if not self._is_at(room_seq, chat_seq):
            repair([self._room.room_id])

    def _is_at(self, room_seq: int, chat_seq: int) -> bool:
        heads = self._room.heads
        if heads.room >= room_seq and heads.chat >= chat_seq:
            return True
        self._room.moved.clear()
        return False

    def events_after(self, room_seq: int, chat_seq: int, *, reads_chat: bool) -> list[Event]:
        """What was delivered meanwhile and is newer than these numbers, in order."""
        return [
            event
            for event in self.events
            if (event.seq or 0) > (room_seq if event.stream == "room" else chat_seq)
            and (reads_chat or event.stream == "room")
        ]


_rooms: dict[str, OpenRoom] = {}
_people: dict[str, int] = defaultdict(int)
_listeners: dict[str, list[Listener]] = defaultdict(list)


def start_delivery(on_gap: Callable[[], None] = lambda: None) -> None:
    """Begin to deliver what the bus brings; `on_gap` is called when something may have been lost."""
    _rooms.clear()
    _people.clear()
    for listeners, listener in ((sockets.on_connected, listen_to_person), (sockets.on_disconnected, forget_person)):
        if listener not in listeners:
            listeners.append(listener)
    handles.bus.start(deliver, on_gap=on_gap)


def on_internal(name: str, listener: Listener) -> None:
    """Call `listener(event)`, in a greenlet of its own, for every event `name` that arrives: such events reach no client."""
    if listener not in _listeners[name]:
        _listeners[name].append(listener)


def open_room(room_id: str) -> Heads:
    """Hear the room from now on; returns up to where its streams are delivered. Each seat opens once and closes once.

    Raises:
        AppError: `room_not_found`, `database_unavailable`.
    """
    room = _rooms.get(room_id)
    if room is not None:
        room.holders += 1
        room.opened.get()
        return room.heads
    room = _rooms[room_id] = OpenRoom(room_id)
    try:
        _begin(room)
    except Exception as why:
        _drop(room)
        room.opened.set_exception(why)
        raise
    room.opened.set(None)
    return room.heads


def close_room(room_id: str) -> None:
    """Undo one `open_room`; the last one stops hearing the room."""
    room = _rooms.get(room_id)
    if room is None:
        return
    room.holders -= 1
    if room.holders <= 0:
        _drop(room)


@contextmanager
def tap(room_id: str) -> Iterator[Tap]:
    """Hold the room open and collect what is delivered to it inside the block."""
    open_room(room_id)
    room = _rooms[room_id]
    collector = Tap(room)
    room.taps.append(collector)
    try:
        yield collector
    finally:
        room.taps.remove(collector)
        if not room.taps:
            room.changes.forget()
        close_room(room_id)


def is_open(room_id: str) -> bool:
    """Whether somebody on this worker is in the room, or about to be."""
    return room_id in _rooms


def room_seq(room_id: str) -> int:
    """Up to where this worker has delivered the room's stream; 0 for a room that is not open here."""
    room = _rooms.get(room_id)
    return room.heads.room if room else 0


def open_rooms() -> dict[str, Heads]:
    """Up to where each room of this worker is delivered."""
    return {room_id: room.heads for room_id, room in _rooms.items() if room.opened.ready()}


def chat_head(room_id: str) -> int:
    """Up to where the conversation of an open room is delivered."""
    return _rooms[room_id].heads.chat


def deliver(event: Event) -> None:
    """Take an event that arrived by whatever way."""
    if event.name in _listeners or event.name in INTERNAL:
        if event.name == ACCESS_CHANGED:
            _note_change(event)
        for listener in _listeners[event.name]:
            gevent.spawn(listener, event)
    elif event.stream is None:
        fan_out(event)
    elif (room := _rooms.get(event.room_id or "")) is not None:
        _hand_out(room, room.order[event.stream].offer(event))
        if event.name in (ROOM_UPDATED, ROOM_DELETED) and event.cause is None:
            gevent.spawn_later(HOLD_MS / 1000, _look_for_changes, room, event.seq or 0)
        if room.has_gap and not room.repair_is_due:
            room.repair_is_due = True
            gevent.spawn_later(HOLD_MS / 1000, _repair_gap, room)


def _note_change(event: Event) -> None:
    room = _rooms.get(event.room_id or "")
    if room is None:
        return
    room.heard.note(event.args[0], handles.clock.monotonic_ms())
    if room.taps:
        room.changes.note(event.args[0])


def _look_for_changes(room: OpenRoom, seq: int) -> None:
    """An event that another worker logged may tell of somebody's rights: if what says so to us was lost, it is said now."""
    if _rooms.get(room.room_id) is not room:
        return
    try:
        with reading() as session:
            changes = access_changes(session, room.room_id, seq - 1, seq)
    except AppError as why:
        log.warning("changes_not_read", room_id=room.room_id, code=why.code)
        gevent.spawn_later(ASK_AGAIN_S, _look_for_changes, room, seq)
        return
    for change in changes:
        if not room.heard.take(change.args[0], handles.clock.monotonic_ms()):
            deliver(change)


def repair(room_ids: Collection[str]) -> None:
    """Read what these rooms missed and deliver it, each stream up to the head that was read.

    Raises:
        AppError: `database_unavailable`; everything stays as it was, to be tried again.
    """
    found: list[tuple[OpenRoom, Heads, list[Event]]] = []
    with reading() as session:
        for room_id, heads in read_heads(session, room_ids).items():
            room = _rooms.get(room_id)
            if room is not None and room.opened.ready():
                events: list[Event] = []
                if heads.epoch == room.epoch:
                    events, heads = missed_events(session, room_id, after=room.heads, head=heads)  # noqa: PLW2901
                found.append((room, heads, events))
    for room, heads, events in found:
        if heads.epoch == room.epoch:
            _settle(room, heads, events)
        else:
            _restart(room, heads)


def listen_to_person(client: Client) -> None:
    """A socket hears what is meant for its person, whatever rooms it is in."""
    if client.actor.id is None:
        return
    channel = user_channel(client.actor.id)
    sockets.server.enter_room(client.sid, channel)
    _people[channel] += 1
    if _people[channel] == 1:
        handles.bus.subscribe(channel)


def forget_person(client: Client) -> None:
    """The socket is gone; the engine has left its channels already."""
    channel = user_channel(client.actor.id) if client.actor.id else ""
    if channel in _people:
        _people[channel] -= 1
        if _people[channel] <= 0:
            del _people[channel]
            handles.bus.unsubscribe(channel)


def _begin(room: OpenRoom) -> None:
    handles.bus.subscribe(*_channels(room.room_id))
    with reading() as session:
        heads = read_heads(session, [room.room_id]).get(room.room_id)
    if heads is None:
        raise AppError("room_not_found")
    handles.presence.watch(room.room_id)  # the first here is told at once who is there on other workers
    room.epoch = heads.epoch
    _hand_out(room, room.order["room"].begin(heads.room))
    _hand_out(room, room.order["chat"].begin(heads.chat))


def _drop(room: OpenRoom) -> None:
    if _rooms.get(room.room_id) is room:
        del _rooms[room.room_id]
        handles.bus.unsubscribe(*_channels(room.room_id))


def _channels(room_id: str) -> tuple[str, str]:
    return room_channel(room_id), chat_channel(room_id)


def _restart(room: OpenRoom, heads: Heads) -> None:
    """The numbering was restarted (a restored database): begin anew, and let the clients come back for a full state."""
    log.warning("room_epoch_changed", room_id=room.room_id)
    room.epoch = heads.epoch
    room.order = {"room": StreamOrder(), "chat": StreamOrder()}
    room.order["room"].begin(heads.room)
    room.order["chat"].begin(heads.chat)
    for client in [client for client in sockets.clients.values() if room.room_id in client.seats]:
        sockets.server.close(client.sid)


def _settle(room: OpenRoom, heads: Heads, events: list[Event]) -> None:
    for stream, head in (("room", heads.room), ("chat", heads.chat)):
        _hand_out(room, room.order[stream].settle(head, [event for event in events if event.stream == stream]))
    for event in events:
        if event.stream is None:
            deliver(event)
    room.moved.set()


def _hand_out(room: OpenRoom, events: list[Event]) -> None:
    for event in events:
        for collector in room.taps:
            collector.events.append(event)
        try:
            fan_out(event)
            metrics.message_delivered(event)
        except Exception:
            log.exception("fan_out_failed", event_name=event.name, channel=event.channel)
    if events:
        room.moved.set()


def _repair_gap(room: OpenRoom) -> None:
    room.repair_is_due = False
    if room.has_gap and _rooms.get(room.room_id) is room:
        try:
            repair([room.room_id])
        except AppError as why:
            log.warning("repair_failed", room_id=room.room_id, code=why.code)
