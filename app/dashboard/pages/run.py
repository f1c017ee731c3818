"""The run of show on the control page: timers by forms, one for each action."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import orjson
from flask import make_response, redirect, render_template, request, url_for
from marshmallow import ValidationError
from werkzeug.wrappers import Response

from app.core.actor import Actor
from app.core.errors import AppError
from app.dashboard.forms import duration_ms, instant, read_form, shows_again
from app.dashboard.pages.blueprint import pages
from app.dashboard.pages.control import back_to_control, control, require_host
from app.dashboard.pages.view import planned_starts, room_view
from app.rooms import service as rooms
from app.rooms.schemas import Stage
from app.timers import service
from app.timers.intake import read_import
from app.timers.schemas import TimerSchema
from app.web.http import current_actor


def timer_ms(text: str, *, field: str = "duration", range_: str = "From one second to seven days.") -> int:
    """A duration of a timer's `field`, in milliseconds.

    Raises:
        ValidationError: it is no duration, or not one that the field may have.
    """
    ms = duration_ms(text)
    if TimerSchema(only=[field]).validate({TimerSchema().fields[field].data_key or field: ms}):
        raise ValidationError(range_)
    return ms


_CONVERT: dict[str, Callable[[str], Any]] = {
    "duration": timer_ms,
    "warnMs": partial(timer_ms, field="warn_ms", range_="At most seven days."),
    "dangerMs": partial(timer_ms, field="danger_ms", range_="At most seven days."),
    "startsAt": instant,
    "plannedAt": instant,
}

_MINUTE = len("2030-05-04T09:30")  # of an instant, as far as fields without seconds show it
TEMPLATE = "Title,Length (min),Start,Description\r\nWelcome,10,09:00,\r\nKeynote,45,09:10,With questions\r\n"

ACTIONS: dict[str, Callable[..., Any]] = {
    "start": service.start_timer,
    "pause": service.pause_timer,
    "reset": service.reset_timer,
    "next": service.start_next,
    "undo": service.undo_timer,
    "delete": service.delete_timer,
    "plus": partial(service.adjust_timer, delta_ms=60_000),
    "minus": partial(service.adjust_timer, delta_ms=-60_000),
}


@pages.get("/rooms/<room_id>/run")
def run(room_id: str) -> str:
    """The list alone, for the page to put in place of the one it has."""
    require_host(room_id)
    view = room_view(room_id)
    return render_template("_run.html", **view, planned=planned_starts(view["room"]["timers"]))


@pages.post("/rooms/<room_id>/timers")
@shows_again(control)
def add_timer(room_id: str) -> Response:
    values = read_form(TimerSchema(), convert=_CONVERT)
    service.create_timer(actor=current_actor(), room_id=room_id, values=values)
    return back_to_control(room_id, "run")


@pages.post("/rooms/<room_id>/timers/<timer_id>")
@shows_again(control)
def change_timer(room_id: str, timer_id: str) -> Response:
    clear = ["startsAt", "plannedAt", "description"]
    ignore = ["plannedAt"] if _is_as_shown(room_id, timer_id) else []
    values = read_form(TimerSchema(partial=True), convert=_CONVERT, clear=clear, ignore=ignore)
    service.update_timer(actor=current_actor(), timer_id=timer_id, values=values)
    return back_to_control(room_id, "run")


@pages.post("/rooms/<room_id>/timers/<timer_id>/move")
@shows_again(control)
def move_timer(room_id: str, timer_id: str) -> Response:
    """One place up or down: dragging for people without a mouse or script."""
    _move(current_actor(), room_id, timer_id, -1 if request.form.get("direction") == "up" else 1)
    return back_to_control(room_id, "run")


@pages.post("/rooms/<room_id>/timers/<timer_id>/<any({}):action>".format(",".join(ACTIONS)))
@shows_again(control)
def act_on_timer(room_id: str, timer_id: str, action: str) -> Response:
    ACTIONS[action](actor=current_actor(), timer_id=timer_id)
    return back_to_control(room_id, "run")


@pages.post("/rooms/<room_id>/timers/<timer_id>/alone")
@shows_again(control)
def pause_others(room_id: str, timer_id: str) -> Response:
    """Pause what runs beside this timer."""
    for timer in room_view(room_id)["room"]["timers"]:
        if timer["state"] == "running" and timer["id"] != timer_id:
            service.pause_timer(actor=current_actor(), timer_id=timer["id"])
    return back_to_control(room_id, "run")


@pages.post("/rooms/<room_id>/import")
@shows_again(control)
def import_run(room_id: str) -> Response:
    """What a file holds is shown first; the answer to that, with a `mode`, imports it."""
    if "mode" in request.form:
        asked = read_import(request)
        replaced = room_view(room_id)["room"]["timers"] if asked["mode"] == "replace" else []
        try:
            service.import_timers(actor=current_actor(), room_id=room_id, **asked)
        except AppError as why:
            if why.code != "run_changed":
                raise
            return preview_import(room_id, changed=why)
        return back_to_control(room_id, "run", undo=replaced[0]["id"] if replaced else None)
    if not (request.files.get("file") or request.form.get("csv", "").strip()):
        raise ValidationError({"file": ["Choose a file."]})
    return preview_import(room_id)


@pages.get("/rooms/<room_id>/template.csv")
def import_template(room_id: str) -> Response:
    """A small programme, to be filled in."""
    require_host(room_id)
    headers = {"Content-Disposition": 'attachment; filename="template.csv"'}
    return Response(TEMPLATE, content_type="text/csv; charset=utf-8", headers=headers)


def preview_import(room_id: str, changed: AppError | None = None) -> Response:
    """What the file of the form would add, what is wrong with it by row, and the question what becomes of the run."""
    asked = read_import(request)
    asked.pop("on_finish", None)  # it is asked beside what the file itself says
    preview = service.preview_import(actor=current_actor(), room_id=room_id, **asked)
    error = AppError("import_failed", details=preview.problems) if preview.problems else changed
    # What was read comes back with the answer: the file itself is gone by then.
    content = asked["content"] if isinstance(asked["content"], str) else orjson.dumps(asked["content"]).decode()
    show_is_on = AppError("show_is_on")
    page = render_template(
        "import.html", preview=preview, error=error, content=content, show_is_on=show_is_on, **room_view(room_id)
    )
    return make_response(page, error.status if error else 200)


@pages.post("/rooms/<room_id>/stage")
@shows_again(control)
def put_stage(room_id: str) -> Response:
    """What every screen shows beside the timer; a canned text is shown at once."""
    canned = request.form.get("canned")
    body = {"text": canned or request.form.get("text", ""), "visible": bool(canned) or "visible" in request.form}
    stage = Stage().load({**body, "blackout": "blackout" in request.form})
    rooms.change_stage(actor=current_actor(), room_id=room_id, **stage)
    return back_to_control(room_id, "stage")


@pages.post("/rooms/<room_id>/stage/clear")
@shows_again(control)
def clear_stage(room_id: str) -> Response:
    rooms.clear_stage(actor=current_actor(), room_id=room_id)
    return back_to_control(room_id, "stage")


@pages.post("/rooms/<room_id>/stage/light")
@shows_again(control)
def end_blackout(room_id: str) -> Response:
    stage = Stage().load(room_view(room_id)["room"]["stage"])
    rooms.change_stage(actor=current_actor(), room_id=room_id, **{**stage, "blackout": False})
    return back_to_control(room_id, "stage")


@pages.post("/rooms/<room_id>/stage/flash")
@shows_again(control)
def flash_stage(room_id: str) -> Response:
    rooms.flash_stage(actor=current_actor(), room_id=room_id)
    return redirect(url_for("pages.control", room_id=room_id), code=303)


def _is_as_shown(room_id: str, timer_id: str) -> bool:
    """Whether the form's planned start is what the page shows: also one that only follows from the timer before."""
    shown = planned_starts(room_view(room_id)["room"]["timers"]).get(timer_id, "")
    return request.form.get("plannedAt", "")[:_MINUTE] == shown[:_MINUTE]


def _move(actor: Actor, room_id: str, timer_id: str, by: int) -> None:
    ids = [timer["id"] for timer in room_view(room_id)["room"]["timers"]]
    if timer_id not in ids:
        raise AppError("timer_not_found")
    place = ids.index(timer_id)
    ids.insert(max(0, min(len(ids) - 1, place + by)), ids.pop(place))
    service.order_timers(actor=actor, room_id=room_id, ids=ids)
