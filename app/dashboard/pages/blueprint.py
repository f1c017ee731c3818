"""The blueprint of all pages, and what every template may use."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Response, request

from app.core.errors import AppError
from app.dashboard.forms import csrf_field, duration_text
from app.web.http import current_actor

pages = Blueprint("pages", __name__, template_folder="../templates")


@pages.app_context_processor
def shared() -> dict[str, Any]:
    """What templates see."""
    actor = current_actor()
    return {"person": actor if actor.kind == "user" else None, "csrf_field": csrf_field, "typed": request.form}


@pages.app_template_filter("duration")
def duration(ms: int) -> str:
    """A length as people read it: `25:00`."""
    return duration_text(ms)


@pages.app_template_filter("duration_input")
def duration_input(ms: int) -> str:
    """What a duration field shows: minutes where they are whole."""
    return str(ms // 60_000) if ms % 60_000 == 0 else duration_text(ms)


@pages.after_request
def private(response: Response) -> Response:
    """Pages are made for one person: nobody else may be given them."""
    response.headers.setdefault("Cache-Control", "private, no-cache")
    return response


def require_person() -> None:
    """Refuse who is not signed in; the answer is the way to the sign-in.

    Raises:
        AppError: `unauthenticated`.
    """
    if current_actor().user_id is None:
        raise AppError("unauthenticated")
