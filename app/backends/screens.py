"""What screens say of themselves: the newest report of each, for a while, over all workers.

Promises of every implementation
- A report replaces the screen's earlier one; it is forgotten `keep_ms` after it came.
- A room keeps `MOST` screens of each kind: whoever comes later is not kept until there is room.
- Nothing here may stop a screen: without the shared store each worker knows its own.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import orjson

MOST = 100
KINDS = ("stage", "viewer")


@dataclass(frozen=True, slots=True)
class ScreenReport:
    """One screen as it was at `seen_ms` (since 1970, by the servers' clock).

    offset_ms:   how far its idea of the servers' clock is off
    revision:    the last number of the room's stream that it had applied
    missing:     how many more this worker had delivered by then
    """

    id: str
    kind: str
    name: str | None
    seen_ms: int
    keep_ms: int
    offset_ms: int
    round_trip_ms: int
    revision: int
    missing: int

    @property
    def ends_ms(self) -> int:
        return self.seen_ms + self.keep_ms

    def encode(self) -> bytes:
        return orjson.dumps(self)

    @classmethod
    def decode(cls, data: bytes) -> ScreenReport:
        return cls(**orjson.loads(data))


class Screens(Protocol):
    """The port; one per worker."""

    def put(self, room_id: str, report: ScreenReport) -> None:
        """Keep the newest report of a screen."""
        ...

    def list(self, room_id: str) -> list[ScreenReport]:
        """The screens of a room that were heard lately, in no order."""
        ...
