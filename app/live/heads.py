"""The head poll: a lost publish, a writer that died after its commit and a bus that is away are one case, mended here.

Each worker reads the heads of the rooms it has open, in one query, every `POLL_S`; every `AWAY_POLL_S` while the bus or the
database is away; and at once when the bus says that something may have been lost. What the heads know and this worker has not
delivered is read and delivered. The same pass finds sockets whose sign-in was revoked.
"""

from __future__ import annotations

from functools import partial
from typing import Any

import gevent
import structlog
from gevent.event import Event as Signal

from app.auth.service import list_revoked
from app.backends.dbclock import keep_in_step
from app.backends.handles import handles
from app.backends.transaction import database, reading
from app.core.clock import SystemClock
from app.core.errors import AppError
from app.live import delivery
from app.live.repair import Heads, read_heads
from app.web.background import background
from app.web.sockets import sockets

POLL_S = 3.0
AWAY_POLL_S = 1.0
FLUSH_S = 2.0
REPAIR_ROOMS_AT_ONCE = 50

log = structlog.get_logger(__name__)

_due = Signal()


def begin(server: Any) -> None:
    """Deliver from now on; the loops start with the worker. Before it ends, what was published leaves."""
    delivery.start_delivery(on_gap=poll_soon)
    background.add("heads", watch_heads)
    if isinstance(handles.clock, SystemClock):
        background.add("clock", partial(keep_in_step, database, handles.clock))
    server.on_drain(lambda: handles.bus.flush(FLUSH_S))


def poll_soon() -> None:
    """Let the next pass begin at once."""
    _due.set()


def watch_heads() -> None:
    """The loop; one greenlet for each worker, for as long as it serves."""
    is_well = True
    while True:
        _due.wait(POLL_S if is_well and handles.bus.is_healthy() else AWAY_POLL_S)
        _due.clear()
        is_well = _pass()


def poll_heads() -> None:
    """One pass over the open rooms.

    Raises:
        AppError: `database_unavailable`; the next pass finds the same.
    """
    behind = _behind()
    if behind:
        gevent.sleep(delivery.HOLD_MS / 1000)  # what is on its way by the bus comes by itself
        still = delivery.open_rooms()
        room_ids = [
            room_id for room_id, heads in behind.items() if room_id in still and _is_ahead(heads, still[room_id])
        ]
        for start in range(0, len(room_ids), REPAIR_ROOMS_AT_ONCE):
            delivery.repair(room_ids[start : start + REPAIR_ROOMS_AT_ONCE])


def close_revoked() -> None:
    """Close the sockets of devices that were signed out.

    Raises:
        AppError: `database_unavailable`.
    """
    session_ids = {client.actor.session_id for client in sockets.clients.values() if client.actor.session_id}
    with reading() as session:
        revoked = list_revoked(session, session_ids)
    for client in [client for client in sockets.clients.values() if client.actor.session_id in revoked]:
        sockets.server.close(client.sid)


def _behind() -> dict[str, Heads]:
    """The heads of the open rooms that this worker has not delivered up to."""
    here = delivery.open_rooms()
    if not here:
        return {}
    with reading() as session:
        heads = read_heads(session, list(here))
    return {room_id: head for room_id, head in heads.items() if _is_ahead(head, here[room_id])}


def _is_ahead(head: Heads, here: Heads) -> bool:
    return head.epoch != here.epoch or head.room > here.room or head.chat > here.chat


def _pass() -> bool:
    """Whether the database answered."""
    try:
        poll_heads()
        close_revoked()
    except AppError as why:
        log.warning("head_poll_failed", code=why.code)
        return False
    return True
