"""The Flask extension: Flask-SocketIO with Greenroom's server in place of the stock one."""

from collections.abc import Callable
from typing import Any

import flask_socketio
import socketio
from flask import Flask

from app.realtime.server import Server
from app.realtime.settings import EngineSettings

Handler = Callable[..., Any]


class SocketIO(flask_socketio.SocketIO):  # type: ignore[misc]
    """Flask-SocketIO whose handlers run as `handler(sid, *args)`, without a request context.

    A context for each event costs more than most handlers do; who needs one pushes it.
    """

    server: Server

    def init_app(self, app: Flask, *, engine: EngineSettings | None = None, **options: Any) -> None:
        """Attach the engine to `app`; `options` are python-socketio's (`cors_allowed_origins`, …)."""
        engine = engine or EngineSettings()
        app.extensions["socketio"] = self
        self.server_options.update(options)
        self.server = Server(engine, **self.server_options)
        self.async_mode = self.server.async_mode
        for event, handler, namespace in self.handlers:
            self.server.on(event, handler, namespace=namespace)
        self.sockio_mw = socketio.WSGIApp(self.server, app.wsgi_app, socketio_path=engine.path)
        app.wsgi_app = self.sockio_mw  # type: ignore[method-assign]

    def on(self, message: str, namespace: str | None = None) -> Callable[[Handler], Handler]:
        """Decorate `handler(sid, *args)`, before or after `init_app`."""

        def register(handler: Handler) -> Handler:
            if self.server is None:
                self.handlers.append((message, handler, namespace or "/"))
            else:
                self.server.on(message, handler, namespace=namespace)
            return handler

        return register
