"""Who is here, and who is typing."""

from __future__ import annotations

from flask import Flask
from flask_smorest import Api


def init_app(app: Flask, api: Api) -> None:
    """Register the feature's socket events and begin with nobody here."""
    from app.presence import service, sockets  # noqa: F401, PLC0415 - registers its events

    service.here.bind()
