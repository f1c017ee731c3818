"""Transactions that tell the world only after their commit.

`transaction()` is the only way to write. Events emitted inside it reach in-transaction subscribers at once (they may write in
the same transaction) and the bus after the commit; a rolled back transaction says nothing, and a bus that fails never undoes a
commit. Inside a transaction a second `transaction()` or `reading()` joins the first: services can call services.
Connections are given in turns by address (`asker`): who asks for hundreds waits behind who asks for one.
What survives a crash: exactly what was committed; an event lost between commit and publish is found by the head poll.
"""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from contextvars import ContextVar
from datetime import datetime
from functools import partial
from typing import Any, TypeVar

import gevent
import structlog
from sqlalchemy import Engine
from sqlalchemy.exc import DBAPIError, InterfaceError, InternalError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from sqlalchemy.orm import Session, sessionmaker

from app.backends.breaker import Breaker
from app.backends.fair_turns import FairTurns, asker
from app.backends.postgres import each_statement_alone, is_away, is_conflict, is_temporary, postgres_engine, probe
from app.backends.prepared import Asked, run
from app.backends.sqlite import reading_engine, writing_engine
from app.core.clock import Clock, SystemClock
from app.core.errors import AppError
from app.core.event import Event

log = structlog.get_logger(__name__)

CONFLICT_RETRIES = 2
CONFLICT_PAUSE_S = 0.05

T = TypeVar("T")
Subscriber = Callable[["Transaction", Event], None]
Publisher = Callable[[Sequence[Event]], None]
Gatherer = Callable[["Transaction", list[Any]], None]


class Transaction:
    """One unit of work: a session, the instant it acts at, and what it will tell afterwards."""

    def __init__(self, session: Session, now: datetime, subscribers: dict[str, list[Subscriber]]) -> None:
        self.session = session
        self.now = now
        self.events: list[Event] = []
        self._subscribers = subscribers
        self._after_commit: list[Callable[[], None]] = []
        self._gathered: dict[Gatherer, list[Any]] = {}
        self._last: list[Asked] = []

    def emit(self, event: Event) -> None:
        """Publish `event` after the commit; subscribers hear it now."""
        self.events.append(event)
        for subscriber in self._subscribers.get(event.name, ()):
            subscriber(self, event)

    def gather(self, write: Gatherer, item: Any) -> None:
        """Call `write(work, items)` once before the commit, with everything that was gathered for it until then."""
        self._gathered.setdefault(write, []).append(item)

    def write_last(self, *writes: Asked) -> None:
        """Execute statements with the commit, in one round trip; until then, or `flush_last`, nobody sees what they write."""
        self._last += writes

    def flush_last(self) -> None:
        """Execute now what waits for the commit."""
        last, self._last = self._last, []
        if last:
            run(self.session, *last)

    def commit(self) -> None:
        """Make durable what was written; called once, by the one who began."""
        while self._gathered:
            write = next(iter(self._gathered))
            write(self, self._gathered.pop(write))
        if self._last:
            run(self.session, *self._last, and_commit=True)
        else:
            self.session.commit()

    def after_commit(self, action: Callable[[], None]) -> None:
        """Run `action` once committed: for waking a scheduler or ending sockets, never for anything that must not be lost."""
        self._after_commit.append(action)


class Database:
    """The handle that services share; `bind` makes it usable. One per process."""

    def __init__(self) -> None:
        self.clock: Clock = SystemClock()
        self.publish: Publisher = lambda events: None
        self._subscribers: dict[str, list[Subscriber]] = defaultdict(list)
        self._current: ContextVar[Transaction | None] = ContextVar("transaction", default=None)
        self._reading: ContextVar[Session | None] = ContextVar("reading", default=None)
        self.breaker: Breaker | None = None
        self.engine: Engine
        self.read_engine: Engine

    def bind(self, url: str, *, clock: Clock, publish: Publisher) -> None:
        """Connect to `url` (lazily); earlier engines are closed."""
        self.dispose()
        if url.startswith("sqlite"):
            self.engine, self.read_engine = writing_engine(url), reading_engine(url)
        else:
            self.engine = self.read_engine = postgres_engine(url)
            self.breaker = Breaker(partial(probe, url, self.engine))
        self.clock = clock
        self.publish = publish
        self._reads = self._turns(self.read_engine)
        self._writes = self._reads if self.engine is self.read_engine else self._turns(self.engine)
        self._writer = sessionmaker(self.engine, expire_on_commit=False, autoflush=True)
        self._reader = sessionmaker(each_statement_alone(self.read_engine), expire_on_commit=False, autoflush=False)

    def dispose(self) -> None:
        """Close all connections."""
        if self.breaker is not None:
            self.breaker.stop()
            self.breaker = None
        for name in ("engine", "read_engine"):
            if hasattr(self, name):
                getattr(self, name).dispose()

    def subscribe(self, event_name: str, subscriber: Subscriber) -> None:
        """Call `subscriber` inside every transaction that emits `event_name`; registering it twice is once."""
        if subscriber not in self._subscribers[event_name]:
            self._subscribers[event_name].append(subscriber)

    @property
    def dialect(self) -> str:
        """`sqlite` or `postgresql`."""
        return self.engine.dialect.name

    @contextmanager
    def transaction(self) -> Iterator[Transaction]:
        """Begin, or join the transaction of this greenlet.

        Raises:
            AppError: `database_unavailable` when the database cannot be reached.
        """
        current = self._current.get()
        if current is not None:
            yield current
            current.flush_last()
            return
        with self._guard(self._writes), self._writer() as session:
            work = Transaction(session, self.clock.now(), self._subscribers)
            token = self._current.set(work)
            try:
                session.begin()
                yield work
                work.commit()
            finally:
                self._current.reset(token)
        self._tell(work)

    @contextmanager
    def reading(self) -> Iterator[Session]:
        """A session that writes nothing; inside a transaction it is that transaction's.

        On SQLite it sees one snapshot; on PostgreSQL each statement sees what was committed before it.
        """
        current = self._current.get()
        session = current.session if current is not None else self._reading.get()
        if session is not None:
            yield session
            return
        with self._guard(self._reads), self._reader() as session:
            token = self._reading.set(session)
            try:
                yield session
            finally:
                self._reading.reset(token)

    def run(self, action: Callable[[Transaction], T]) -> T:
        """`action(work)` in a transaction, again when the database rolled it back for the sake of another one.

        Only for actions that do nothing outside the transaction. Inside a transaction there is nothing to repeat: it joins.

        Raises:
            AppError: `database_unavailable`.
        """
        for _ in range(CONFLICT_RETRIES):
            try:
                with self.transaction() as work:
                    return action(work)
            except AppError as why:
                is_mine = self._current.get() is None
                if not (is_mine and isinstance(why.__cause__, DBAPIError) and is_conflict(why.__cause__)):
                    raise
                gevent.sleep(random.uniform(0, CONFLICT_PAUSE_S))  # noqa: S311 - only to come at different moments
        with self.transaction() as work:
            return action(work)

    @property
    def in_transaction(self) -> bool:
        """Whether this greenlet is inside a transaction."""
        return self._current.get() is not None

    @property
    def in_snapshot(self) -> bool:
        """Whether `reading()` would join something that this greenlet has begun."""
        return self.in_transaction or self._reading.get() is not None

    def now(self) -> datetime:
        """The instant that the current transaction acts at, else the clock's."""
        current = self._current.get()
        return current.now if current is not None else self.clock.now()

    @contextmanager
    def _guard(self, turns: FairTurns) -> Iterator[None]:
        """Take a turn, and make of a lost or exhausted database the one retryable error; all else is a bug and stays one."""
        if self.breaker is not None:
            self.breaker.check()
        has_one = self._reading.get() is not None  # and would wait for those who wait for that
        try:
            with nullcontext() if has_one else turns.turn(asker.address):
                yield
        except PoolTimeoutError as why:
            self._suspect()
            raise AppError("database_unavailable") from why
        except DBAPIError as why:
            if not _is_temporary(why):
                raise
            if is_away(why):
                self._suspect()
            raise AppError("database_unavailable") from why

    def _turns(self, engine: Engine) -> FairTurns:
        """As many as the pool has connections: whoever has a turn finds one."""
        pool: Any = engine.pool
        return FairTurns(pool.size(), pool.timeout(), each=pool.size(), late=self._late)

    def _late(self) -> AppError:
        self._suspect()
        return AppError("database_unavailable")

    def _suspect(self) -> None:
        if self.breaker is not None:
            self.breaker.suspect()

    def _tell(self, work: Transaction) -> None:
        try:
            if work.events:
                self.publish(work.events)
            for action in work._after_commit:  # noqa: SLF001 - the two classes are one mechanism
                action()
        except Exception:
            log.exception("publish_failed", events=[event.name for event in work.events])


def _is_temporary(why: DBAPIError) -> bool:
    """Whether trying again later can help; SQLite has no SQLSTATE: a lock, a full disk."""
    if type(why.orig).__module__.startswith("sqlite3"):
        return type(why.orig).__name__ == "OperationalError"
    is_servers_fault = isinstance(why, (OperationalError, InterfaceError, InternalError))
    return why.connection_invalidated or (is_servers_fault and is_temporary(why))


database = Database()
transaction = database.transaction
reading = database.reading
