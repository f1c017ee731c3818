"""`user-count`, gathered: the first change is told at once, what follows within the second as one."""

from __future__ import annotations

from collections.abc import Callable

SPACING_MS = 1_000


class Counts:
    """When each room's count was last told and what it was; only rooms whose second is running are kept."""

    def __init__(self, count: Callable[[str], int], tell: Callable[[str, int], None]) -> None:
        self._count = count
        self._tell = tell
        self._told: dict[str, tuple[float, int]] = {}
        self._changed: set[str] = set()

    @property
    def is_waiting(self) -> bool:
        """Whether a room's second is running."""
        return bool(self._told)

    def changed(self, room_id: str, now_ms: float) -> None:
        """The room's count may be another one."""
        if room_id in self._told:
            self._changed.add(room_id)
        else:
            self._say(room_id, now_ms)

    def flush(self, now_ms: float) -> None:
        """Tell the counts whose second is over."""
        due = [room_id for room_id, (told_ms, _) in self._told.items() if now_ms - told_ms >= SPACING_MS]
        for room_id in due:
            _, told = self._told.pop(room_id)
            if room_id in self._changed:
                self._changed.discard(room_id)
                if self._count(room_id) != told:
                    self._say(room_id, now_ms)

    def _say(self, room_id: str, now_ms: float) -> None:
        count = self._count(room_id)
        self._told[room_id] = (now_ms, count)
        self._tell(room_id, count)
