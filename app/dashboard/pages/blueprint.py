"""The blueprint of all pages, and what every template may use."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from flask import Blueprint, Response, current_app, request, url_for

from app.backends.handles import handles
from app.core.clock import from_wire, ms_between, to_wire
from app.core.errors import AppError
from app.dashboard import texts
from app.dashboard.forms import csrf_field, duration_text
from app.dashboard.front import overrun_ms
from app.dashboard.language import LANGUAGES, detail_text, error_text, field_label, language, script_texts, text
from app.uploads.service import list_accepted
from app.web.http import current_actor, form_or_nothing

ANOTHER_DAY_MIN = 720

pages = Blueprint("pages", __name__, template_folder="../templates")


@pages.app_context_processor
def shared() -> dict[str, Any]:
    """What templates see."""
    actor = current_actor()
    return {
        "person": actor if actor.kind == "user" else None,
        "csrf_field": csrf_field,
        "typed": form_or_nothing(),
        "public_url": public_url,
        "public_asset": public_asset,
        "endings": texts.ENDINGS,
        "t": text,
        "language": language,
        "languages": LANGUAGES,
        "script_texts": script_texts,
        "error_text": error_text,
        "detail_text": detail_text,
        "field_label": field_label,
        "start_lead_ms": handles.settings.start_lead_ms,
        "upload_types": ",".join(list_accepted()),
        "upload_most": handles.settings.upload_max_bytes,
    }


@pages.app_template_filter("duration")
def duration(ms: int) -> str:
    """A length as people read it: `25:00`."""
    return duration_text(ms)


@pages.app_template_filter("planned_length")
def planned_length(timer: dict[str, Any]) -> str:
    """The planned length and, apart, what was given or taken: `25:00 +1:00`, as `lengthText` in clients/js."""
    added_ms = timer["addedMs"]
    sign = "+" if added_ms > 0 else "\N{MINUS SIGN}"
    return duration_text(timer["duration"]) + (f" {sign}{duration_text(abs(added_ms))}" if added_ms else "")


@pages.app_template_filter("left")
def left(timer: dict[str, Any]) -> str:
    """What a clock shows of a timer until scripts take over, and without them: as `countdown` in clients/js, rounded up."""
    if over := over_text(overrun_ms(timer, [timer], handles.clock.now())):
        return over
    ms = timer["remainingMs"]
    if timer["state"] == "running":
        ms = max(0, ms_between(handles.clock.now(), from_wire(timer["endTimestamp"])))
    elif timer["state"] == "finished":
        ms = 0
    elif ms is None:
        ms = timer["duration"] + timer["addedMs"]
    return duration_text(-(-ms // 1000) * 1000)


@pages.app_template_filter("overrun")
def overrun(timer: dict[str, Any], timers: list[dict[str, Any]]) -> str:
    """By how much it ran over, of all `timers` of its room: `+2:10`; nothing where nothing is over."""
    return over_text(overrun_ms(timer, timers, handles.clock.now()))


def over_text(ms: int | None) -> str:
    """`+2:10`; a second is shown once it is over."""
    return "" if ms is None else f"+{duration_text(ms)}"


@pages.app_template_filter("duration_input")
def duration_input(ms: int) -> str:
    """What a duration field shows: minutes where they are whole."""
    return str(ms // 60_000) if ms % 60_000 == 0 else duration_text(ms)


@pages.app_template_filter("wire")
def wire(moment: datetime) -> str:
    """An instant for `<time datetime>`, which scripts show in the reader's zone."""
    return to_wire(moment)


@pages.app_template_filter("utc_clock")
def utc_clock(instant: str) -> str:
    """The time of day of a wire instant, for pages without scripts."""
    return f"{instant[11:16]} UTC"


@pages.app_template_filter("utc_moment")
def utc_moment(moment: datetime) -> str:
    """Day and time, for pages without scripts."""
    return moment.strftime("%Y-%m-%d %H:%M UTC")


@pages.app_template_filter("drift")
def drift(actual: str | None, planned: str | None) -> str:
    """How much later than planned something began, in whole minutes: `+3 min`; nothing where either is unknown.

    More than half a day is another day's plan, as for `driftText` in clients/js.
    """
    if not (actual and planned):
        return ""
    minutes = round(ms_between(from_wire(planned), from_wire(actual)) / 60_000)
    sign = "+" if minutes > 0 else "\N{MINUS SIGN}"
    return f"{sign}{abs(minutes)} min" if 0 < abs(minutes) <= ANOTHER_DAY_MIN else ""


def public_url(endpoint: str, **values: Any) -> str:
    """The address that people use: `PUBLIC_URL`, else the one this request came to."""
    base = handles.settings.public_url or request.host_url
    return base.rstrip("/") + url_for(endpoint, **values)


def public_asset(path: str) -> str:
    """The whole address of an asset, for other sites to load."""
    base = handles.settings.public_url or request.host_url
    address: str = current_app.jinja_env.globals["asset"](path)  # type: ignore[operator]
    return base.rstrip("/") + address


@pages.after_request
def private(response: Response) -> Response:
    """Pages are made for one person: nobody else may be given them."""
    if "Cache-Control" not in response.headers:
        response.headers["Cache-Control"] = "private, no-cache"
        response.vary.update(["Cookie", "Accept-Language"])
    return response


def require_person() -> None:
    """Refuse who is not signed in; the answer is the way to the sign-in.

    Raises:
        AppError: `unauthenticated`.
    """
    if current_actor().user_id is None:
        raise AppError("unauthenticated")
