"""`/healthz` and `/readyz` for load balancers and people; `/metrics` and `/api/stats/socket` for operators."""

from __future__ import annotations

import gevent
from flask import Flask, Response, jsonify
from flask_smorest import Api
from marshmallow import fields
from prometheus_client import CONTENT_TYPE_LATEST
from sqlalchemy import text

from app.backends.handles import handles
from app.backends.transaction import database
from app.core.actor import Actor
from app.core.errors import AppError
from app.core.version import VERSION
from app.realtime import draining
from app.realtime.counters import Counters
from app.web.http import Blueprint, current_actor
from app.web.metrics import bus_is_healthy, metrics, room_count
from app.web.schema import Schema
from app.web.sockets import sockets

PROBE_TIMEOUT_S = 2.0

blp = Blueprint("stats", __name__, description="Numbers for operators")
_NUMBERS: dict[str, fields.Field[int]] = {name: fields.Integer(required=True) for name in Counters.__slots__}


class SocketStatsSchema(Schema.from_dict(_NUMBERS)):  # type: ignore[misc]
    """The sockets of the worker that answers: gauges of now, and totals since it started."""

    worker_id = fields.String(required=True)
    rooms = fields.Integer(required=True)
    bus_healthy = fields.Boolean(required=True)


def init_app(app: Flask, api: Api) -> None:
    """Register the probes, which take no part in limits or sign-in, and the numbers."""
    app.add_url_rule("/healthz", "healthz", healthz)
    app.add_url_rule("/health", "health", healthz)
    app.add_url_rule("/readyz", "readyz", readyz)
    app.add_url_rule("/metrics", "metrics", prometheus)
    api.register_blueprint(blp, url_prefix="/api")


def healthz() -> tuple[Response, int]:
    """`{status, database, redis, storage, version}`; 503 only when the database is down."""
    database_state = _database_state()
    redis_state = ("ok" if handles.bus.is_healthy() else "down") if handles.settings.redis_url else "embedded"
    storage_state = _storage_state()
    parts = (database_state, redis_state, storage_state)
    status = "down" if database_state == "down" else "degraded" if "down" in parts else "ok"
    body = jsonify(status=status, database=database_state, redis=redis_state, storage=storage_state, version=VERSION)
    return body, 503 if status == "down" else 200


def readyz() -> tuple[Response, int]:
    """200 while new clients are welcome, 503 while draining."""
    return (jsonify(status="draining"), 503) if draining.is_set() else (jsonify(status="ready"), 200)


def prometheus() -> Response:
    """All numbers of this worker in Prometheus' text format.

    Raises:
        AppError: `unauthenticated`, `forbidden` (no operator).
    """
    require_operator(current_actor())
    return Response(metrics.render(), content_type=CONTENT_TYPE_LATEST)


@blp.route("/stats/socket", methods=["GET"])
@blp.response(200, SocketStatsSchema)
def get_socket_stats() -> dict[str, object]:
    """The sockets of the worker that answers, for operators."""
    require_operator(current_actor())
    return {
        **sockets.server.stats(),
        "worker_id": handles.settings.worker_id,
        "rooms": room_count(),
        "bus_healthy": bus_is_healthy(),
    }


def require_operator(actor: Actor) -> None:
    """Refuse everybody but operators and the bearer of `METRICS_TOKEN`.

    Raises:
        AppError: `unauthenticated`, `forbidden`.
    """
    if not actor.is_operator:
        raise AppError("unauthenticated" if actor.kind == "anonymous" else "forbidden")


def _database_state() -> str:
    try:
        with gevent.Timeout(PROBE_TIMEOUT_S), database.reading() as session:
            session.execute(text("SELECT 1"))
    except (Exception, gevent.Timeout):  # noqa: BLE001 - whatever it is, the probe has failed
        return "down"
    return "ok" if handles.settings.database_url else "embedded"


def _storage_state() -> str:
    if not handles.pulse.beats():
        return "down"
    return "ok" if handles.settings.s3_endpoint else "embedded"
