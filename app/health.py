"""`/healthz` and `/readyz`: for load balancers and for people."""

from __future__ import annotations

import gevent
from flask import Flask, Response, jsonify
from flask_smorest import Api
from sqlalchemy import text

from app.backends.handles import handles
from app.backends.transaction import database
from app.core.version import VERSION
from app.realtime import draining

PROBE_TIMEOUT_S = 2.0


def init_app(app: Flask, api: Api) -> None:
    """Register the probes; they take no part in limits or sign-in."""
    app.add_url_rule("/healthz", "healthz", healthz)
    app.add_url_rule("/health", "health", healthz)
    app.add_url_rule("/readyz", "readyz", readyz)


def healthz() -> tuple[Response, int]:
    """`{status, database, redis, storage, version}`; 503 only when the database is down."""
    database_state = _database_state()
    redis_state = ("ok" if handles.bus.is_healthy() else "down") if handles.settings.redis_url else "embedded"
    storage_state = "ok" if handles.settings.s3_endpoint else "embedded"
    parts = (database_state, redis_state, storage_state)
    status = "down" if database_state == "down" else "degraded" if "down" in parts else "ok"
    body = jsonify(status=status, database=database_state, redis=redis_state, storage=storage_state, version=VERSION)
    return body, 503 if status == "down" else 200


def readyz() -> tuple[Response, int]:
    """200 while new clients are welcome, 503 while draining."""
    return (jsonify(status="draining"), 503) if draining.is_set() else (jsonify(status="ready"), 200)


def _database_state() -> str:
    try:
        with gevent.Timeout(PROBE_TIMEOUT_S), database.reading() as session:
            session.execute(text("SELECT 1"))
    except (Exception, gevent.Timeout):  # noqa: BLE001 - whatever it is, the probe has failed
        return "down"
    return "ok" if handles.settings.database_url else "embedded"
