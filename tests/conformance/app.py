"""The conformance app: the handlers that the public protocol and client suites ask for.

Served by the same worker class and engine as `wsgi.py`:
`gunicorn -c gunicorn.conf.py tests.conformance.app:app`; `CONFORMANCE_SETTINGS` is a JSON object
of engine settings, `CONFORMANCE_PROFILE` (protocol, client or own) says whose handlers to serve.
"""

import json
import os
from typing import Any

from flask import Flask, jsonify

from app.realtime import EngineSettings, SocketIO, draining
from app.realtime.extension import Mount
from tests.conformance import client_suite, own_suite, protocol_suite

PROTOCOL_SUITE = {
    "ping_interval_ms": 300,
    "ping_timeout_ms": 200,
    "connect_timeout_ms": 1_500,
    "max_frame_bytes": 1_000_000,
    "max_binary_attachments": 10,
}
CLIENT_SUITE = {"ping_interval_ms": 2_000, "max_frame_bytes": 1_000_000, "max_binary_attachments": 10}
PROFILES = {"protocol": PROTOCOL_SUITE, "client": CLIENT_SUITE, "own": {}}
SUITES = {"protocol": protocol_suite, "client": client_suite, "own": own_suite}
NAMESPACES = ("/", "/custom", "/foo", "/timeout_socket", "/valid", "/asd", "/abc", "/no")


def create_app() -> Flask:
    """Build the app from the environment."""
    profile = os.environ.get("CONFORMANCE_PROFILE") or "own"
    settings: dict[str, Any] = {
        "namespaces": NAMESPACES,
        **PROFILES[profile],
        **json.loads(os.environ.get("CONFORMANCE_SETTINGS") or "{}"),
    }
    flask_app = Flask(__name__)
    socketio = SocketIO()
    socketio.init_app(flask_app, engine=EngineSettings(**settings), cors_allowed_origins=allowed_origin)
    SUITES[profile].register(socketio.server)
    echo = protocol_suite.echo_server(socketio.server)
    flask_app.wsgi_app = Mount(echo, "engine.io", flask_app.wsgi_app)  # type: ignore[method-assign]

    @flask_app.get("/readyz")
    def readyz() -> tuple[str, int]:
        return ("draining", 503) if draining.is_set() else ("ready", 200)

    @flask_app.get("/stats")
    def stats() -> Any:
        return jsonify(socketio.server.stats())

    return flask_app


def allowed_origin(origin: str | None, _environ: dict[str, Any]) -> bool:
    """Everyone but one, so that refusing can be seen."""
    return "evil" not in (origin or "")


app = create_app()
