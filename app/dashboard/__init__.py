"""The pages, rendered on the server; they work without JavaScript, which only makes them live."""

from __future__ import annotations

import re

from flask import Flask
from flask_smorest import Api
from jinja2.ext import Extension

from app.dashboard import assets, failures
from app.dashboard.pages import (  # noqa: F401 - each adds its pages
    account,
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
from app.dashboard.rendering import PageTemplate

INDENT = re.compile(r"^[ \t]+", re.MULTILINE)


class WithoutIndent(Extension):
    """Templates are indented for who writes them; pages with a cookie leave uncompressed, and need not carry it."""

    def preprocess(self, source: str, name: str | None, filename: str | None = None) -> str:
        """The template as it is compiled; line ends stay, so that words stay apart."""
        return INDENT.sub("", source)


def init_app(app: Flask, api: Api) -> None:
    """Register the pages, their assets, and how failures look to people."""
    app.jinja_env.trim_blocks = app.jinja_env.lstrip_blocks = True  # pages with a cookie leave uncompressed
    app.jinja_env.add_extension(WithoutIndent)
    app.jinja_env.template_class = PageTemplate
    assets.init_app(app)
    failures.init_app(app)
    app.register_blueprint(pages)
