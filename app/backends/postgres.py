"""PostgreSQL through psycopg 3, which waits cooperatively once gevent has patched `select`."""

from __future__ import annotations

from sqlalchemy import Engine, create_engine

POOL_SIZE = 8
POOL_TIMEOUT_S = 2
CONNECT_TIMEOUT_S = 3
STATEMENT_TIMEOUT_MS = 10_000


def postgres_engine(url: str) -> Engine:
    """A small pool per worker: workers x `POOL_SIZE` must stay below the server's `max_connections`."""
    return create_engine(
        url,
        pool_size=POOL_SIZE,
        max_overflow=0,
        pool_timeout=POOL_TIMEOUT_S,
        pool_pre_ping=True,
        pool_use_lifo=True,
        connect_args={
            "connect_timeout": CONNECT_TIMEOUT_S,
            "keepalives_idle": 5,
            "keepalives_interval": 2,
            "keepalives_count": 3,
            "tcp_user_timeout": STATEMENT_TIMEOUT_MS,
            "application_name": "greenroom",
            "options": f"-c statement_timeout={STATEMENT_TIMEOUT_MS} -c timezone=UTC",
        },
    )
