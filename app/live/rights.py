"""Who loses rights loses sockets or rooms, on every worker.

Services say what changed by internal events (`access-changed`, `session-revoked`); they reach every worker that has a seat
in the room or a socket of the person. Credentials that run out are noticed here by the clock.
"""

from __future__ import annotations

from collections import deque
from datetime import datetime
from typing import Any

import gevent
import structlog

from app.backends.handles import handles
from app.core.clock import add_ms, to_wire
from app.core.event import Event
from app.live import service
from app.rooms.seat import Seat
from app.web.sockets import Client, sockets

log = structlog.get_logger(__name__)


_waiting: dict[str, deque[dict[str, Any]]] = {}
"""The changes of each room that is under review. One after the other: of two looks the later one must have the last word."""


def review_room(event: Event) -> None:
    """`access-changed`: look again at the seats that it may concern. Nobody named: everybody, or the holders of tokens."""
    (change,) = event.args
    room_id = change["roomId"]
    if room_id in _waiting:
        _waiting[room_id].append(change)
        return
    waiting = _waiting[room_id] = deque([change])
    while waiting:
        try:
            _review(waiting[0])
        except Exception:
            log.exception("review_failed", room_id=room_id, reason=waiting[0]["reason"])
        waiting.popleft()
    del _waiting[room_id]


def _review(change: dict[str, Any]) -> None:
    person = change.get("userId") or change.get("guestId")
    held: list[tuple[Client, Seat]] = [
        (client, seat)
        for client in _concerned(change["roomId"], person)
        if (seat := client.seats.get(change["roomId"])) is not None
        and (person or seat.share_token or change["reason"] != "rotated")
    ]
    service.review_seats(held, change["reason"])


def close_session(event: Event) -> None:
    """`session-revoked`: close the sockets of a device that was signed out; no session id: all of the person's."""
    (change,) = event.args
    person_id = event.channel.partition(":")[2]
    for client in sockets.of_person(f"user:{person_id}"):
        if change.get("sessionId") in (None, client.actor.session_id):
            log.info("socket_closed", reason="session_revoked", person=person_id)
            sockets.server.close(client.sid)


def expire_credentials(now: datetime, told: dict[str, datetime]) -> None:
    """Tell clients whose token has run out; close those that have not come with a fresh one after `TOKEN_GRACE_MS`.

    Args:
        told: who was told and when that token ran out, kept by the caller between two calls.
    """
    for client in list(sockets.clients.values()):
        expires_at = client.expires_at
        if expires_at is None or expires_at > now:
            told.pop(client.sid, None)
        elif told.get(client.sid) != expires_at:
            told[client.sid] = expires_at
            sockets.server.send(client.sid, "token-expired", {"expiresAt": to_wire(expires_at)})
        elif add_ms(expires_at, handles.settings.token_grace_ms) <= now:
            del told[client.sid]
            sockets.server.close(client.sid)
    for sid in told.keys() - sockets.clients.keys():
        del told[sid]


def watch_credentials(sleep_s: float = 1.0) -> None:
    """The loop around `expire_credentials`; one greenlet per worker."""
    told: dict[str, datetime] = {}
    while True:
        gevent.sleep(sleep_s)
        try:
            expire_credentials(handles.clock.now(), told)
        except Exception:
            log.exception("credential_watch_failed")


def _concerned(room_id: str, person: str | None) -> list[Client]:
    if person:
        return sockets.of_person(f"user:{person}") + sockets.of_person(f"guest:{person}")
    return [client for client in sockets.clients.values() if room_id in client.seats]
