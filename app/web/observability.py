"""Request ids and structured logs: one line a request, with `LOG_LEVEL=debug` one an event; no content, no secrets.

Events are many thousands a second, so by default they are counted (`app/web/metrics.py`) and only those are logged that were
refused for who asked (OWASP ASVS 7.2.2).
"""

from __future__ import annotations

import logging
import time
from collections.abc import Mapping
from typing import Any

import structlog
from flask import Flask, Response, g, request

from app.backends.fair_turns import asker
from app.core.errors import CATALOGUE
from app.core.ids import is_id, new_id, request_id
from app.settings import Settings
from app.web import logs, suspicion
from app.web.http import client_address, current_actor
from app.web.limits import endpoint_class
from app.web.sockets import Client, sockets

log = structlog.get_logger(__name__)
_ROOM = ("room_id", "room_ref", "ref")
_QUIET = {"/healthz", "/health", "/readyz", "/metrics"}
_OF_ACCESS = {code for code, row in CATALOGUE.items() if row.status in (401, 403, 404)}


def configure_logging(settings: Settings) -> None:
    """Lines of `app/web/logs.py`, and one for each event where it is wanted, else for those that were refused."""
    tells_all = logs.configure(settings) <= logging.DEBUG
    sockets.on_concluded[:] = [_conclude] if tells_all else []
    sockets.on_failed[:] = [] if tells_all else [_note_refusal]


def init_app(app: Flask) -> None:
    """Give each request an id, say for whom its greenlet works, and log it when it is answered."""
    app.before_request(_begin)
    app.after_request(_end)


def _begin() -> None:
    g.request_id = request_id(request.headers.get("X-Request-ID", ""))
    g.started_s = time.perf_counter()
    structlog.contextvars.clear_contextvars()
    structlog.contextvars.bind_contextvars(request_id=g.request_id)
    asker.address = client_address()


def _end(response: Response) -> Response:
    response.headers["X-Request-ID"] = g.get("request_id") or new_id()
    error = g.get("error_code")
    if error and (error != "rate_limited" or endpoint_class() == "sign-in"):
        suspicion.note(
            error, address=client_address(), actor=current_actor(), where=str(request.url_rule or "unmatched")
        )
    if request.path not in _QUIET:
        elapsed_ms = (time.perf_counter() - g.get("started_s", time.perf_counter())) * 1000
        log.info(
            "request",
            method=request.method,
            route=str(request.url_rule or "unmatched"),
            status=response.status_code,
            error=error,
            user=current_actor().limit_key,
            room=_room(request.view_args or {}),
            latency_ms=round(elapsed_ms, 1),
        )
    return response


def _conclude(client: Client, event: str, room: object, outcome: str, seconds: float) -> None:
    log.debug("socket_event", **_told_of(client, event, room, outcome, seconds))


def _note_refusal(client: Client, event: str, room: object, outcome: str, seconds: float) -> None:
    """Who tried what they may not, or what is not there for them; as the line of a refused request says it."""
    if outcome in _OF_ACCESS:
        log.info("socket_event", **_told_of(client, event, room, outcome, seconds))


def _told_of(client: Client, event: str, room: object, outcome: str, seconds: float) -> dict[str, Any]:
    return {
        "name": event,
        "outcome": outcome,
        "user": client.actor.limit_key,
        "room": room if is_id(room) else None,
        "latency_ms": round(seconds * 1000, 1),
    }


def _room(arguments: Mapping[str, Any]) -> str | None:
    """The room's id where the address has it; its share token is nothing for a log."""
    named = (arguments[name] for name in _ROOM if name in arguments)
    return next((str(name) for name in named if is_id(name)), None)
