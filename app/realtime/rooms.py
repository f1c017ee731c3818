"""Who is where: clients, rooms and the index from each to the other.

Invariants: a client is in `room.members` exactly if the room is in `client.rooms`; a room exists
exactly while it has members or frames; a client that left gets what was sent before it left, and
one that came gets nothing sent before it came.
"""

from collections.abc import Callable
from typing import Any

from app.realtime.backlog import Key
from app.realtime.connection import Connection
from app.realtime.transport import HeldTransport, Transport


class Client:
    """One connection in one namespace: what a Socket.IO sid stands for."""

    __slots__ = ("callbacks", "connection", "held", "leaving", "namespace", "rooms", "sid", "transport")

    def __init__(self, sid: str, namespace: str, connection: Connection) -> None:
        self.sid = sid
        self.namespace = namespace
        self.connection = connection
        self.rooms: list[Room] = []
        self.leaving = False
        self.callbacks: dict[int, Callable[..., Any]] | None = None
        self.held: Held | None = None
        #: Kept here too, because the fan-out asks for nothing else of a client.
        self.transport: Transport = HeldTransport()

    @property
    def connected(self) -> bool:
        """Whether its connect handler let it in and it has not begun to leave."""
        return not self.leaving and not isinstance(self.transport, HeldTransport)

    def use(self, transport: Transport) -> None:
        """Send through `transport` from now on; a client still being held stays so."""
        if not isinstance(self.transport, HeldTransport):
            self.transport = transport

    def release(self, first: bytes) -> None:
        """The client is let in: send `first`, then all that was held back."""
        held = self.transport
        self.transport = self.connection.transport
        self.transport.write(first)
        if isinstance(held, HeldTransport) and held.frames:
            self.transport.write(b"".join(held.frames))

    def write(self, frames: bytes) -> None:
        """Send frames to this client alone, after what its rooms have waiting for it."""
        waiting = self.take_waiting()
        if waiting:
            frames = waiting + frames
        if self.held is None:
            self.transport.write(frames)
        else:
            self.held.frames.append(frames)

    def hold(self, then: Callable[[], None]) -> None:
        """Keep what is sent until `let_go`, which calls `then`. Nobody else may run in between."""
        self.let_go()
        self.held = Held(then)

    def let_go(self, last: bytes = b"") -> None:
        """Send what was held and `last` in one write; sends `last` alone if nothing was held."""
        held, self.held = self.held, None
        if held is None:
            if last:
                self.write(last)
            return
        if frames := b"".join([*held.frames, last]):
            self.transport.write(frames)
        held.then()

    def take_waiting(self) -> bytes:
        """Take out of its rooms what they have waiting for this client."""
        return b"".join([room.take_for(self) for room in self.rooms if room.waiting])


class Held:
    """What is sent to a client whose event is being handled, until the answer goes with it; and what is done then."""

    __slots__ = ("frames", "then")

    def __init__(self, then: Callable[[], None]) -> None:
        self.frames: list[bytes] = []
        self.then = then


class Batch:
    """Frames of one room on their way to those who were its members when the batch began.

    `remaining` shrinks as members are served; `special` holds what differs for single members.
    """

    __slots__ = ("data", "durable", "latest", "remaining", "special")

    def __init__(self, room: "Room", count: int) -> None:
        frames, room.frames = room.frames[:count], room.frames[count:]
        latest, room.latest = room.latest, []
        self.durable = b"".join([frame for frame, _ in frames])
        self.latest: list[tuple[Key, bytes]] = [(key, frame) for key, frame, _ in latest]
        self.data = self.durable + b"".join([frame for _, frame in self.latest])
        self.remaining = set(room.members)
        self.special: dict[Client, bytes] = {}
        self._set_apart(room, frames, latest, count)

    def _set_apart(self, room: "Room", frames: Any, latest: Any, count: int) -> None:
        """Work out the members who get less than the others, or nothing: they were ahead, or are skipped."""
        apart = {skip for _, skip in frames if skip is not None}
        apart.update(skip for _, _, skip in latest if skip is not None)
        apart.update(room.ahead)
        for client in apart & self.remaining:
            begin, begin_latest = room.ahead.get(client, (0, 0))
            parts = [frame for frame, skip in frames[begin:] if skip is not client]
            parts += [frame for _, frame, skip in latest[begin_latest:] if skip is not client]
            if parts:
                self.special[client] = b"".join(parts)
            else:
                self.remaining.discard(client)  # an empty write is a system call all the same
        room.ahead = {client: (begin - count, 0) for client, (begin, _) in room.ahead.items() if begin > count}

    def take_for(self, client: Client) -> bytes:
        """What `client` has not been given of this batch; it counts as served then."""
        if client not in self.remaining:
            return b""
        self.remaining.discard(client)
        return self.special.get(client, self.data)


class Room:
    """A channel: its members, and the frames that wait for the flusher."""

    __slots__ = ("ahead", "batch", "frames", "latest", "members", "name", "queued", "size_bytes")

    def __init__(self, name: str | None) -> None:
        self.name = name
        self.members: set[Client] = set()
        self.frames: list[tuple[bytes, Client | None]] = []  # durable; and who is skipped
        self.latest: list[tuple[Key, bytes, Client | None]] = []  # ephemeral
        self.size_bytes = 0  # of the frames that wait
        #: Members who have had the first so many of `frames` and `latest`, or came after them.
        self.ahead: dict[Client, tuple[int, int]] = {}
        self.batch: Batch | None = None
        self.queued = False  # with the flusher

    @property
    def waiting(self) -> bool:
        """Whether anybody may still have to get something."""
        return bool(self.frames or self.latest or self.batch)

    def join(self, client: Client) -> None:
        """Nothing sent before reaches `client`."""
        self.members.add(client)
        if self.frames or self.latest:
            self.ahead[client] = (len(self.frames), len(self.latest))

    def leave(self, client: Client) -> None:
        """Nothing sent after reaches `client`; the caller has taken what was sent before."""
        self.members.discard(client)
        self.ahead.pop(client, None)
        if self.batch is not None:
            self.batch.remaining.discard(client)

    def take_for(self, client: Client) -> bytes:
        """All that waits for `client`, which is ahead of the other members then."""
        parts = [self.batch.take_for(client)] if self.batch is not None else []
        begin, begin_latest = self.ahead.get(client, (0, 0))
        parts += [frame for frame, skip in self.frames[begin:] if skip is not client]
        parts += [frame for _, frame, skip in self.latest[begin_latest:] if skip is not client]
        if self.frames or self.latest:
            self.ahead[client] = (len(self.frames), len(self.latest))
        return b"".join(parts)
