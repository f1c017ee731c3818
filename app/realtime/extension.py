"""The Flask extension: Flask-SocketIO with Greenroom's server in place of the stock one."""

from collections.abc import Callable
from typing import Any

import flask_socketio
from flask import Flask

from app.realtime.server import Server
from app.realtime.settings import EngineSettings

Handler = Callable[..., Any]


class Mount:
    """WSGI middleware: requests below `/path/` go to the engine, all others to the app.

    python-engineio's own makes a class for each request, which costs more than routing it.
    """

    def __init__(self, engine: Any, path: str, app: Callable[..., Any]) -> None:
        self.engine = engine
        self.prefix = f"/{path.strip('/')}/"
        self.app = app

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Any:
        if environ.get("PATH_INFO", "").startswith(self.prefix):
            return self.engine.handle_request(environ, start_response)
        return self.app(environ, start_response)


class SocketIO(flask_socketio.SocketIO):  # type: ignore[misc]
    """Flask-SocketIO whose handlers run as `handler(sid, *args)`, without a request context.

    A context for each event costs more than most handlers do; who needs one pushes it.
    """

    server: Server  # None until init_app

    def init_app(self, app: Flask, *, engine: EngineSettings | None = None, **options: Any) -> None:
        """Attach the engine to `app`; `options` are python-socketio's (`cors_allowed_origins`, …)."""
        engine = engine or EngineSettings()
        app.extensions["socketio"] = self
        self.server_options.update(options)
        self.server = Server(engine, **self.server_options)
        self.async_mode = self.server.async_mode
        for event, handler, namespace in self.handlers:
            self.server.on(event, handler, namespace=namespace)
        app.wsgi_app = Mount(self.server, engine.path, app.wsgi_app)  # type: ignore[method-assign]

    def on(self, message: str, namespace: str | None = None) -> Callable[[Handler], Handler]:
        """Decorate `handler(sid, *args)`, before or after `init_app`."""

        def register(handler: Handler) -> Handler:
            if self.__dict__.get("server") is None:
                self.handlers.append((message, handler, namespace or "/"))
            else:
                self.server.on(message, handler, namespace=namespace)
            return handler

        return register
