"""A worker's life in the shared store: held by renewing a lease, lost by being stopped or cut off, and then begun anew."""

from __future__ import annotations

import structlog

from app.backends.presence_store import PresenceStore
from app.core.ids import new_token

NEVER = float("-inf")

log = structlog.get_logger(__name__)


class Lease:
    """The current incarnation, `<worker>.<number of the life>`, and the lost ones that are still to be cleared."""

    def __init__(self, store: PresenceStore, lease_ms: int) -> None:
        self.worker = new_token(9)
        self.former: list[str] = []
        self.lease_ms = lease_ms
        self.pace_ms = lease_ms * 2 / 7
        self._store = store
        self._number = 0
        self._renewed_ms = self._reborn_ms = NEVER

    @property
    def incarnation(self) -> str:
        """The life that writes now."""
        return f"{self.worker}.{self._number}"

    def hold(self, now_ms: float) -> bool:
        """Renew in time; whether a new life began, which has written nothing yet."""
        if now_ms - self._renewed_ms < self.pace_ms:
            return False
        is_held = bool(self._number) and self._store.renew(self.incarnation, self.lease_ms)
        if not is_held:
            self._begin(now_ms)
        self._renewed_ms = now_ms
        return not is_held

    def verify(self) -> None:
        """After a write: if the lease ran out meanwhile, notice it in the next round and not in the next second."""
        if not self._store.leased([self.incarnation]):
            self._renewed_ms = NEVER

    def is_settled(self, now_ms: float) -> bool:
        """Whether the others have had the time to come back from what ended the former life."""
        return now_ms - self._reborn_ms >= self.lease_ms

    def _begin(self, now_ms: float) -> None:
        if self._number:
            log.warning("presence_lease_lost", incarnation=self.incarnation)
            self.former.append(self.incarnation)
            self._reborn_ms = now_ms
        self._number += 1
        self._store.register(self.incarnation, self.lease_ms)
