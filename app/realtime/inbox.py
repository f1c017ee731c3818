"""What a client sent, handled in order by one greenlet, which exists only while there is something to do.

A handler may answer `Later`; then the next message can be handled before that answer is there. Answers go out in the order of
the messages, and whoever must not overtake them calls `wait_for_answers`. A client that sends faster than it is answered is
not read: `wants_more` counts what waits on either side. Nor is one that sent more than it may (`held_until_ms`).
"""

import logging
from collections import deque
from typing import TYPE_CHECKING

import gevent
from gevent.event import Event

from app.realtime.answers import Awaited, give_answers
from app.realtime.wheel import monotonic_ms

if TYPE_CHECKING:
    from app.realtime.engine import EngineServer

logger = logging.getLogger(__name__)


class Ended:
    """The last thing in an inbox: why the connection ended, and what the client did wrong."""

    __slots__ = ("fault", "reason")

    def __init__(self, reason: str, fault: str) -> None:
        self.reason = reason
        self.fault = fault


Item = str | bytes | Ended


class Inbox:
    """The receiving half of a connection."""

    __slots__ = ("_answered", "_inbox", "_room", "_working", "answers", "held_until_ms", "takes_turns")

    server: "EngineServer"
    sid: str
    closed: bool

    def __init__(self) -> None:
        self.answers: deque[Awaited] | None = None  # events begun whose answer is not out
        self.held_until_ms = 0  # not read before then
        self.takes_turns = False  # has sent so much that it waits for its turn before every slice
        self._inbox: list[Item] = []
        self._working = False
        self._room: Event | None = None  # a POST that waits until this is handled
        self._answered: Event | None = None  # the greenlet itself, in `wait_for_answers`

    def wants_more(self) -> bool:
        """False while as many messages wait, to be handled or to be answered, as may, or while the client is held."""
        waiting = len(self._inbox) + (len(self.answers) if self.answers else 0)
        return waiting < self.server.engine.max_queued_events_per_client and not self.held_until_ms

    def answer_later(self, awaited: Awaited) -> None:
        """Give this answer when it is there and all before it are out."""
        if self.answers is None:
            self.answers = deque()
        self.answers.append(awaited)
        awaited.later.on_ready(self._on_answer)

    def wait_for_answers(self) -> None:
        """Return when all that was begun is answered; for the client's own greenlet."""
        while self.answers:
            if not self.answers[0].later.is_ready:
                self._answered = Event()
                self._answered.wait()
                self._answered = None
            self._give_answers()

    def wait_for_room(self, timeout_s: float) -> bool:
        """Block a POST while the client may not be read; False if so at the end.

        A WebSocket is just not read meanwhile.
        """
        ends_ms = monotonic_ms() + timeout_s * 1000
        while not self.wants_more() and not self.closed and monotonic_ms() < ends_ms:
            self._room = self._room or Event()
            self._room.clear()
            self._room.wait(timeout_s)
        return self.wants_more()

    def tell_room(self) -> None:
        """Let a POST that waits look again."""
        if self._room is not None:
            self._room.set()

    def read_on(self) -> None:
        """There may be room again: take what the transport held back."""
        raise NotImplementedError

    def handle(self, item: str | bytes) -> None:
        """Act on one message."""
        raise NotImplementedError

    def on_end(self, reason: str) -> None:
        """Nothing comes any more, and everything before was handled and answered."""
        raise NotImplementedError

    def _queue(self, item: Item) -> None:
        self._inbox.append(item)
        if not self._working:
            self._begin_work()

    def _on_answer(self) -> None:
        if self._answered is not None:
            self._answered.set()
        elif not self._working:
            self._begin_work()

    def _begin_work(self) -> None:
        self._working = True
        gevent.spawn_raw(self._work)

    def _work(self) -> None:
        """Handle and answer what waits, in order; ends when nothing can be done.

        Its first slice is the client's own. Those after it are shared by all who want more, see `Turns`.
        """
        try:
            if self.takes_turns:
                self.server.turns.wait()
            slice_ends_ms = monotonic_ms() + self.server.slice_ms
            while self._inbox or self._can_answer():
                self._give_answers()
                if self._inbox:
                    self._take(self._inbox.pop(0))
                if not self._inbox:
                    self.read_on()
                elif monotonic_ms() >= slice_ends_ms:
                    self.server.turns.wait()
                    slice_ends_ms = monotonic_ms() + self.server.slice_ms
        finally:
            self._working = False
            self.tell_room()
            if self._inbox:  # a handler was killed: the messages behind it must not wait for ever
                self._begin_work()

    def _can_answer(self) -> bool:
        return bool(self.answers) and self.answers[0].later.is_ready  # type: ignore[index]

    def _give_answers(self) -> None:
        if self.answers is not None:
            give_answers(self.answers)
            if not self.answers:
                self.answers = None  # ten thousand idle connections need no queue

    def _take(self, item: Item) -> None:
        try:
            if isinstance(item, Ended):
                self.wait_for_answers()
                if item.fault:  # logged here: a hub callback, where it is noticed, may not wait for a lock
                    logger.info("%s closed: %s", self.sid, item.fault)
                self.on_end(item.reason)
            else:
                self.server.counters.events += 1
                self.handle(item)
        except (Exception, gevent.Timeout):
            self.server.counters.handler_errors += 1
            logger.exception("the handler of a message failed")
