"""One client's messages, answered later or at once, with nothing real around them."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

import gevent
import pytest

from app.core.later import Later
from app.realtime.answers import Awaited
from app.realtime.frames import split_frames
from app.realtime.inbox import Ended, Inbox
from app.realtime.rooms import Client

QUEUED_MOST = 4


class Wire:
    """Where a client's frames go; stands for the client as well."""

    namespace = "/"

    def __init__(self) -> None:
        self.writes: list[list[str]] = []

    def write(self, frames: bytes) -> None:
        self.writes.append([bytes(payload).decode() for _, payload in split_frames(frames)])

    @property
    def packets(self) -> list[str]:
        return [packet for write in self.writes for packet in write]


class Line(Inbox):
    """A connection whose messages are names: `a` … are begun and settled by the test, `!a` … are handled at once."""

    __slots__ = ("closed", "laters", "log", "server", "sid", "wire")

    def __init__(self) -> None:
        super().__init__()
        engine = SimpleNamespace(max_queued_events_per_client=QUEUED_MOST)
        self.server = cast("Any", SimpleNamespace(engine=engine, slice_ms=2, counters=SimpleNamespace(events=0)))
        self.sid, self.closed = "sid", False
        self.wire = Wire()
        self.laters: dict[str, Later[Any]] = {}
        self.log: list[str] = []

    def handle(self, item: str | bytes) -> None:
        name = str(item)
        if name.startswith("!"):
            self.wait_for_answers()
            self.log.append(name)
            return
        self.log.append(name)
        later = self.laters[name] = Later()
        self.answer_later(Awaited(cast("Client", self.wire), len(self.laters), later))

    def on_end(self, reason: str) -> None:
        self.log.append(reason)

    def read_on(self) -> None: ...

    def receive(self, *items: str | Ended) -> None:
        for item in items:
            self._queue(item)
        settle()


def settle() -> None:
    """Let every greenlet that can run do so."""
    for _ in range(5):
        gevent.sleep(0)


@pytest.fixture
def line() -> Line:
    return Line()


def test_the_next_event_begins_while_the_one_before_waits_for_its_answer(line: Line) -> None:
    line.receive("a", "b")
    assert (line.log, line.wire.packets) == (["a", "b"], [])


def test_answers_keep_the_order_of_the_events(line: Line) -> None:
    line.receive("a", "b", "c")
    line.laters["b"].settle("second")
    line.laters["c"].fail(ValueError())
    settle()
    assert line.wire.packets == []
    line.laters["a"].settle("first")
    settle()
    assert line.wire.packets == ['431["first"]', '432["second"]']


def test_answers_that_come_together_leave_in_one_write(line: Line) -> None:
    line.receive("a", "b", "c")
    for name in "abc":
        line.laters[name].settle(name)
    settle()
    assert len(line.wire.writes) == 1
    assert line.wire.packets == ['431["a"]', '432["b"]', '433["c"]']


def test_what_does_not_overlap_waits_for_every_answer_before_it(line: Line) -> None:
    line.receive("a", "b", "!leave", "c")
    assert line.log == ["a", "b"]
    line.laters["b"].settle(2)
    settle()
    assert line.log == ["a", "b"]
    line.laters["a"].settle(1)
    settle()
    assert (line.log, line.wire.packets) == (["a", "b", "!leave", "c"], ["431[1]", "432[2]"])


def test_the_end_comes_after_all_that_was_begun(line: Line) -> None:
    line.receive("a", Ended("transport close", ""))
    assert line.log == ["a"]
    line.laters["a"].settle(1)
    settle()
    assert line.log == ["a", "transport close"]


def test_who_waits_for_answers_may_not_begin_without_end(line: Line) -> None:
    line.receive("a", "b", "c")
    assert line.wants_more()
    line.receive("d")
    assert not line.wants_more()
    line.laters["a"].settle(1)
    settle()
    assert line.wants_more()


def test_an_answer_that_cannot_be_made_holds_nobody_up(line: Line) -> None:
    line.receive("a", "b")
    line.laters["a"].fail(RuntimeError("a bug"))
    line.laters["b"].settle(2)
    settle()
    assert line.wire.packets == ["432[2]"]


def test_a_client_without_answers_to_come_keeps_no_queue(line: Line) -> None:
    line.receive("a")
    line.laters["a"].settle(1)
    settle()
    assert line.answers is None
