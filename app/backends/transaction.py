"""Transactions that tell the world only after their commit.

`transaction()` is the only way to write. Events emitted inside it reach in-transaction subscribers at once (they may write in
the same transaction) and the bus after the commit; a rolled back transaction says nothing, and a bus that fails never undoes a
commit. Inside a transaction a second `transaction()` or `reading()` joins the first: services can call services.
What survives a crash: exactly what was committed; an event lost between commit and publish is found by the head poll.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import datetime

import structlog
from sqlalchemy import Engine
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from sqlalchemy.orm import Session, sessionmaker

from app.backends.postgres import postgres_engine
from app.backends.sqlite import reading_engine, writing_engine
from app.core.clock import Clock, SystemClock
from app.core.errors import AppError
from app.core.event import Event

log = structlog.get_logger(__name__)

Subscriber = Callable[["Transaction", Event], None]
Publisher = Callable[[Sequence[Event]], None]


class Transaction:
    """One unit of work: a session, the instant it acts at, and what it will tell afterwards."""

    def __init__(self, session: Session, now: datetime, subscribers: dict[str, list[Subscriber]]) -> None:
        self.session = session
        self.now = now
        self.events: list[Event] = []
        self._subscribers = subscribers
        self._after_commit: list[Callable[[], None]] = []

    def emit(self, event: Event) -> None:
        """Publish `event` after the commit; subscribers hear it now."""
        self.events.append(event)
        for subscriber in self._subscribers.get(event.name, ()):
            subscriber(self, event)

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
        self.engine: Engine
        self.read_engine: Engine

    def bind(self, url: str, *, clock: Clock, publish: Publisher) -> None:
        """Connect to `url` (lazily); earlier engines are closed."""
        self.dispose()
        if url.startswith("sqlite"):
            self.engine, self.read_engine = writing_engine(url), reading_engine(url)
        else:
            self.engine = self.read_engine = postgres_engine(url)
        self.clock = clock
        self.publish = publish
        self._writer = sessionmaker(self.engine, expire_on_commit=False, autoflush=True)
        self._reader = sessionmaker(self.read_engine, expire_on_commit=False, autoflush=False)

    def dispose(self) -> None:
        """Close all connections."""
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
            return
        with _unavailable(), self._writer() as session:
            work = Transaction(session, self.clock.now(), self._subscribers)
            token = self._current.set(work)
            try:
                session.begin()
                yield work
                session.commit()
            finally:
                self._current.reset(token)
        self._tell(work)

    @contextmanager
    def reading(self) -> Iterator[Session]:
        """A session that sees one snapshot and writes nothing; inside a transaction it is that transaction's."""
        current = self._current.get()
        session = current.session if current is not None else self._reading.get()
        if session is not None:
            yield session
            return
        with _unavailable(), self._reader() as session:
            token = self._reading.set(session)
            try:
                yield session
            finally:
                self._reading.reset(token)

    def now(self) -> datetime:
        """The instant that the current transaction acts at, else the clock's."""
        current = self._current.get()
        return current.now if current is not None else self.clock.now()

    def _tell(self, work: Transaction) -> None:
        try:
            if work.events:
                self.publish(work.events)
            for action in work._after_commit:  # noqa: SLF001 - the two classes are one mechanism
                action()
        except Exception:
            log.exception("publish_failed", events=[event.name for event in work.events])


@contextmanager
def _unavailable() -> Iterator[None]:
    """Turn a lost or exhausted database into the one retryable error; everything else is a bug and stays one."""
    try:
        yield
    except PoolTimeoutError as why:
        raise AppError("database_unavailable") from why
    except DBAPIError as why:
        if why.connection_invalidated or _is_connection_trouble(why):
            raise AppError("database_unavailable") from why
        raise


def _is_connection_trouble(why: DBAPIError) -> bool:
    """Whether the server was not there, went away, was full or took too long: SQLSTATE classes 08, 53, 57."""
    state = getattr(why.orig, "sqlstate", None)
    if state is not None:
        return bool(state[:2] in ("08", "53", "57"))
    return type(why.orig).__name__ in ("OperationalError", "ConnectionTimeout")


database = Database()
transaction = database.transaction
reading = database.reading
