"""The start page, signing up, in and out."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from flask import redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from app.auth import service
from app.auth.cookies import clear_session_cookies, require_own_site, set_session_cookies
from app.auth.schemas import LogIn, Register
from app.core.errors import AppError
from app.dashboard.assets import YEAR_S
from app.dashboard.forms import read_form, shows_again
from app.dashboard.language import COOKIE, LANGUAGES
from app.dashboard.pages.blueprint import pages
from app.web.http import current_actor
from app.web.schema import Schema


@pages.get("/")
def home() -> Response | str:
    """What Greenroom is; people who are signed in go to their rooms."""
    return redirect(url_for("pages.rooms")) if current_actor().user_id else render_template("home.html")


@pages.get("/login")
def sign_in(error: AppError | None = None) -> str:
    return render_template("sign_in.html", error=error, next=request.values.get("next"))


@pages.post("/login")
@shows_again(sign_in)
def submit_sign_in() -> Response:
    require_own_site()
    body = _read(LogIn)
    identifier = body.get("email") or body["username"]
    return _signed_in(service.log_in(identifier=identifier, password=body["password"], user_agent=_user_agent()))


@pages.get("/register")
def sign_up(error: AppError | None = None) -> str:
    return render_template("sign_up.html", error=error, next=request.values.get("next"))


@pages.post("/register")
@shows_again(sign_up)
def submit_sign_up() -> Response:
    require_own_site()
    return _signed_in(service.register(**_read(Register), user_agent=_user_agent()))


@pages.post("/logout")
def sign_out() -> Response:
    # Whose sign-in ended elsewhere wanted to be out, and is.
    with suppress_unauthenticated():
        service.log_out(actor=current_actor())
    response = redirect(url_for("pages.home"), code=303)
    clear_session_cookies(response)
    return response


@pages.post("/language")
def choose_language() -> Response:
    """Remember in which language this reader wants pages."""
    require_own_site()
    response = redirect(_local(request.form.get("next")), code=303)
    if request.form.get("lang") in LANGUAGES:
        response.set_cookie(
            COOKIE, request.form["lang"], max_age=YEAR_S, samesite="Lax", secure=request.is_secure, httponly=True
        )
    return response


@contextmanager
def suppress_unauthenticated() -> Iterator[None]:
    """Pass over `unauthenticated`, and nothing else."""
    try:
        yield
    except AppError as why:
        if why.code != "unauthenticated":
            raise


def _read(schema: type[Schema]) -> dict[str, Any]:
    return read_form(schema(exclude=["session"]), ignore=["next"])


def _signed_in(sign_in: service.SignIn) -> Response:
    response = redirect(_local(request.form.get("next")), code=303)
    set_session_cookies(response, sign_in)
    return response


def _local(target: str | None) -> str:
    """A path of this host; anything else could lead people away."""
    safe = target and target.startswith("/") and not target.startswith(("//", "/\\")) and target.isprintable()
    return target if safe and target else url_for("pages.rooms")


def _user_agent() -> str:
    return request.headers.get("User-Agent", "")
