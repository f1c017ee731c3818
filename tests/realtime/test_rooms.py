"""Order and completeness of what clients get, whatever is interleaved."""

from __future__ import annotations

from functools import partial
from typing import Any
from unittest.mock import Mock

import gevent
import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from app.realtime.backlog import Bounds
from app.realtime.flusher import STRIDE, Flusher
from app.realtime.frames import encode_frame, split_frames
from app.realtime.rooms import Client, Room
from app.realtime.settings import EngineSettings

CLIENTS = 4
ROOMS = 2


class Pipe:
    """A transport that takes everything; `backlog` None makes the fan-out write to `sock`."""

    def __init__(self, *, direct: bool) -> None:
        self.backlog = None if direct else object()
        self.sock = self
        self.data = b""

    def send(self, data: bytes) -> int:
        self.data += data
        return len(data)

    def write(self, frames: bytes) -> None:
        self.data += frames

    def write_latest(self, key: object, frame: bytes) -> None:
        del key
        self.data += frame

    @property
    def texts(self) -> list[str]:
        return [payload.decode() for _, payload in split_frames(self.data)]


def test_what_is_held_leaves_with_the_answer_in_one_write_and_what_comes_then_comes_after() -> None:
    client = Client("s1", "/", Mock())
    writes: list[bytes] = []
    client.transport = Mock(write=writes.append)
    room = Room("r")
    room.join(client)
    client.rooms.append(room)
    room.frames.append((b"<room>", None))
    client.hold(lambda: client.write(b"<then>"))
    client.write(b"<state>")
    room.frames.append((b"<room too>", None))
    client.write(b"<joined>")
    assert writes == []
    client.let_go(b"<answer>")
    assert writes == [b"<room><state><room too><joined><answer>", b"<then>"]
    client.let_go(b"<next answer>")
    assert writes[2:] == [b"<next answer>"]


def test_what_is_held_twice_is_let_go_in_between() -> None:
    client = Client("s1", "/", Mock())
    writes: list[bytes] = []
    client.transport = Mock(write=writes.append)
    for part in (b"1", b"2"):
        client.hold(partial(client.write, b"<then " + part + b">"))
        client.write(b"<state " + part + b">")
    client.let_go()
    assert writes == [b"<state 1>", b"<then 1>", b"<state 2>", b"<then 2>"]


def test_where_nothing_was_held_nothing_is_written() -> None:
    client = Client("s1", "/", Mock())
    client.transport = Mock(write=Mock(side_effect=AssertionError))
    then = Mock()
    client.hold(then)
    client.let_go()
    then.assert_called_once_with()


def _client(number: int) -> Client:
    client = Client(f"s{number}", "/", Mock())
    client.transport = Pipe(direct=number % 2 == 0)
    return client


class FanOut(RuleBasedStateMachine):
    """Against a model in which every broadcast arrives at once.

    A client gets each room's durable frames in order, exactly those sent while it was a member,
    and what is sent to it alone stays between what was sent to its rooms before and after.
    """

    def __init__(self) -> None:
        super().__init__()
        self.bounds = Bounds(EngineSettings(flush_batch_bytes=64))
        self.flusher = Flusher(self.bounds)
        self.flusher._running = True  # the test turns the crank: no greenlet
        self.clients = [_client(number) for number in range(CLIENTS)]
        self.rooms = [Room(f"r{number}") for number in range(ROOMS)]
        self.expected: dict[Client, list[str]] = {client: [] for client in self.clients}
        self.count = 0

    def _text(self, what: str) -> str:
        self.count += 1
        return f"{what}{self.count}"

    @initialize()
    def everyone_is_everywhere(self) -> None:
        for number in range(CLIENTS):
            for room in range(ROOMS):
                self.join(number, room)

    @rule(room=st.integers(0, ROOMS - 1), skip=st.none() | st.integers(0, CLIENTS - 1))
    def broadcast(self, room: int, skip: int | None) -> None:
        target = self.rooms[room]
        if not target.members:
            return
        text = self._text(f"r{room}:")
        skipped = self.clients[skip] if skip is not None else None
        for client in target.members - {skipped}:
            self.expected[client].append(text)
        self.flusher.push(target, encode_frame(text.encode()), skipped)

    @rule(number=st.integers(0, CLIENTS - 1))
    def send_directly(self, number: int) -> None:
        client = self.clients[number]
        text = self._text("direct:")
        self.expected[client].append(text)
        client.write(encode_frame(text.encode()))

    @rule(number=st.integers(0, CLIENTS - 1), room=st.integers(0, ROOMS - 1))
    def join(self, number: int, room: int) -> None:
        client, target = self.clients[number], self.rooms[room]
        if client not in target.members:
            target.join(client)
            client.rooms.append(target)

    @rule(number=st.integers(0, CLIENTS - 1), room=st.integers(0, ROOMS - 1))
    def leave(self, number: int, room: int) -> None:
        client, target = self.clients[number], self.rooms[room]
        if client in target.members:
            client.transport.write(target.take_for(client))
            client.rooms.remove(target)
            target.leave(client)

    @rule(room=st.integers(0, ROOMS - 1), members=st.integers(1, CLIENTS))
    def flush_a_slice(self, room: int, members: int) -> None:
        """Begin a batch, or go on with it, and stop after some members."""
        target = self.rooms[room]
        if target.batch is None and (target.frames or target.latest):
            target.batch = self.flusher._begin(target)
        if target.batch is not None:
            for _ in range(min(members, len(target.batch.remaining))):
                self._give_one(target)
            if not target.batch.remaining:
                target.batch = None

    def _give_one(self, room: Room) -> None:
        batch = room.batch
        assert batch is not None
        rest = set(list(batch.remaining)[1:])
        batch.remaining -= rest
        self.flusher._give(batch)
        batch.remaining |= rest

    @invariant()
    def nothing_arrives_twice_or_out_of_order_within_a_room(self) -> None:
        for client in self.clients:
            for stream in ("r0:", "r1:"):
                got = [text for text in _texts(client) if text.startswith(stream)]
                sent = [text for text in self.expected[client] if text.startswith(stream)]
                assert got == sent[: len(got)]

    @invariant()
    def a_direct_message_keeps_its_place(self) -> None:
        for client in self.clients:
            got = _texts(client)
            for place, text in enumerate(got):
                if text.startswith("direct:"):
                    expected = self.expected[client]
                    assert set(got[:place]) == set(expected[: expected.index(text)])

    def teardown(self) -> None:
        for client in self.clients:
            client.write(b"")
            assert sorted(_texts(client)) == sorted(self.expected[client])


def _texts(client: Client) -> list[str]:
    transport: Any = client.transport
    texts: list[str] = transport.texts
    return texts


TestFanOut = FanOut.TestCase
TestFanOut.settings = settings(max_examples=300, stateful_step_count=40, deadline=None)


def test_frames_pushed_while_the_loop_is_busy_leave_in_one_write() -> None:
    flusher = Flusher(Bounds(EngineSettings()))
    room, client = Room("r"), _client(0)
    room.join(client)
    for number in range(20):
        flusher.push(room, encode_frame(b"%d" % number))
    flusher._run()
    assert _texts(client) == [str(number) for number in range(20)]
    assert flusher._bounds.counters.writes == 1
    assert flusher._bounds.counters.deliveries == 20
    assert room.size_bytes == 0


def test_a_batch_carries_no_more_than_it_should() -> None:
    flusher = Flusher(Bounds(EngineSettings(flush_batch_bytes=100)))
    room, client = Room("r"), _client(0)
    room.join(client)
    for _ in range(10):
        flusher.push(room, encode_frame(b"x" * 38))
    flusher._run()
    assert flusher._bounds.counters.writes == 5
    assert len(_texts(client)) == 10


def test_rooms_are_served_in_turn() -> None:
    flusher = Flusher(Bounds(EngineSettings(flush_batch_bytes=1)))
    order: list[str] = []
    for name in ("big", "small"):
        room, client = Room(name), _client(1)
        client.transport = Mock(write=partial(_note, order, name))
        room.join(client)
        for _ in range(3 if name == "big" else 1):
            flusher.push(room, encode_frame(b"x"))
    flusher._run()
    assert order == ["big", "small", "big", "big"]


def _note(order: list[str], name: str, _frames: bytes) -> None:
    order.append(name)


def test_a_failing_room_does_not_silence_the_others(caplog: pytest.LogCaptureFixture) -> None:
    flusher = Flusher(Bounds(EngineSettings()))
    broken, sound = Room("broken"), Room("sound")
    bad, good = _client(1), _client(0)
    bad.transport = Mock(write=Mock(side_effect=RuntimeError))
    broken.join(bad)
    sound.join(good)
    flusher.push(broken, encode_frame(b"x"))
    flusher.push(sound, encode_frame(b"y"))
    flusher._run()
    assert _texts(good) == ["y"]
    assert "flushing a room failed" in caplog.text


class Noting(Pipe):
    """Notes in `turns` when it is written to."""

    def __init__(self, name: str, turns: list[str]) -> None:
        super().__init__(direct=True)
        self._name = name
        self._turns = turns

    def send(self, data: bytes) -> int:
        self._turns.append(self._name)
        return super().send(data)


def _room(name: str, members: int, turns: list[str]) -> Room:
    room = Room(name)
    for number in range(members):
        client = _client(number)
        client.transport = Noting(name, turns)  # type: ignore[assignment]
        room.join(client)
    return room


def test_a_small_room_is_served_before_a_large_one_that_is_not_through() -> None:
    turns: list[str] = []
    flusher = Flusher(Bounds(EngineSettings(flush_slice_ms=0)))  # a slice is one stride
    flusher.push(_room("large", 10 * STRIDE, turns), b"frame")
    while not turns:
        gevent.sleep(0)
    flusher.push(_room("small", 2, turns), b"frame")
    while flusher._running:
        gevent.sleep(0)
    assert turns.index("small") <= 2 * STRIDE
    assert turns.count("large") == 10 * STRIDE


def test_rooms_that_keep_coming_leave_a_large_one_every_other_slice() -> None:
    turns: list[str] = []
    flusher = Flusher(Bounds(EngineSettings(flush_slice_ms=0)))
    flusher.push(_room("large", 10 * STRIDE, turns), b"frame")
    small = [_room("small", 1, turns) for _ in range(30)]
    while turns.count("large") < 10 * STRIDE:
        for room in small:
            if not room.waiting:
                flusher.push(room, b"frame")
        gevent.sleep(0)
    assert turns.count("small") <= 12


def test_who_is_left_out_of_all_there_is_costs_no_write() -> None:
    flusher = Flusher(Bounds(EngineSettings()))
    room, sender, other = Room("r"), _client(0), _client(1)
    sender.transport = Mock(write=Mock(side_effect=AssertionError))
    for client in (sender, other):
        room.join(client)
    flusher.push(room, encode_frame(b"x"), skip=sender)
    flusher._run()
    assert _texts(other) == ["x"]
    assert flusher._bounds.counters.deliveries == 1
