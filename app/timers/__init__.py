"""Timers: a run of show whose ends are computed, never counted down."""

from __future__ import annotations

from flask import Flask
from flask_smorest import Api

from app.web.background import background


def init_app(app: Flask, api: Api) -> None:
    """Register what the feature adds to the application."""
    from app.timers import sockets  # noqa: F401, PLC0415 - registers its event
    from app.timers.routes import blp  # noqa: PLC0415
    from app.timers.scheduler import Scheduler  # noqa: PLC0415

    background.add("timers", Scheduler().run)
    api.register_blueprint(blp, url_prefix="/api")
