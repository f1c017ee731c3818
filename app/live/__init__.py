"""What composes features: joining, leaving, syncing, the state of a room."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from flask import Flask
from flask_smorest import Api

from app.live import canary, heads
from app.live import sockets as _events  # noqa: F401 - registers its events
from app.live.delivery import deliver, on_internal
from app.live.dialects import shape_error
from app.live.manager import BusManager
from app.live.rights import close_session, review_room, watch_credentials
from app.live.routes import blp
from app.live.service import vacate
from app.live.state import states
from app.messages.service import after_send
from app.presence.service import here
from app.settings import Settings
from app.web.background import background
from app.web.sockets import sockets as registry

__all__ = ["BusManager", "allowed_origin", "connect", "init_app"]


def init_app(app: Flask, api: Api) -> None:
    """Register what the feature adds to the application."""
    api.register_blueprint(blp, url_prefix="/api")
    background.add("credentials", watch_credentials)
    background.add("canary", canary.watch)


def connect(server: Any) -> None:
    """Let events flow from the bus to the clients of this worker."""
    states.clear()
    heads.begin(server)
    here.connect(server, deliver, after_send)
    registry.shape_error = shape_error
    if vacate not in registry.on_disconnected:
        registry.on_disconnected.append(vacate)
    on_internal("access-changed", review_room)
    on_internal("session-revoked", close_session)
    on_internal(canary.NAME, canary.hear)


def allowed_origin(settings: Settings) -> Callable[[str | None, dict[str, Any]], bool]:
    """Whether a browser page of that origin may connect: the own one, and those of `CORS_ORIGIN`."""

    def allowed(origin: str | None, environ: dict[str, Any]) -> bool:
        if origin is None or origin in settings.cors_origin:
            return True
        # ProxyFix has put what trusted proxies say in these two, and nothing of what others say.
        own = f"{environ.get('wsgi.url_scheme', 'http')}://{environ.get('HTTP_HOST', '')}"
        return origin in (own, settings.public_url.rstrip("/"))

    return allowed
