"""While the database is away, say so at once instead of letting everybody wait for a connection.

Trouble makes the breaker probe, outside any request. While probes fail it is open and `check` refuses at once; the first
one that succeeds closes it. One connection that broke while the database is well therefore refuses nobody. Why it is away is
logged once for each reason of an outage: a server that starts up again says something else than one that is gone.
"""

from __future__ import annotations

from collections.abc import Callable

import gevent
import structlog

from app.core.errors import AppError
from app.core.failures import told

PROBE_EVERY_S = 0.25
RETRY_AFTER_MS = 1000

log = structlog.get_logger(__name__)


class Breaker:
    """Guards one database; `probe` connects to it anew and raises while it is away."""

    def __init__(self, probe: Callable[[], None]) -> None:
        self._probe = probe
        self._prober: gevent.Greenlet | None = None
        self._reasons: set[str] = set()
        self.is_open = False
        self.refused = 0

    def check(self) -> None:
        """Pass while all is well.

        Raises:
            AppError: `database_unavailable`, at once.
        """
        if self.is_open:
            self.refused += 1
            raise AppError("database_unavailable", retry_after_ms=RETRY_AFTER_MS)

    def suspect(self) -> None:
        """Something went wrong: find out whether the database is away."""
        if self._prober is None:
            self._prober = gevent.spawn(self._run)

    def stop(self) -> None:
        """Close it and probe no more."""
        if self._prober is not None:
            self._prober.kill()
        self._close()

    def _run(self) -> None:
        while (why := self._what_fails()) is not None:
            if why not in self._reasons:
                log.warning("database_away", why=why)
            self._reasons.add(why)
            self.is_open = True
            gevent.sleep(PROBE_EVERY_S)
        if self.is_open:
            log.warning("database_back", refused=self.refused)
        self._close()

    def _close(self) -> None:
        self._prober, self.is_open, self.refused = None, False, 0
        self._reasons.clear()

    def _what_fails(self) -> str | None:
        """What may be told of it: the driver's word, without the statement that SQLAlchemy adds; None: the database answers."""
        try:
            self._probe()
        except Exception as why:  # noqa: BLE001 - whatever it is, the database cannot be used yet
            return told(getattr(why, "orig", None) or why)
        return None
