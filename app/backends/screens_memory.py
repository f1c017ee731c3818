"""The screens of a single worker."""

from __future__ import annotations

from app.backends.screens import MOST, ScreenReport
from app.core.clock import Clock, to_epoch_ms

SWEEP_EVERY_PUTS = 4096


class MemoryScreens:
    """Rooms by id, their screens by kind and id."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._rooms: dict[str, dict[str, ScreenReport]] = {}
        self._puts = 0

    def put(self, room_id: str, report: ScreenReport) -> None:
        self._puts += 1
        if self._puts % SWEEP_EVERY_PUTS == 0:
            for other in list(self._rooms):
                self._prune(other)
        screens = self._rooms.setdefault(room_id, {})
        if report.id not in screens and sum(known.kind == report.kind for known in screens.values()) >= MOST:
            screens = self._prune(room_id)
            if sum(known.kind == report.kind for known in screens.values()) >= MOST:
                return
        self._rooms.setdefault(room_id, screens)[report.id] = report

    def list(self, room_id: str) -> list[ScreenReport]:
        return list(self._prune(room_id).values())

    def _prune(self, room_id: str) -> dict[str, ScreenReport]:
        now_ms = to_epoch_ms(self._clock.now())
        kept = {ident: report for ident, report in self._rooms.get(room_id, {}).items() if report.ends_ms > now_ms}
        if kept:
            self._rooms[room_id] = kept
        else:
            self._rooms.pop(room_id, None)
        return kept
