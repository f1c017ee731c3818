"""The API's documents, generated from the schemas that validate: OpenAPI, AsyncAPI, and pages to read them."""

from __future__ import annotations

from flask import Flask
from flask_smorest import Api

from app.apidocs.command import docs
from app.apidocs.openapi import prepare
from app.apidocs.routes import blp


def init_app(app: Flask, api: Api) -> None:
    """Register `/api/openapi.json`, `/api/asyncapi.json`, `/api/docs` and the command `flask docs`."""
    prepare(api)
    app.register_blueprint(blp)
    app.cli.add_command(docs)
