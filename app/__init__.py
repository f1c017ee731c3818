"""Greenroom: live rooms with timers and a conversation.

`create_app` is the only place where parts are put together.
"""

from __future__ import annotations

from pathlib import Path

from flask import Flask
from flask_smorest import Api
from werkzeug.middleware.proxy_fix import ProxyFix

from app import apidocs, auth, cli, dashboard, health, live, messages, presence, rooms, timers, uploads
from app.auth.tokens import keyring
from app.backends.handles import handles
from app.backends.transaction import database
from app.core.clock import Clock, SystemClock
from app.extensions import db, migrate
from app.realtime import EngineSettings, SocketIO
from app.settings import Settings
from app.web import cors, envelope, headers, limits, metrics, observability, transfer
from app.web.background import background
from app.web.http import BoundedRequest, OrjsonProvider
from app.web.metrics import metrics as metrics_of_process
from app.web.schema import MAX_KEYS
from app.web.secret import load_secret
from app.web.sockets import sockets

API_TITLE = "Greenroom"
API_VERSION = "1"
FEATURES = (auth, rooms, timers, presence, uploads, messages, live, dashboard, health, apidocs, cli)


def create_app(settings: Settings | None = None, *, clock: Clock | None = None) -> Flask:
    """Build the application of this process; `clock` is for tests."""
    settings = settings or Settings.from_env()
    clock = clock or SystemClock()
    observability.configure_logging(settings)
    app = Flask(__name__, static_folder=None)
    app.json = OrjsonProvider(app)
    app.request_class = BoundedRequest
    _configure(app, settings)
    _bind_backends(app, settings, clock)
    db.init_app(app)
    migrate.init_app(app, db, directory=str(Path(__file__).parent.parent / "migrations"))
    observability.init_app(app)
    metrics.init_app(app)
    transfer.init_app(app)
    headers.init_app(app, settings)
    cors.init_app(app, settings)
    api = Api(app)
    envelope.init_app(app)
    for feature in FEATURES:
        feature.init_app(app, api)
    limits.init_app(app, settings)
    socketio = _socketio(app, settings)
    _trust_proxies(app, settings.trusted_hops)
    app.extensions["greenroom"] = {"settings": settings, "clock": clock, "socketio": socketio}
    _bind_sockets(socketio, settings)
    return app


def rebind(app: Flask, settings: Settings, clock: Clock) -> None:
    """Let an application that is made already stand on other backends: for tests, where its routes are most of the cost."""
    _bind_backends(app, settings, clock)
    keyring.bind(app, app.config["SECRET_KEY"], settings.jwt_previous_secrets)
    metrics_of_process.bind()
    made = app.extensions["greenroom"]
    made.update(settings=settings, clock=clock)
    _bind_sockets(made["socketio"], settings)


def _bind_backends(app: Flask, settings: Settings, clock: Clock) -> None:
    handles.bind(settings, clock, secret=app.config["SECRET_KEY"])
    database.bind(settings.sqlalchemy_url, clock=clock, publish=handles.bus.publish)


def _bind_sockets(socketio: SocketIO, settings: Settings) -> None:
    sockets.bind(
        socketio.server,
        limits=handles.limits,
        handshake=auth.handshake,
        rates=limits.event_rates(settings),
        wide=limits.handshake_rate(settings),
        most_refusals=settings.refused_events_in_a_row,
    )
    live.connect(socketio.server)
    if handles.worker_name is not None:
        background.add("worker-name", handles.worker_name.keep)
        socketio.server.on_drain(handles.worker_name.give_back)


def _configure(app: Flask, settings: Settings) -> None:
    app.config.update(
        SECRET_KEY=load_secret(settings),
        MAX_CONTENT_LENGTH=settings.max_body_bytes,
        MAX_FORM_PARTS=MAX_KEYS,
        SQLALCHEMY_DATABASE_URI=settings.sqlalchemy_url,
        API_TITLE=API_TITLE,
        API_VERSION=API_VERSION,
        OPENAPI_VERSION="3.1.0",
        PROPAGATE_EXCEPTIONS=False,
        TRAP_HTTP_EXCEPTIONS=False,
    )


def _trust_proxies(app: Flask, hops: int) -> None:
    """Last, so that it lies around the sockets as well: their limits count by the same address."""
    if hops:
        app.wsgi_app = ProxyFix(app.wsgi_app, x_for=hops, x_proto=hops, x_host=hops)  # type: ignore[method-assign]


def _engine(settings: Settings) -> EngineSettings:
    rates = limits.event_rates(settings).values()
    engine = EngineSettings.from_env(worker_id=settings.worker_id)
    return engine.letting_through(sum(rate.per_second for rate in rates), sum(rate.burst for rate in rates))


def _socketio(app: Flask, settings: Settings) -> SocketIO:
    socketio = SocketIO()
    socketio.init_app(
        app,
        engine=_engine(settings),
        cors_allowed_origins=live.allowed_origin(settings),
        client_manager=live.BusManager(),
    )
    return socketio
