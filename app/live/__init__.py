"""What composes features: joining, leaving, syncing, the state of a room."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from flask import Flask
from flask_smorest import Api

from app.live.manager import BusManager
from app.settings import Settings

__all__ = ["BusManager", "allowed_origin", "connect", "init_app"]


def init_app(app: Flask, api: Api) -> None:
    """Register what the feature adds to the application."""
    from app.live import sockets  # noqa: F401, PLC0415 - registers its events


def connect(server: Any) -> None:
    """Let events flow from the bus to the clients of this worker."""
    from app.live import heads  # noqa: PLC0415
    from app.live.delivery import deliver  # noqa: PLC0415
    from app.presence.service import here  # noqa: PLC0415

    heads.begin(server)
    here.deliver = deliver


def allowed_origin(settings: Settings) -> Callable[[str | None, dict[str, Any]], bool]:
    """Whether a browser page of that origin may connect: the own one, and those of `CORS_ORIGIN`."""

    def allowed(origin: str | None, environ: dict[str, Any]) -> bool:
        if origin is None or origin in settings.cors_origin:
            return True
        scheme = environ.get("HTTP_X_FORWARDED_PROTO") if settings.trusted_hops else None
        scheme = scheme or environ.get("wsgi.url_scheme", "http")
        return origin == f"{scheme}://{environ.get('HTTP_HOST', '')}" or origin == settings.public_url.rstrip("/")

    return allowed
