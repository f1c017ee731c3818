"""However many connections want more than their share, between two of their slices everybody else has a turn."""

from __future__ import annotations

from contextlib import ExitStack
from types import SimpleNamespace
from typing import Any, cast

import gevent
from gevent import socket

from app.realtime.inbox import Inbox
from app.realtime.turns import Turns
from app.realtime.worker import ACCEPTED_AT_ONCE, GreenroomWorker

FLOODERS = 50
EACH = 20
CROWD = 100
YIELD_S = 1e-6


class Flooder(Inbox):
    """Handles its messages by counting them, in slices of one message."""

    __slots__ = ("closed", "handled", "server", "sid")

    def __init__(self, turns: Turns, handled: list[str], sid: str) -> None:
        super().__init__()
        engine = SimpleNamespace(max_queued_events_per_client=EACH)
        counters = SimpleNamespace(events=0, handler_errors=0)
        self.server = cast("Any", SimpleNamespace(engine=engine, slice_ms=0, counters=counters, turns=turns))
        self.sid, self.closed, self.handled = sid, False, handled

    def handle(self, item: str | bytes) -> None:
        self.handled.append(self.sid)

    def on_end(self, reason: str) -> None: ...

    def read_on(self) -> None: ...

    def receive(self, count: int) -> None:
        for _ in range(count):
            self._queue("x")


def flood(*, takes_turns: bool) -> list[tuple[int, int]]:
    """Each time that somebody else had a turn: how many messages of all flooders were handled before, and how many then."""
    turns, handled = Turns(0), list[str]()
    for number in range(FLOODERS):
        flooder = Flooder(turns, handled, str(number))
        flooder.takes_turns = takes_turns
        flooder.receive(EACH)
    seen = []
    with gevent.Timeout(30):
        while len(handled) < FLOODERS * EACH:
            before = len(handled)
            gevent.sleep(YIELD_S)
            seen.append((before, len(handled) - before))
    assert sorted(handled) == sorted(str(number) for number in range(FLOODERS) for _ in range(EACH))
    return seen


def test_after_a_slice_each_all_flooders_together_have_one() -> None:
    assert max(handled for before, handled in flood(takes_turns=False) if before > 2 * FLOODERS) <= 2


def test_who_has_sent_much_already_waits_before_its_first_slice() -> None:
    assert max(handled for _, handled in flood(takes_turns=True)) <= 2


def test_as_many_as_fit_into_a_slice_have_it_together() -> None:
    turns, begun = Turns(10_000), list[int]()

    def work(number: int) -> None:
        turns.wait()
        begun.append(number)

    waiting = [gevent.spawn(work, number) for number in range(20)]
    gevent.joinall(waiting, timeout=10)
    assert begun == list(range(20))


def test_who_is_killed_while_it_waits_holds_nobody_up() -> None:
    turns, begun = Turns(0), list[str]()

    def work(name: str) -> None:
        turns.wait()
        begun.append(name)

    first, second = gevent.spawn(work, "first"), gevent.spawn(work, "second")
    gevent.sleep(0)
    first.kill()
    second.join(timeout=10)
    assert begun == ["second"]


def test_of_a_crowd_that_comes_at_once_a_few_are_let_in_before_others_have_their_turn() -> None:
    let_in: list[object] = []
    worker = SimpleNamespace(worker_connections=CROWD, handle=lambda _name, _sock, address: let_in.append(address))
    most = 0
    with socket.create_server(("127.0.0.1", 0), backlog=CROWD) as listener, ExitStack() as ending:
        for _ in range(CROWD):
            ending.enter_context(socket.create_connection(listener.getsockname()))
        ending.callback(GreenroomWorker._serve(cast("Any", worker), listener).close)
        with gevent.Timeout(30):
            while len(let_in) < CROWD:
                before = len(let_in)
                gevent.sleep(YIELD_S)
                most = max(most, len(let_in) - before)
    assert most <= 2 * ACCEPTED_AT_ONCE  # a turn may end one round of the loop and begin the next
