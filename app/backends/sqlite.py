"""SQLite under gevent: every statement runs in the hub's thread pool, so that no disk stalls the event loop.

A greenlet yields at each statement, therefore two writers must never overlap: the writing engine has exactly one
connection, for which greenlets queue, and begins with BEGIN IMMEDIATE. Readers have two connections of their own that
cannot write; WAL lets them run beside the writer.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
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
    """A cursor whose work is done by the thread pool."""

    connection: PooledConnection

    def execute(self, *args: Any) -> Any:
        return self.connection.run(super().execute, *args)

    def executemany(self, *args: Any) -> Any:
        return self.connection.run(super().executemany, *args)

    def fetchall(self) -> Any:
        return self.connection.run(super().fetchall)


class PooledConnection(sqlite3.Connection):
    """A connection whose cursors, commits and rollbacks are run by the thread pool, one at a time."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._turn = _native_lock()

    def run(self, function: Callable[..., Any], *args: Any) -> Any:
        """`function(*args)` in the thread pool, when no other thread has the connection."""
        return _in_pool(self._alone, function, *args)

    def cursor(self, factory: type[sqlite3.Cursor] = PooledCursor) -> Any:  # type: ignore[override]
        return super().cursor(factory)

    def commit(self) -> None:
        if self.in_transaction:
            self.run(super().commit)

    def rollback(self) -> None:
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


def writing_engine(url: str) -> Engine:
    """The one connection that may write."""
    path = make_url(url).database
    if not path or path == ":memory:":
        raise ValueError("SQLite needs a file: an in-memory database is lost between connections")
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    return _engine(url, size=1, begin="BEGIN IMMEDIATE", pragmas=("journal_mode=WAL", "synchronous=FULL"))


def reading_engine(url: str) -> Engine:
    """Connections that can only read; a long read never makes a writer wait."""
    return _engine(url, size=READERS, begin="BEGIN", pragmas=("query_only=ON",))


def _engine(url: str, *, size: int, begin: str, pragmas: tuple[str, ...]) -> Engine:
    engine = create_engine(
        url,
        pool_size=size,
        max_overflow=0,
        pool_timeout=_LOCK_TIMEOUT_S,
        # The pool hands a connection to whichever thread of the hub's pool runs the next statement, one at a time.
        connect_args={
            "factory": PooledConnection,
            "isolation_level": None,
            "check_same_thread": False,
            "timeout": _LOCK_TIMEOUT_S,
        },
    )

    @event.listens_for(engine, "connect")
    def _prepare(connection: Any, _record: Any) -> None:
        cursor = connection.cursor()
        for pragma in ("foreign_keys=ON", f"busy_timeout={BUSY_TIMEOUT_MS}", *pragmas):
            cursor.execute(f"PRAGMA {pragma}")
        cursor.close()

    @event.listens_for(engine, "begin")
    def _begin(connection: Any) -> None:
        connection.exec_driver_sql(begin)

    return engine
