"""My account: who I am, the password, and where I am signed in."""

from __future__ import annotations

from flask import redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from app.auth import service
from app.auth.schemas import ChangePassword
from app.core.errors import AppError
from app.dashboard.devices import device_name
from app.dashboard.forms import read_form, shows_again
from app.dashboard.pages.blueprint import pages, require_person
from app.web.http import current_actor


@pages.get("/account")
def account(error: AppError | None = None, **_: str) -> str:
    """Who is signed in, and where."""
    require_person()
    actor = current_actor()
    return render_template(
        "account.html",
        error=error,
        me=service.get_me(actor=actor),
        mine=actor.session_id,
        sessions=service.list_sessions(actor=actor),
        device_name=device_name,
        done=request.args.get("done"),
    )


@pages.post("/account/password")
@shows_again(account)
def change_password() -> Response:
    """Every other device is signed out."""
    service.change_password(actor=current_actor(), **read_form(ChangePassword()))
    return _back("password")


@pages.post("/account/sessions/<session_id>/delete")
@shows_again(account)
def delete_session(session_id: str) -> Response:
    service.delete_session(actor=current_actor(), session_id=session_id)
    return _back("session")


@pages.post("/account/sessions/delete-others")
@shows_again(account)
def delete_other_sessions() -> Response:
    service.delete_other_sessions(actor=current_actor())
    return _back("sessions")


def _back(done: str) -> Response:
    return redirect(url_for("pages.account", done=done), code=303)
