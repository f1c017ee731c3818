"""Which other origins' pages may use the API (Fetch standard, CORS protocol): those of `CORS_ORIGIN`, and `PUBLIC_URL`.

Flask-CORS writes the headers, on failures too. A preflight is answered before anything looks at who asks or how often: a
browser sends it without credentials, and one that is refused hides the real answer from the page.
"""

from __future__ import annotations

import re

from flask import Flask, Response, request
from flask_cors import CORS

from app.settings import Settings

API_PATHS = r"/api/.*"
ALLOWED_HEADERS = (
    "Authorization",
    "Content-Type",
    "If-Match",
    "If-None-Match",
    "X-CSRF-Token",
    "X-Request-ID",
    "X-Share-Token",
)
EXPOSED_HEADERS = (
    "ETag",
    "RateLimit-Limit",
    "RateLimit-Remaining",
    "RateLimit-Reset",
    "Retry-After",
    "X-CSRF-Token",
    "X-Request-ID",
    "X-Server-Now",
)
METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE")
PREFLIGHT_S = 7200  # what browsers remember at most


def init_app(app: Flask, settings: Settings) -> None:
    """Before the hooks that identify and count, so that preflights meet neither."""
    app.before_request(_answer_preflight)
    app.after_request(_vary)
    CORS(
        app,
        resources={API_PATHS: {"origins": [_exactly(origin) for origin in allowed_origins(settings)]}},
        supports_credentials=True,
        methods=METHODS,
        allow_headers=ALLOWED_HEADERS,
        expose_headers=EXPOSED_HEADERS,
        max_age=PREFLIGHT_S,
        intercept_exceptions=False,  # our error handlers' answers pass the same hook as all others
    )


def allowed_origins(settings: Settings) -> tuple[str, ...]:
    """The origins, without a slash at the end; a request's own needs no permission."""
    return tuple(origin for origin in (*settings.cors_origin, settings.public_url.rstrip("/")) if origin)


def _answer_preflight() -> Response | None:
    is_preflight = request.method == "OPTIONS" and "Access-Control-Request-Method" in request.headers
    return Response(status=204) if is_preflight and request.path.startswith("/api/") else None


def _vary(response: Response) -> Response:
    """Flask-CORS says so only to those it lets in; a shared cache has to know it of every answer."""
    if request.path.startswith("/api/"):
        response.vary.add("Origin")
    return response


def _exactly(origin: str) -> re.Pattern[str]:
    # Given as text, an origin with a `*` would be a pattern: with credentials, the whole web's.
    return re.compile(re.escape(origin) + r"\Z")
