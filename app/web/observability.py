"""Request ids and structured logs: one line a request, no content, no secrets."""

from __future__ import annotations

import logging
import re
import sys
import time

import structlog
from flask import Flask, Response, g, request

from app.core.ids import new_id
from app.settings import Settings

log = structlog.get_logger(__name__)
_SAFE_ID = re.compile(r"[A-Za-z0-9._-]{1,64}\Z")
_QUIET = {"/healthz", "/health", "/readyz", "/metrics"}


def configure_logging(settings: Settings) -> None:
    """JSON lines in production, readable ones elsewhere; both on standard error."""
    level = logging.getLevelName(settings.log_level.upper())
    renderer = structlog.processors.JSONRenderer() if settings.is_production else structlog.dev.ConsoleRenderer()
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            renderer,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
    )
    logging.basicConfig(level=max(level, logging.WARNING), stream=sys.stderr)


def init_app(app: Flask) -> None:
    """Give each request an id, and log it when it is answered."""
    app.before_request(_begin)
    app.after_request(_end)


def _begin() -> None:
    offered = request.headers.get("X-Request-ID", "")
    g.request_id = offered if _SAFE_ID.match(offered) else new_id()
    g.started_s = time.perf_counter()
    structlog.contextvars.clear_contextvars()
    structlog.contextvars.bind_contextvars(request_id=g.request_id)


def _end(response: Response) -> Response:
    response.headers["X-Request-ID"] = g.get("request_id") or new_id()
    if request.path not in _QUIET:
        elapsed_ms = (time.perf_counter() - g.get("started_s", time.perf_counter())) * 1000
        log.info(
            "request",
            method=request.method,
            route=str(request.url_rule or "unmatched"),
            status=response.status_code,
            error=g.get("error_code"),
            latency_ms=round(elapsed_ms, 1),
        )
    return response
