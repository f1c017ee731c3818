"""When accounts were last seen: gathered, and written in one statement a second."""

from __future__ import annotations

from datetime import datetime

import structlog

from app.auth import service as auth
from app.core.errors import AppError

WRITE_EVERY_MS = 1_000

log = structlog.get_logger(__name__)


class LastSeen:
    """Waits for the next write; what a crash loses is a minute's courtesy, not a fact anybody relies on."""

    def __init__(self) -> None:
        self._seen: dict[str, datetime] = {}
        self._written_ms = -float(WRITE_EVERY_MS)

    @property
    def is_waiting(self) -> bool:
        """Whether something is to be written."""
        return bool(self._seen)

    def saw(self, user_id: str, instant: datetime) -> None:
        """The account was here until `instant`."""
        self._seen[user_id] = instant

    def is_due(self, now_ms: float) -> bool:
        """Whether something is to be written now; from then on the next second runs."""
        if not self._seen or now_ms - self._written_ms < WRITE_EVERY_MS:
            return False
        self._written_ms = now_ms
        return True

    def write(self) -> None:
        """Write what waits; what a database that is away did not take is kept for the next time."""
        rows, self._seen = self._seen, {}
        if not rows:
            return
        try:
            _write(rows)
        except AppError as why:
            self._seen = {**rows, **self._seen}
            log.warning("last_seen_not_written", reason=why.code, count=len(rows))


def _write(rows: dict[str, datetime]) -> None:
    # The newest instant stands for all of a second's: a courtesy to people needs no more.
    auth.mark_seen(rows, max(rows.values()))
