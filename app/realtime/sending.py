"""The sending half of the server: to a channel, to one client, and who is there to hear it."""

from collections.abc import Callable, Collection
from typing import Any

import socketio

from app.realtime import codec, packets
from app.realtime.backlog import Key
from app.realtime.counters import Counters
from app.realtime.flusher import Flusher
from app.realtime.frames import encode_frame
from app.realtime.manager import Manager


class SendingServer(socketio.Server):  # type: ignore[misc]
    """What features send through. Nothing here waits, unless a room is far behind (`Flusher.wait_for`)."""

    manager: Manager
    flusher: Flusher
    counters: Counters

    def encode(self, event: str, *args: Any) -> str:
        """The Socket.IO packet of an event, as `fanout_encoded` takes it: `2["event",…]`."""
        return "2" + codec.dumps([event, *args])

    def fanout(
        self, channel: str, event: str, *args: Any, skip_sid: str | None = None, latest_key: str | None = None
    ) -> None:
        """Deliver an event to the local members of `channel`, encoded and framed once.

        With a `latest_key` it is ephemeral: a client that is behind gets only the latest one of
        each (channel, key). Raises TypeError for what has no JSON form.
        """
        payload = b"42" + codec.encode([event, *args])
        self.deliver("/", channel, encode_frame(payload), skip_sid=skip_sid, latest_key=latest_key)

    def fanout_encoded(self, channel: str, frame_text: str, *, latest_key: str | None = None) -> None:
        """`fanout` of a packet that is encoded already (see `encode`)."""
        self.deliver("/", channel, encode_frame(b"4" + frame_text.encode()), latest_key=latest_key)

    def send(self, sid: str, event: str, *args: Any) -> None:
        """Send one client an event, after what its rooms have waiting for it."""
        client = self.manager.client(sid)
        if client is not None:
            client.write(packets.encode(packets.EVENT, "/", [event, *args]))

    def hold(self, sid: str, then: Callable[[], None]) -> None:
        """What `sid` is sent from now on leaves with the answer to the event that is handled, in one write; then `then` runs.

        For that event's handler, which may not wait for anything any more: nobody else runs between these.
        """
        client = self.manager.client(sid)
        if client is None:
            then()
        else:
            client.hold(then)

    def let_go(self, sid: str) -> None:
        """Send what is held, before the answer: for a handler that has to wait after all."""
        client = self.manager.client(sid)
        if client is not None:
            client.let_go()

    def deliver(
        self,
        namespace: str,
        to: str | None,
        frames: bytes,
        *,
        skip_sid: str | None = None,
        latest_key: str | None = None,
    ) -> None:
        """Give frames to a sid, to a channel, or to everyone (None)."""
        client = self.manager.client(to, namespace) if to is not None else None
        if client is not None:
            if to != skip_sid:
                client.write(frames)
            return
        room = self.manager.room(to, namespace)
        if room is not None and room.members:
            skip = self.manager.client(skip_sid, namespace) if skip_sid else None
            key: Key | None = (to or "", latest_key) if latest_key is not None else None
            self.flusher.push(room, frames, skip, key)
            self.flusher.wait_for(room)

    def members(self, channel: str | None) -> Collection[str]:
        """The sids of the local members of `channel`; of everyone for None."""
        room = self.manager.room(channel)
        return [client.sid for client in room.members] if room is not None else []

    def member_count(self, channel: str | None) -> int:
        """How many local members `channel` has."""
        room = self.manager.room(channel)
        return len(room.members) if room is not None else 0

    def stats(self) -> dict[str, int]:
        """Counters and gauges of this process, for metrics (see `Counters`)."""
        return self.counters.as_dict()
