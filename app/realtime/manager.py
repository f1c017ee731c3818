"""python-socketio's client manager on Greenroom's rooms.

The stock manager keeps each room as a bidict of sids and scans all of them whenever a client
leaves; this one has an index, so leaving costs what the client's own rooms cost. It is local:
a bus subclasses it and overrides `emit`.
"""

from collections.abc import Callable, Iterable, Iterator
from itertools import count
from typing import Any

import socketio

from app.realtime.connection import Connection
from app.realtime.packets import EVENT, encode
from app.realtime.rooms import Client, Room

Channel = str | None


class Space:
    """One namespace: its clients by sid and its rooms by name; `everyone` is the room of all."""

    __slots__ = ("clients", "everyone", "rooms")

    def __init__(self) -> None:
        self.clients: dict[str, Client] = {}
        self.rooms: dict[str, Room] = {}
        self.everyone = Room(None)


class Manager(socketio.Manager):  # type: ignore[misc]
    """Clients and rooms of this process."""

    def __init__(self) -> None:
        super().__init__()
        self._spaces: dict[str, Space] = {}
        self._ack_ids = count(1)

    # Clients

    def space(self, namespace: str) -> Space:
        """The namespace, made when first asked for."""
        space = self._spaces.get(namespace)
        if space is None:
            space = self._spaces[namespace] = Space()
        return space

    def client(self, sid: str, namespace: str = "/") -> Client | None:
        """The client of `sid`, connected or about to be."""
        space = self._spaces.get(namespace)
        return space.clients.get(sid) if space is not None else None

    def add(self, connection: Connection, namespace: str) -> Client:
        """Register a client that is not let in yet."""
        client = Client(self.server.eio.generate_id(), namespace, connection)
        connection.clients = (*connection.clients, client)
        self.space(namespace).clients[client.sid] = client
        return client

    def admit(self, client: Client) -> None:
        """The client was let in: broadcasts to the namespace reach it."""
        everyone = self.space(client.namespace).everyone
        everyone.join(client)
        client.rooms.append(everyone)

    def remove(self, client: Client) -> None:
        """Forget a client; costs what its own rooms cost."""
        space = self.space(client.namespace)
        space.clients.pop(client.sid, None)
        for room in client.rooms:
            self._leave(space, room, client)
        client.rooms.clear()
        client.callbacks = None
        connection = client.connection
        connection.clients = tuple(other for other in connection.clients if other is not client)

    # Rooms, as python-socketio calls them

    def room(self, channel: Channel, namespace: str = "/") -> Room | None:
        """The room of that name, if anybody is in it."""
        space = self.space(namespace)
        return space.everyone if channel is None else space.rooms.get(channel)

    def enter_room(self, sid: str, namespace: str, room: str, eio_sid: str | None = None) -> None:
        """Put a client in a room. Raises ValueError for a sid that is not connected."""
        del eio_sid
        space = self.space(namespace)
        client = space.clients.get(sid)
        if client is None:
            raise ValueError("sid is not connected to requested namespace")
        if room in space.clients:
            raise ValueError("cannot enter a sid room")
        target = space.rooms.get(room)
        if target is None:
            target = space.rooms[room] = Room(room)
        if client not in target.members:
            target.join(client)
            client.rooms.append(target)

    def leave_room(self, sid: str, namespace: str, room: str) -> None:
        """Take a client out of a room, after giving it what was sent before."""
        space = self.space(namespace)
        client, target = space.clients.get(sid), space.rooms.get(room)
        if client is None or target is None or client not in target.members:
            return
        if target.waiting:
            waiting = target.take_for(client)
            if waiting:
                client.transport.write(waiting)
        client.rooms.remove(target)
        self._leave(space, target, client)

    @staticmethod
    def _leave(space: Space, room: Room, client: Client) -> None:
        room.leave(client)
        if not room.members and room.name is not None:
            space.rooms.pop(room.name, None)

    def close_room(self, room: str, namespace: str) -> None:
        """Take everyone out of a room."""
        target = self.space(namespace).rooms.get(room)
        for client in list(target.members) if target is not None else ():
            self.leave_room(client.sid, namespace, room)

    def get_rooms(self, sid: str, namespace: str) -> list[str]:
        """The rooms of a client; its own sid is one, as in python-socketio."""
        client = self.client(sid, namespace)
        if client is None:
            return []
        return [sid, *(room.name for room in client.rooms if room.name is not None)]

    def get_participants(self, namespace: str, room: Any) -> Iterator[tuple[str, str]]:
        """(sid, Engine.IO sid) of each member of a room, a sid or a list of them."""
        for client in self._targets(namespace, room):
            yield client.sid, client.connection.sid

    def _targets(self, namespace: str, to: Any) -> Iterable[Client]:
        """The clients that `to` names: everyone (None), a sid, a channel, or a list of these."""
        if isinstance(to, (list, tuple, set, frozenset)):
            found: dict[Client, None] = {}
            for one in to:
                found.update(dict.fromkeys(self._targets(namespace, one)))
            return list(found)
        client = self.client(to, namespace) if to is not None else None
        if client is not None:
            return [client]
        room = self.room(to, namespace)
        return list(room.members) if room is not None else []

    def get_namespaces(self) -> list[str]:
        """The namespaces that anybody came to."""
        return list(self._spaces)

    # Questions

    def is_connected(self, sid: str, namespace: str) -> bool:
        """Whether a client was let in and has not begun to leave."""
        client = self.client(sid, namespace)
        return client is not None and client.connected

    def eio_sid_from_sid(self, sid: str, namespace: str) -> str | None:
        """The Engine.IO sid of a client."""
        client = self.client(sid, namespace)
        return client.connection.sid if client is not None else None

    def sid_from_eio_sid(self, eio_sid: str, namespace: str) -> str | None:
        """The sid of a connection in a namespace."""
        connection = self.server.eio.sockets.get(eio_sid)
        if connection is None:
            return None
        return next((client.sid for client in connection.clients if client.namespace == namespace), None)

    # Sending

    def emit(
        self,
        event: str,
        data: Any,
        namespace: str,
        room: Any = None,
        skip_sid: Any = None,
        callback: Callable[..., Any] | None = None,
        to: Any = None,
        **_: Any,
    ) -> None:
        """python-socketio's emit, to the clients of this process."""
        to = to or room
        arguments = [event, *unpack(data)]
        skipped = set(skip_sid) if isinstance(skip_sid, (list, tuple, set)) else {skip_sid}
        if callback is None and not isinstance(to, (list, tuple, set)) and len(skipped) == 1:
            self.server.deliver(namespace, to, encode(EVENT, namespace, arguments), skip_sid=skipped.pop())
            return
        for client in self._targets(namespace, to):
            if client.sid not in skipped:
                number = self._remember(client, callback) if callback else None
                client.write(encode(EVENT, namespace, arguments, number))

    def _remember(self, client: Client, callback: Callable[..., Any]) -> int:
        if client.callbacks is None:
            client.callbacks = {}
        number = next(self._ack_ids)
        client.callbacks[number] = callback
        return number

    def trigger_callback(self, sid: str, id: int, data: list[Any], namespace: str = "/") -> bool:
        """Run the callback that an acknowledgement answers; False if nobody waits for it."""
        client = self.client(sid, namespace)
        callback = client.callbacks.pop(id, None) if client is not None and client.callbacks else None
        if callback is not None:
            callback(*data)
        return callback is not None


def unpack(data: Any) -> list[Any]:
    """python-socketio's rule: a tuple is several arguments, None is no argument."""
    if isinstance(data, tuple):
        return list(data)
    return [] if data is None else [data]
