"""The conversation of a room."""

from __future__ import annotations

from flask import Flask
from flask_smorest import Api


def init_app(app: Flask, api: Api) -> None:
    """Register what the feature adds to the application."""
    from app.messages import lines, notifications, receipts, service, sockets  # noqa: F401, PLC0415 - registers its events
    from app.messages.routes import blp  # noqa: PLC0415
    from app.rooms.service import count_unread_with  # noqa: PLC0415

    lines.subscribe()
    notifications.subscribe()
    count_unread_with(service.count_unread)
    receipts.gathered.clear()
    api.register_blueprint(blp, url_prefix="/api")
