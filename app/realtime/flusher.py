"""Gathers without waiting: one greenlet that gives rooms' frames to their members.

While the loop is idle a broadcast leaves as soon as its sender yields. While it is busy, what was
sent meanwhile leaves together, one system call for each member. Rooms are served in turn, in
slices, so a room of 10,000 does not hold up a room of two: who has just been sent something comes
before those that have had a slice and are not through, which get every other slice at the least.

The greenlet lets others run by a timer: `sleep(0)` would run only what is runnable already, never
the sockets, and hub callbacks would make them wait as long.
"""

import logging
from collections import deque
from time import perf_counter

import gevent

from app.realtime.backlog import Bounds, Key
from app.realtime.rooms import Batch, Client, Room
from app.realtime.websocket import WebSocketTransport

logger = logging.getLogger(__name__)

YIELD_S = 1e-6
#: Members served between two looks at the clock.
STRIDE = 16


class Flusher:
    """`push` frames; they reach the members soon, in the order pushed."""

    def __init__(self, bounds: Bounds) -> None:
        self._bounds = bounds
        self._fresh: deque[Room] = deque()  # have had no slice yet
        self._begun: deque[Room] = deque()
        self._running = False

    def push(self, room: Room, frame: bytes, skip: Client | None = None, key: Key | None = None) -> None:
        """Add a frame to what waits for `room`; with a `key` it is ephemeral."""
        if key is None:
            room.frames.append((frame, skip))
        else:
            room.latest.append((key, frame, skip))
        room.size_bytes += len(frame)
        self._bounds.counters.frames += 1
        if not room.queued:
            room.queued = True
            self._fresh.append(room)
            if not self._running:
                self._running = True
                gevent.spawn_raw(self._run)

    def wait_for(self, room: Room) -> None:
        """Hold the caller up while `room` has more waiting than it may; not in a hub callback."""
        limit = self._bounds.engine.pending_bytes_per_room
        while room.size_bytes > limit and gevent.getcurrent() is not gevent.get_hub():
            gevent.sleep(self._bounds.engine.flush_slice_ms / 1000)

    def _run(self) -> None:
        slice_s = self._bounds.engine.flush_slice_ms / 1000
        ends = perf_counter() + slice_s
        is_due = had_turn = False  # those begun: they wait since the last slice; they were served in this one
        while self._fresh or self._begun:
            is_fresh = bool(self._fresh) and not (is_due and self._begun)
            room = (self._fresh if is_fresh else self._begun).popleft()
            if not is_fresh:
                is_due, had_turn = False, True
            try:
                self._serve(room, ends)
            except Exception:  # one room's failure must not silence the others
                logger.exception("flushing a room failed")
                room.batch = None
            if room.waiting:
                self._begun.append(room)
            else:
                room.queued = False
            if perf_counter() >= ends:
                gevent.sleep(YIELD_S)
                ends = perf_counter() + slice_s
                is_due, had_turn = not had_turn, False
        self._running = False

    def _serve(self, room: Room, ends: float) -> None:
        """Go on with the room's batch, or begin one, until it is done or the slice ends."""
        batch = room.batch
        if batch is None:
            batch = room.batch = self._begin(room)
        while batch.remaining:
            self._give(batch)
            if perf_counter() >= ends:
                break
        if not batch.remaining:
            room.batch = None

    def _begin(self, room: Room) -> Batch:
        """Take as many frames as one write should carry."""
        limit = self._bounds.engine.flush_batch_bytes
        count = size = 0
        while count < len(room.frames) and (not count or size + len(room.frames[count][0]) <= limit):
            size += len(room.frames[count][0])
            count += 1
        gathered = count + len(room.latest)
        batch = Batch(room, count)
        room.size_bytes -= len(batch.data)
        self._bounds.counters.deliveries += gathered * len(batch.remaining)
        return batch

    def _give(self, batch: Batch) -> None:
        """Serve up to STRIDE members. The inner loop of the engine: a system call and little else."""
        remaining, special, data = batch.remaining, batch.special, batch.data
        size = len(data)
        writes = 0
        for _ in range(min(STRIDE, len(remaining))):
            client = remaining.pop()
            transport = client.transport
            if special and client in special:
                transport.write(special[client])
            elif transport.backlog is None:
                writes += 1
                try:
                    sent = transport.sock.send(data)
                except BlockingIOError:
                    sent = 0
                except OSError:
                    sent = -1
                if sent != size:
                    _keep_rest(transport, data, sent)
            else:
                _give_behind(batch, client)
        self._bounds.counters.writes += writes


def _keep_rest(transport: object, data: bytes, sent: int) -> None:
    assert isinstance(transport, WebSocketTransport)  # nothing else has a socket to send on
    if sent < 0:
        transport.fail()
    else:
        transport.keep(data, sent)


def _give_behind(batch: Batch, client: Client) -> None:
    """Give to a client that is behind, polls or is not let in yet: ephemeral frames may be replaced."""
    if batch.durable:
        client.transport.write(batch.durable)
    for key, frame in batch.latest:
        client.transport.write_latest(key, frame)
