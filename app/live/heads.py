"""The head poll: a lost publish, a writer that died after its commit and a bus that is away are one case, mended here.

Each worker reads the heads of the rooms it has open, hundreds in a query, every `POLL_S`; every `AWAY_POLL_S` while the
bus or the database is away; and at once when the bus says that something may have been lost. What the heads know and this
worker has not delivered is read and delivered. The same pass finds sockets whose sign-in was revoked; for a socket that has
just shown its token that is asked within `NEWCOMERS_S`, since it may have been signed out before this worker listened for it.
"""

from __future__ import annotations

from collections.abc import Collection
from functools import partial
from typing import Any

import gevent
import structlog
from gevent.event import Event as Signal

from app.auth.service import list_revoked
from app.backends.dbclock import keep_in_step
from app.backends.handles import handles
from app.backends.many import in_portions
from app.backends.transaction import database, reading
from app.core.clock import SystemClock
from app.core.errors import AppError
from app.live import delivery
from app.live.repair import Heads, read_heads
from app.web.background import background
from app.web.sockets import Client, sockets

POLL_S = 1.5  # who loses rights loses seats within 2 s, also when the one message that told of it was lost
AWAY_POLL_S = 1.0
NEWCOMERS_S = 1.0
FLUSH_S = 2.0
REPAIR_ROOMS_AT_ONCE = 50

log = structlog.get_logger(__name__)

_due = Signal()
_newcomers: set[str] = set()
"""The devices whose token was read a moment ago."""
_newcomers_came = Signal()


def begin(server: Any) -> None:
    """Deliver from now on; the loops start with the worker. Before it ends, what was published leaves."""
    delivery.start_delivery(on_gap=poll_soon)
    background.add("heads", watch_heads)
    background.add("newcomers", watch_newcomers)
    _newcomers.clear()
    if note_newcomer not in sockets.on_connected:
        sockets.on_connected.append(note_newcomer)
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


def note_newcomer(client: Client) -> None:
    """`client` listens for its person; what its token said was read before that."""
    if client.actor.session_id:
        _newcomers.add(client.actor.session_id)
        _newcomers_came.set()


def watch_newcomers() -> None:
    """The loop; one greenlet for each worker. One query a second while people come, none otherwise."""
    while True:
        _newcomers_came.wait()
        gevent.sleep(NEWCOMERS_S)
        _newcomers_came.clear()
        try:
            check_newcomers()
        except AppError as why:
            log.warning("newcomers_check_failed", code=why.code)
            _newcomers_came.set()


def check_newcomers() -> None:
    """Close the sockets of newcomers whose device was signed out while they came.

    Raises:
        AppError: `database_unavailable`; they stay to be asked about.
    """
    asked = set(_newcomers)
    _newcomers.clear()
    try:
        close_revoked(asked)
    except AppError:
        _newcomers.update(asked)
        raise


def close_revoked(session_ids: Collection[str] | None = None) -> None:
    """Close the sockets of devices that were signed out.

    Args:
        session_ids: the devices to ask about; None: all that have a socket here.

    Raises:
        AppError: `database_unavailable`.
    """
    if session_ids is None:
        session_ids = {client.actor.session_id for client in sockets.clients.values() if client.actor.session_id}
    revoked: set[str] = set()
    for portion in in_portions(session_ids):
        with reading() as session:
            revoked |= list_revoked(session, portion)
    if revoked:
        for client in [client for client in sockets.clients.values() if client.actor.session_id in revoked]:
            sockets.server.close(client.sid)


def _behind() -> dict[str, Heads]:
    """The heads of the open rooms that this worker has not delivered up to."""
    here = delivery.open_rooms()
    behind: dict[str, Heads] = {}
    for portion in in_portions(here):
        with reading() as session:
            heads = read_heads(session, portion)
        behind |= {room_id: head for room_id, head in heads.items() if _is_ahead(head, here[room_id])}
    return behind


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
