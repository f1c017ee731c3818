"""Rooms: who may what in them, and their two numbered streams."""

from __future__ import annotations

from flask import Flask
from flask_smorest import Api


def init_app(app: Flask, api: Api) -> None:
    """Register what the feature adds to the application."""
    from app.rooms.routes import BLUEPRINTS  # noqa: PLC0415

    for blueprint in BLUEPRINTS:
        api.register_blueprint(blueprint, url_prefix="/api")
