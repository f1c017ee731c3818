"""The pages, rendered on the server; they work without JavaScript, which only makes them live."""

from __future__ import annotations

from flask import Flask
from flask_smorest import Api

from app.dashboard import assets, failures
from app.dashboard.pages import (  # noqa: F401 - each adds its pages
    accounts,
    audit,
    control,
    people,
    questions,
    rooms,
    run,
    viewer,
)
from app.dashboard.pages.blueprint import pages


def init_app(app: Flask, api: Api) -> None:
    """Register the pages, their assets, and how failures look to people."""
    app.jinja_env.trim_blocks = app.jinja_env.lstrip_blocks = True  # pages with a cookie leave uncompressed
    assets.init_app(app)
    failures.init_app(app)
    app.register_blueprint(pages)
