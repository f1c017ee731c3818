"""`flask --app wsgi …`: what an operator does by hand."""

from __future__ import annotations

from flask import Flask
from flask_smorest import Api


def init_app(app: Flask, api: Api) -> None:
    """Register the commands."""
    from app.cli.seed import seed  # noqa: PLC0415

    app.cli.add_command(seed)
