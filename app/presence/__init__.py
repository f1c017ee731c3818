"""Who is here, and who is typing."""

from __future__ import annotations

from flask import Flask
from flask_smorest import Api


def init_app(app: Flask, api: Api) -> None:
    """Register what the feature adds to the application."""
