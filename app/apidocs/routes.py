"""The documents over HTTP: `/api/openapi.json`, `/api/asyncapi.json`, and `/api/docs` to read both."""

from __future__ import annotations

from flask import Blueprint, Response, jsonify, render_template

from app.apidocs.asyncapi import asyncapi_document
from app.apidocs.examples import shown_operations
from app.apidocs.openapi import openapi_document
from app.core.errors import CATALOGUE

blp = Blueprint("apidocs", __name__, url_prefix="/api")


@blp.get("/openapi.json")
def openapi() -> Response:
    """The REST API as OpenAPI 3.1."""
    return jsonify(openapi_document())


@blp.get("/asyncapi.json")
def asyncapi() -> Response:
    """The events as AsyncAPI 3."""
    return jsonify(asyncapi_document())


@blp.get("/docs")
def read() -> str:
    """Both documents and the error codes, for people, who can try each operation there."""
    shown = list(shown_operations(openapi_document()))
    return render_template("apidocs.html", operations=shown, asyncapi=asyncapi_document(), errors=CATALOGUE)
