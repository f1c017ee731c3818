"""PostgreSQL through psycopg 3, which waits cooperatively once gevent has patched `select`.

Time limits, from the inside out: a lock is waited for 5 s, a statement runs 10 s, a transaction that does nothing for 5 s
is ended by the server (its worker is frozen or gone, and others wait for its locks), a connection is waited for 2 s.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import Engine, create_engine, event
from sqlalchemy.engine import ExceptionContext, make_url
from sqlalchemy.exc import DBAPIError, InvalidatePoolError
from sqlalchemy.pool import NullPool

from app.backends.postgres_connection import Connection

POOL_SIZE = 8
POOL_TIMEOUT_S = 2
CONNECT_TIMEOUT_S = 3
STATEMENT_TIMEOUT_MS = 10_000
LOCK_TIMEOUT_MS = 5_000
IDLE_IN_TRANSACTION_MS = 5_000
PROBE_TIMEOUT_S = 2  # the least that libpq takes
READ_ONLY = "25006"


def postgres_engine(url: str) -> Engine:
    """A small pool per worker: workers x `POOL_SIZE` must stay below the server's `max_connections`."""
    engine = create_engine(
        url,
        pool_size=POOL_SIZE,
        max_overflow=0,
        pool_timeout=POOL_TIMEOUT_S,
        pool_use_lifo=True,
        connect_args=_connect_args(url, CONNECT_TIMEOUT_S),
    )

    @event.listens_for(engine, "do_connect")
    def _connect(_dialect: Any, _record: Any, args: Any, kwargs: Any) -> Connection:
        return Connection.connect(*args, **kwargs)

    @event.listens_for(engine, "checkout")
    def _check(connection: Connection, _record: Any, _proxy: Any) -> None:
        """In place of the pool's own ping, which costs every transaction two round trips."""
        if not connection.is_quiet:
            raise InvalidatePoolError  # the pool takes new ones, as after a ping that failed

    @event.listens_for(engine, "handle_error")
    def _leave(context: ExceptionContext) -> None:
        """A server that takes no writes may have become a standby: the next connection may lead to the new primary."""
        if getattr(context.original_exception, "sqlstate", None) == READ_ONLY:
            context.is_disconnect = True
            context.invalidate_pool_on_disconnect = False

    return engine


def each_statement_alone(engine: Engine) -> Engine:
    """The same pool for reading: without BEGIN and ROLLBACK, which are two round trips of three.

    Under READ COMMITTED a transaction that only reads gives its statements nothing: each sees what was committed before it.
    SQLite's readers do see one snapshot and pay nothing for it: unchanged.
    """
    return engine if engine.dialect.name == "sqlite" else engine.execution_options(isolation_level="AUTOCOMMIT")


def probe(url: str, engine: Engine) -> None:
    """Use the database once: by a connection of its own or, where the server takes no more of those, by one of the pool's.

    Raises:
        SQLAlchemyError: it cannot be used.
    """
    alone = create_engine(url, poolclass=NullPool, connect_args=_connect_args(url, PROBE_TIMEOUT_S))
    for through in (alone, engine):
        try:
            with through.connect() as connection:
                connection.exec_driver_sql("SELECT 1")
            return
        except DBAPIError:
            if through is engine or not engine.pool.checkedin():  # type: ignore[attr-defined]
                raise


def is_away(why: DBAPIError) -> bool:
    """Whether the server was not there or went away: SQLSTATE classes 08 and 57P, or no answer at all."""
    state = _sqlstate(why)
    return why.connection_invalidated or state is None or state.startswith(("08", "57P"))


def is_temporary(why: DBAPIError) -> bool:
    """Whether the same may work later: it was away, full (53), busy (55P03, 57014) or read-only, or broke a conflict (40)."""
    return is_away(why) or (_sqlstate(why) or "").startswith(("40", "53", "55P03", "57014", READ_ONLY))


def is_conflict(why: DBAPIError) -> bool:
    """Whether the server rolled the transaction back for the sake of another (deadlock, serialization): run it again."""
    return (_sqlstate(why) or "") in {"40P01", "40001"}


def _sqlstate(why: DBAPIError) -> str | None:
    state: str | None = getattr(why.orig, "sqlstate", None)
    return state


def _connect_args(url: str, connect_timeout_s: int) -> dict[str, Any]:
    limits = {
        "statement_timeout": STATEMENT_TIMEOUT_MS,
        "lock_timeout": LOCK_TIMEOUT_MS,
        "idle_in_transaction_session_timeout": IDLE_IN_TRANSACTION_MS,
        "timezone": "UTC",
    }
    own = make_url(url).query.get("options", "")  # a schema; these arguments take the place of the URL's
    return {
        "connect_timeout": connect_timeout_s,
        "keepalives_idle": 5,
        "keepalives_interval": 2,
        "keepalives_count": 3,
        "tcp_user_timeout": STATEMENT_TIMEOUT_MS,
        "application_name": "greenroom",
        # psycopg forgets what it prepared at each rollback, which ends every reading, by a DEALLOCATE ALL: a round trip that
        # takes the statements of `postgres_trip` along.
        "prepare_threshold": None,
        "options": " ".join([*(f"-c {name}={value}" for name, value in limits.items()), str(own)]).strip(),
    }
