"""The database's time: each worker measures its offset to it, so that a worker whose own clock is wrong changes nothing.

A reading is off by half the round trip at most (Cristian, "Probabilistic clock synchronization", 1989); of a few, the
quickest is the best. SQLite runs on this machine: its offset is 0.
"""

from __future__ import annotations

import time

import gevent
import structlog
from sqlalchemy import func, select

from app.backends.transaction import Database
from app.core.clock import SystemClock
from app.core.errors import AppError

READINGS = 3
REFRESH_S = 10.0
RETRY_S = 1.0

log = structlog.get_logger(__name__)


def measure_offset_ms(database: Database) -> float:
    """What must be added to this machine's clock to have the database's, in milliseconds.

    Raises:
        AppError: `database_unavailable`.
    """
    if database.dialect == "sqlite":
        return 0.0
    return min(_reading(database) for _ in range(READINGS))[1]


def keep_in_step(database: Database, clock: SystemClock) -> None:
    """The loop that keeps `clock` on the database's time; one greenlet for each worker."""
    while True:
        try:
            clock.offset_ms = measure_offset_ms(database)
        except AppError as why:
            log.warning("clock_not_measured", code=why.code)
            gevent.sleep(RETRY_S)
        else:
            gevent.sleep(REFRESH_S)


def _reading(database: Database) -> tuple[float, float]:
    """One reading: (round trip in s, offset in ms)."""
    with database.reading() as session:
        session.connection()  # connect and begin before the watch runs
        sent_s, sent_wall_s = time.monotonic(), time.time()
        theirs = session.execute(select(func.clock_timestamp())).scalar_one()
        round_trip_s = time.monotonic() - sent_s
    return round_trip_s, (theirs.timestamp() - sent_wall_s - round_trip_s / 2) * 1000
