"""The sockets of this worker as people in rooms: devices of one person are one, and a lost connection has a grace to return.

Rules: only the socket that entered can leave; a socket that leaves on purpose is gone at once; one that was disconnected
lingers for `GRACE_MS`, so that a reload or a tunnel does not flicker in front of everybody. Online is who is in some room:
a socket without rooms keeps nobody online. Nothing survives a crash, and nothing should.
"""

from __future__ import annotations

from collections import Counter, defaultdict, deque
from collections.abc import Callable
from dataclasses import dataclass, field

from app.backends.presence import Person, Presence
from app.core.actor import Actor

GRACE_MS = 2_000


@dataclass(slots=True)
class Connection:
    """One socket: who it is (None: a viewer without a name), where it came from, and the rooms it is in."""

    sid: str
    person: Person | None
    address: str
    rooms: set[str] = field(default_factory=set)
    lingers: bool = False


class Seats:
    """Counts devices, and tells the port the first in and the last out."""

    def __init__(self, port: Presence, departed: Callable[[Person], None]) -> None:
        """`departed` hears of each person whose last socket on this worker is gone."""
        self._port = port
        self._departed = departed
        self._connections: dict[str, Connection] = {}
        self._devices: Counter[tuple[str, str]] = Counter()
        self._anonymous: Counter[str] = Counter()
        self._sockets: defaultdict[str, set[str]] = defaultdict(set)
        self._lingering: deque[tuple[float, Connection]] = deque()
        self._vacant: Counter[tuple[str, str]] = Counter()
        self._taken: Counter[tuple[str, str]] = Counter()

    @property
    def is_waiting(self) -> bool:
        """Whether a grace is running out."""
        return bool(self._lingering)

    def enter(self, sid: str, actor: Actor, address: str, room_id: str) -> None:
        """The socket is in the room; saying it again changes nothing."""
        connection = self._connections.get(sid)
        if connection is None:
            connection = self._connections[sid] = Connection(sid, person_of(actor), address)
        if connection.lingers or room_id in connection.rooms:
            return
        connection.rooms.add(room_id)
        if connection.person is None:
            if not self._take_place(address, room_id):
                self._count_anonymous(room_id, 1)
            return
        self._add_device(connection.person, room_id)
        self._arrive(connection.person, connection)

    def leave(self, sid: str, room_id: str) -> None:
        """The socket left the room on purpose; nothing if it is not there, or lingers."""
        connection = self._connections.get(sid)
        if connection is not None and not connection.lingers and room_id in connection.rooms:
            connection.rooms.discard(room_id)
            self._release(connection, room_id)
            if connection.person and not connection.rooms:
                self._sockets[connection.person.id].discard(sid)
                self._depart(connection.person, set())

    def disconnect(self, sid: str, now_ms: float) -> Connection | None:
        """The socket is gone; what it held stays for the grace."""
        connection = self._connections.pop(sid, None)
        if connection is not None:
            connection.lingers = True
            if connection.person is None:
                self._vacant.update((connection.address, room_id) for room_id in connection.rooms)
            self._lingering.append((now_ms + GRACE_MS, connection))
        return connection

    def expire(self, now_ms: float) -> None:
        """Let go of those whose grace is over."""
        gone: dict[str, tuple[Person, set[str]]] = {}
        while self._lingering and self._lingering[0][0] <= now_ms:
            connection = self._lingering.popleft()[1]
            for room_id in connection.rooms:
                was_last = self._release(connection, room_id)
                if was_last and connection.person:
                    gone.setdefault(connection.person.id, (connection.person, set()))[1].add(room_id)
            if connection.person and connection.rooms:
                gone.setdefault(connection.person.id, (connection.person, set()))
                self._sockets[connection.person.id].discard(connection.sid)
        for person, room_ids in gone.values():
            self._depart(person, room_ids)

    def only_socket(self, person_id: str) -> str | None:
        """The socket of somebody who has one here."""
        sids = self._sockets.get(person_id, ())
        return next(iter(sids)) if len(sids) == 1 else None

    def _add_device(self, person: Person, room_id: str) -> None:
        self._devices[room_id, person.id] += 1
        if self._devices[room_id, person.id] == 1:
            self._port.put(room_id, person)

    def _release(self, connection: Connection, room_id: str) -> bool:
        """Take one device out of the room; whether it was the person's last there."""
        if connection.person is None:
            if not (connection.lingers and self._was_taken(connection.address, room_id)):
                self._count_anonymous(room_id, -1)
            return False
        key = (room_id, connection.person.id)
        self._devices[key] -= 1
        if self._devices[key]:
            return False
        del self._devices[key]
        self._port.drop(room_id, connection.person.id)
        return True

    def _count_anonymous(self, room_id: str, change: int) -> None:
        self._anonymous[room_id] += change
        self._port.set_anonymous(room_id, self._anonymous[room_id])
        if not self._anonymous[room_id]:
            del self._anonymous[room_id]

    def _take_place(self, address: str, room_id: str) -> bool:
        """A viewer who reloads is not two: the newcomer takes the place of one from there that is about to go."""
        place = (address, room_id)
        if not _lower(self._vacant, place):
            return False
        self._taken[place] += 1
        return True

    def _was_taken(self, address: str, room_id: str) -> bool:
        """Whether the place of a viewer whose grace is over goes on under somebody else."""
        place = (address, room_id)
        if _lower(self._taken, place):
            return True
        _lower(self._vacant, place)
        return False

    def _arrive(self, person: Person, connection: Connection) -> None:
        sockets = self._sockets[person.id]
        is_first = not sockets
        sockets.add(connection.sid)
        if is_first:
            self._port.arrive(person, tuple(connection.rooms))

    def _depart(self, person: Person, room_ids: set[str]) -> None:
        """Unless another socket of theirs is in a room."""
        if not self._sockets[person.id]:
            del self._sockets[person.id]
            self._port.depart(person.id, tuple(room_ids))
            self._departed(person)


def person_of(actor: Actor) -> Person | None:
    """The actor as somebody with a name; None for viewers without one."""
    return Person(actor.id, actor.username, actor.name, actor.is_guest) if actor.id else None


def _lower(counter: Counter[tuple[str, str]], key: tuple[str, str]) -> bool:
    """Take one, and the key with the last; false if there is none."""
    if key not in counter:
        return False
    counter[key] -= 1
    if not counter[key]:
        del counter[key]
    return True
