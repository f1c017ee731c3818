"""The screen board: stages and viewers' pages say how they are, hosts see which one is wrong.

A screen reports again when it is told to (`againMs`): often while it is behind, and not at all as one of a crowd, where nobody
could look at each. What it says of its clock is compared with ours when it arrives, so that nothing of it has to be believed.
A screen that falls silent stays on the board for a while: that it is gone is what its host has to see.
"""

from __future__ import annotations

import hashlib
from typing import Any

from app.backends.handles import handles
from app.backends.screens import ScreenReport
from app.backends.transaction import reading
from app.core.actor import Actor
from app.core.clock import from_epoch_ms, to_epoch_ms
from app.core.errors import AppError
from app.live import delivery
from app.live.schemas import PROBLEMS
from app.live.state import read_head
from app.presence import service as presence
from app.rooms.access import require_role
from app.rooms.models import Role
from app.rooms.seat import Seat
from app.web.sockets import Client

AGAIN_MS = 10_000
AGAIN_SOON_MS = 2_000
SILENT_MS = 25_000
KEEP_MS = {"stage": 120_000, "viewer": 40_000}
CLOCK_OFF_MS = 250
SLOW_MS = 1_000


def report_screen(
    client: Client,
    *,
    room_id: str,
    kind: str,
    clock: int,
    round_trip_ms: int,
    revision: int,
    name: str | None = None,
    screen_id: str | None = None,
) -> int:
    """Put what a screen says of itself on its room's board; when it should report again, in ms (0: not at all).

    Args:
        clock: what the screen thinks the servers' clock says at this moment, ms since 1970.
        revision: the last number of the room's stream that it has applied.
        screen_id: what the screen calls itself, so that it stays the same over reconnections.

    Raises:
        AppError: `not_in_room`.
    """
    seat: Seat | None = client.seats.get(room_id)
    if seat is None:
        raise AppError("not_in_room")
    if kind == "viewer" and presence.is_limited(room_id):
        return 0
    now_ms = to_epoch_ms(handles.clock.now())
    missing = max(0, delivery.room_seq(room_id) - revision)
    report = ScreenReport(
        id=hashlib.sha256((screen_id or client.sid).encode()).hexdigest()[:12],
        kind=kind,
        name=name,
        seen_ms=now_ms,
        keep_ms=KEEP_MS[kind],
        offset_ms=clock + round_trip_ms // 2 - now_ms,
        round_trip_ms=round_trip_ms,
        revision=revision,
        missing=missing,
    )
    handles.screens.put(room_id, report)
    return AGAIN_SOON_MS if missing else AGAIN_MS


def list_screens(*, actor: Actor, room_id: str) -> dict[str, Any]:
    """The board: `{items, revision}`, those with a problem first.

    Raises:
        AppError: `room_not_found`, `banned`, `unauthenticated`, `forbidden`.
    """
    with reading() as session:
        room = require_role(session, actor=actor, ref=room_id, need=Role.HOST).room
        head = read_head(session, room.id, reads_chat=False)
    now_ms = to_epoch_ms(handles.clock.now())
    items = [screen_payload(report, now_ms) for report in handles.screens.list(room.id)]
    items.sort(key=lambda item: (not item["problems"], item["kind"], item["name"] or "", item["id"]))
    return {"items": items, "revision": head.room}


def screen_payload(report: ScreenReport, now_ms: int) -> dict[str, Any]:
    """A screen as hosts see it; `problems` is empty when all is well."""
    silent_ms = now_ms - report.seen_ms
    is_behind, is_slow = report.missing > 0, report.round_trip_ms > SLOW_MS
    is_off = abs(report.offset_ms) > CLOCK_OFF_MS + report.round_trip_ms // 2
    signs = zip(PROBLEMS, (silent_ms > SILENT_MS, is_behind, is_off, is_slow), strict=True)
    return {
        "id": report.id,
        "kind": report.kind,
        "name": report.name,
        "last_seen_at": from_epoch_ms(report.seen_ms),
        "silent_ms": max(0, silent_ms),
        "offset_ms": report.offset_ms,
        "round_trip_ms": report.round_trip_ms,
        "revision": report.revision,
        "problems": [name for name, holds in signs if holds],
    }
