"""psycopg's connection for gevent: it waits by a watcher of the loop, and knows without asking whether its server still stands.

psycopg itself waits by a `select.poll` that gevent makes cooperative: two loops of Python around the same watcher, which
are a third of what a short statement costs.
"""

from __future__ import annotations

import select
from typing import Any, Final

import gevent
import psycopg
from gevent import monkey
from psycopg.waiting import Ready

READ: Final = 1
WRITE: Final = 2
_poll: Any = monkey.get_original("select", "poll") if hasattr(select, "poll") else None


class Connection(psycopg.Connection[Any]):
    """What the pool holds.

    prepared: the names of the statements that `postgres_trip` has prepared on it
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.prepared: set[bytes] = set()

    def wait(self, gen: Any, interval: float = 0.0, timeout: float | None = None) -> Any:
        """Run one of psycopg's protocol generators, which yield what they wait for (`psycopg.waiting.Wait`)."""
        if timeout is not None:
            return super().wait(gen, interval, timeout)
        try:
            wanted = next(gen)
            while True:
                self.wait_for((READ if wanted & Ready.R else 0) | (WRITE if wanted & Ready.W else 0))
                wanted = gen.send(wanted)
        except StopIteration as done:
            return done.value

    def wait_for(self, events: int) -> None:
        """Let others run until the socket can be read from (READ), written to (WRITE), or one of the two."""
        hub = gevent.get_hub()
        watcher = hub.loop.io(self.pgconn.socket, events)
        try:
            hub.wait(watcher)
        finally:
            watcher.close()

    @property
    def is_quiet(self) -> bool:
        """Whether nothing has arrived since the last answer: what a server says unasked is that it has ended the connection.

        Costs a system call, not a round trip. A server that vanished without a word is noticed by the keepalives.
        """
        if self.closed or _poll is None:
            return not self.closed
        poll = _poll()
        poll.register(self.pgconn.socket, select.POLLIN)
        return not poll.poll(0)
