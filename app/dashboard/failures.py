"""How failures look to people: a page instead of JSON, where a page was asked for."""

from __future__ import annotations

from flask import Flask, Response, make_response, redirect, render_template, request, url_for
from werkzeug.wrappers import Response as AnyResponse

from app.core.errors import AppError


def init_app(app: Flask) -> None:
    """Answer with pages outside `/api`."""
    app.extensions["render_failure"] = render_failure


def render_failure(error: AppError) -> AnyResponse | None:
    """The page for `error`, None when JSON was asked for."""
    if request.path.startswith("/api/") or not request.accept_mimetypes.accept_html:
        return None
    if error.status == 401:  # noqa: PLR2004
        if "text/html" not in request.headers.get("Accept", ""):
            return None  # a program that takes anything, as Prometheus and curl do: a form to sign in tells it nothing
        return redirect(url_for("pages.sign_in", next=request.path if request.method == "GET" else None), code=303)
    response: Response = make_response(render_template("failure.html", error=error), error.status)
    return response
