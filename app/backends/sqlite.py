"""SQLite under gevent: every statement runs in the hub's thread pool, so that no disk stalls the event loop. The way there and
back costs more than most statements: a query, what it finds and the BEGIN before it go in one turn.

A greenlet yields at each statement, therefore two writers must never overlap: the writing engine has exactly one
connection, for which greenlets queue, and begins with BEGIN IMMEDIATE. Readers have two connections of their own that
cannot write; WAL lets them run beside the writer.
"""

from __future__ import annotations

import os
import sqlite3
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import gevent
from gevent.monkey import get_original
from gevent.util import wrap_errors
from sqlalchemy import Engine, create_engine, event
from sqlalchemy.engine import make_url

BUSY_TIMEOUT_MS = 5_000
READERS = 2
_LOCK_TIMEOUT_S = BUSY_TIMEOUT_MS / 1000
_native_lock = get_original("_thread", "allocate_lock")  # between threads of the pool, which gevent's own is not for


def _in_pool(function: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
    # gevent writes a traceback for whatever is raised in its pool; a refused constraint is an ordinary answer.
    job = gevent.get_hub().threadpool.spawn(wrap_errors(Exception, function), *args, **kwargs)
    try:
        outcome = job.get()
    except (
        BaseException
    ):  # the greenlet was told to end; a thread still has the connection, which no other may get before
        job.wait()
        raise
    if isinstance(outcome, Exception):
        raise outcome
    return outcome


class PooledCursor(sqlite3.Cursor):
    """A cursor whose work is done by the thread pool; what a query finds is read in the turn that runs it."""

    connection: PooledConnection

    def __init__(self, connection: sqlite3.Connection) -> None:
        super().__init__(connection)
        self._rows: deque[Any] = deque()

    def execute(self, *args: Any) -> Any:
        self._rows = self.connection.run(self._read_out, *args)
        return self

    def executemany(self, *args: Any) -> Any:
        self.connection.run(self._repeat, *args)
        return self

    def fetchone(self) -> Any:
        return self._rows.popleft() if self._rows else None

    def fetchmany(self, size: int | None = None) -> Any:
        return [self._rows.popleft() for _ in range(min(size or self.arraysize, len(self._rows)))]

    def fetchall(self) -> Any:
        rows, self._rows = list(self._rows), deque()
        return rows

    def __next__(self) -> Any:
        if not self._rows:
            raise StopIteration
        return self._rows.popleft()

    def _read_out(self, *args: Any) -> deque[Any]:
        self.connection.begin_if_due()
        super().execute(*args)
        return deque(super().fetchall())

    def _repeat(self, *args: Any) -> None:
        self.connection.begin_if_due()
        super().executemany(*args)


class PooledConnection(sqlite3.Connection):
    """A connection whose cursors, commits and rollbacks are run by the thread pool, one at a time.

    `begin_with` says how a transaction begins: with the first statement after it, in one turn.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._turn = _native_lock()
        self._begin = ""

    def run(self, function: Callable[..., Any], *args: Any) -> Any:
        """`function(*args)` in the thread pool, when no other thread has the connection."""
        return _in_pool(self._alone, function, *args)

    def cursor(self, factory: type[sqlite3.Cursor] = PooledCursor) -> Any:  # type: ignore[override]
        return super().cursor(factory)

    def begin_with(self, statement: str) -> None:
        """Run `statement` before the next one."""
        self._begin = statement

    def begin_if_due(self) -> None:
        """Begin what `begin_with` announced; within a turn."""
        statement, self._begin = self._begin, ""
        if statement:
            sqlite3.Cursor(self).execute(statement)

    def commit(self) -> None:
        self._begin = ""
        if self.in_transaction:
            self.run(super().commit)

    def rollback(self) -> None:
        self._begin = ""
        if self.in_transaction:
            self.run(super().rollback)

    def close(self) -> None:
        """Close for good; a statement that still runs in a thread is cut short, for to close under it is a crash."""
        if self._turn.locked():
            self.interrupt()
        with self._turn:
            # What a greenlet left behind when it was told to end: an unread cursor would keep the lock past the close.
            if self.in_transaction:
                super().rollback()
            super().close()

    def _alone(self, function: Callable[..., Any], *args: Any) -> Any:
        with self._turn:
            return function(*args)


class ReadingConnection(PooledConnection):
    """A connection that cannot write: to end what it reads touches no disk, and needs no thread."""

    def rollback(self) -> None:
        self._begin = ""
        if self.in_transaction:
            with self._turn:
                sqlite3.Connection.rollback(self)


def create_private(path: Path) -> None:
    """Make the database's file, where there is none, for its owner alone; SQLite gives those beside it the same mode."""
    with suppress(FileExistsError):
        os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))


def writing_engine(url: str) -> Engine:
    """The one connection that may write."""
    path = make_url(url).database
    if not path or path == ":memory:":
        raise ValueError("SQLite needs a file: an in-memory database is lost between connections")
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    pragmas = ("journal_mode=WAL", "synchronous=FULL")
    return _engine(url, PooledConnection, size=1, begin="BEGIN IMMEDIATE", pragmas=pragmas)


def reading_engine(url: str) -> Engine:
    """Connections that can only read; a long read never makes a writer wait."""
    return _engine(url, ReadingConnection, size=READERS, begin="BEGIN", pragmas=("query_only=ON",))


def _engine(url: str, factory: type[PooledConnection], *, size: int, begin: str, pragmas: tuple[str, ...]) -> Engine:
    engine = create_engine(
        url,
        pool_size=size,
        max_overflow=0,
        pool_timeout=_LOCK_TIMEOUT_S,
        # The pool hands a connection to whichever thread of the hub's pool runs the next statement, one at a time.
        connect_args={
            "factory": factory,
            "isolation_level": None,
            "check_same_thread": False,
            "timeout": _LOCK_TIMEOUT_S,
        },
    )

    @event.listens_for(engine, "do_connect")
    def _create(_dialect: Any, _record: Any, arguments: Any, _named: Any) -> None:
        create_private(Path(arguments[0]))

    @event.listens_for(engine, "connect")
    def _prepare(connection: Any, _record: Any) -> None:
        cursor = connection.cursor()
        for pragma in ("foreign_keys=ON", f"busy_timeout={BUSY_TIMEOUT_MS}", *pragmas):
            cursor.execute(f"PRAGMA {pragma}")
        cursor.close()

    @event.listens_for(engine, "begin")
    def _begin(connection: Any) -> None:
        connection.connection.driver_connection.begin_with(begin)

    return engine
