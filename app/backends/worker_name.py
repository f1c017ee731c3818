"""A worker's `WORKER_ID` is its own. Two workers of one id serve everything but polling, which then fails without a word.

1. A worker takes the id in Redis, under a lease as presence has one, and renews it.
2. An id that is taken when it starts is asked for again until a lease is over, and served with meanwhile: who was killed cannot
   give it back. One that is renewed until then belongs to a worker that lives, and this one ends.
3. The holder is the arbiter (host and process): the worker that it starts in place of a dead one, or of one that drains,
   need not wait.
4. Without Redis nobody can be asked, and nobody is refused. A worker that finds its id taken later, or that was given none and
   has the default, says so and goes on.
"""

from __future__ import annotations

import os
import socket
import sys
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import gevent
import structlog
from redis.exceptions import RedisError

from app.backends.presence import LEASE_MS
from app.backends.redis_client import RedisClient
from app.core.clock import Clock
from app.settings import Settings

PREFIX = "greenroom:worker:"
RENEW_S = 1.0
ASK_AGAIN_S = 0.2
#: Beyond the lease: a renewal that was on its way when the worker was killed.
PATIENCE_MS = 200

FAILED_TO_BOOT = 3  # gunicorn's word for it: the arbiter does not try again for ever
DEFAULT_ID = Settings().worker_id

log = structlog.get_logger(__name__)


class NameTakenError(RuntimeError):
    """A worker that lives has the id; the message is one clear line for the operator."""


class WorkerName:
    """The id of this worker, while it serves."""

    def __init__(
        self,
        url: str,
        worker_id: str,
        clock: Clock,
        *,
        holder: str | None = None,
        lease_ms: int = LEASE_MS,
        sleep: Callable[[float], Any] = gevent.sleep,
        end: Callable[[str], Any] | None = None,
    ) -> None:
        """`holder` stands for the arbiter; by default the process that forked this one, when it is asked for. `end` ends this
        process and says why.
        """
        self.worker_id = worker_id
        self._client = RedisClient(url)
        self._clock, self._sleep, self._end = clock, sleep, end or _end
        self._holder, self._lease_ms = holder, lease_ms
        self._has_gone = self._is_contested = False

    def take(self) -> None:
        """Take the id (rules 1 and 2); returns without it when Redis is away, or when the worker has ended.

        Raises:
            NameTakenError: another worker has it.
        """
        until_ms = self._clock.monotonic_ms() + self._lease_ms + PATIENCE_MS
        while not self._has_gone:
            try:
                holder = self._ask()
            except RedisError as why:
                log.warning("worker_id_not_asked_for", why=str(why))
                return
            if holder is None:
                return
            if self._clock.monotonic_ms() >= until_ms:
                raise NameTakenError(
                    f"WORKER_ID={self.worker_id} is taken by a worker that runs ({holder}): give every worker an id of its own."
                )
            self._sleep(ASK_AGAIN_S)

    def keep(self) -> None:
        """The loop; one greenlet for each worker."""
        if self.worker_id != DEFAULT_ID:
            try:
                self.take()
            except NameTakenError as why:
                self._end(str(why))
        while not self._has_gone:
            self.renew()
            self._sleep(RENEW_S)

    def renew(self) -> None:
        """Prolong the lease; rule 4."""
        try:
            holder = self._ask()
        except RedisError:  # presence tells of it
            return
        if holder is not None and not self._is_contested:
            log.error("worker_id_taken", worker_id=self.worker_id, by=holder)
        self._is_contested = holder is not None

    def give_back(self) -> None:
        """Serve no more: the next of its id need not wait."""
        self._has_gone = True
        with suppress(RedisError):
            if self._client.run([("GET", self._key)])[0] == self.holder.encode():
                self._client.run([("DEL", self._key)])
        self._client.close()

    @property
    def holder(self) -> str:
        """Who this worker is of."""
        return self._holder or f"{socket.gethostname()}:{os.getppid()}"

    @property
    def _key(self) -> str:
        return PREFIX + self.worker_id

    def _ask(self) -> str | None:
        """Take or renew the id; who else has it."""
        commands = [("SET", self._key, self.holder, "NX", "PX", self._lease_ms), ("GET", self._key)]
        holder = self._client.run(commands)[1] or b""
        if holder != self.holder.encode():
            return str(holder.decode()) or None
        self._client.run([("PEXPIRE", self._key, self._lease_ms)])
        return None


def _end(why: str) -> None:
    print(f"greenroom: {why}", file=sys.stderr, flush=True)  # noqa: T201 - for who has started it, whatever the log is
    os._exit(FAILED_TO_BOOT)
