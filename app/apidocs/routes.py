"""The documents over HTTP: `/api/openapi.json`, `/api/asyncapi.json`, and `/api/docs` to read both.

To make one takes tens of milliseconds and anybody may ask for it, so each is made once for an application: what differs by
reader is the frame of the page alone.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import Any

from flask import Blueprint, Response, current_app, jsonify, render_template, request
from markupsafe import Markup

from app.apidocs.asyncapi import asyncapi_document
from app.apidocs.examples import shown_operations
from app.apidocs.openapi import openapi_document
from app.core.errors import CATALOGUE
from app.dashboard.language import language
from app.web.shared_answers import filled

END = b"\n"

blp = Blueprint("apidocs", __name__, url_prefix="/api")


@blp.get("/openapi.json")
def openapi() -> Response:
    """The REST API as OpenAPI 3.1."""
    return _answer("openapi.json", openapi_document)


@blp.get("/asyncapi.json")
def asyncapi() -> Response:
    """The events as AsyncAPI 3."""
    return _answer("asyncapi.json", asyncapi_document)


@blp.get("/docs")
def read() -> str:
    """Both documents and the error codes, for people, who can try each operation there."""
    return render_template("apidocs.html", entries=_kept(f"docs.{language()}", _entries))


def _entries() -> Markup:
    shown = list(shown_operations(openapi_document()))
    return Markup(  # noqa: S704 - a template of ours, which has escaped what is in it
        render_template("apidocs_entries.html", operations=shown, asyncapi=asyncapi_document(), errors=CATALOGUE)
    )


def _answer(name: str, make: Callable[[], Any]) -> Response:
    encoded, etag = _kept(name, lambda: _encoded(make()))
    response = filled(Response(mimetype="application/json"), encoded, END)
    response.set_etag(etag, weak=True)
    response.headers["Cache-Control"] = "private, no-cache"
    response.make_conditional(request)
    return response


def _encoded(document: Any) -> tuple[bytes, str]:
    encoded: bytes = jsonify(document).data.rstrip()
    return encoded, hashlib.sha256(encoded).hexdigest()[:32]


def _kept(name: str, make: Callable[[], Any]) -> Any:
    """What `make` makes, once for an application."""
    kept = current_app.extensions.setdefault("greenroom-documents", {})
    if name not in kept:
        kept[name] = make()
    return kept[name]
