"""REST of timers. `If-Match: <revision>` refuses to act on a timer that changed since it was read."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

from flask import Response, request
from flask.views import MethodView

from app.backends.turns import in_turns
from app.core.errors import AppError
from app.timers import service
from app.timers.intake import IMPORT_BODY, read_import
from app.timers.models import Timer
from app.timers.schemas import Adjustment, ImportPreviewSchema, TimerChange, TimerList, TimerOrder, TimerSchema
from app.web.http import Blueprint, current_actor
from app.web.schema import Empty

blp = Blueprint("timers", __name__, description="Timers of a room: hosts act, everybody in the room sees.")

TURN = 50  # timers to encode before others run
_ETAG = re.compile(r'(?:W/)?"?([0-9]{1,9})"?\Z')


def if_revision() -> int | None:
    """The revision of `If-Match`; None without the header or with `*`.

    Raises:
        AppError: `malformed`.
    """
    header = request.headers.get("If-Match", "*").strip()
    if header == "*":
        return None
    match = _ETAG.match(header)
    if match is None:
        raise AppError("malformed", "If-Match takes a timer's revision.")
    return int(match[1])


@blp.route("/rooms/<room_id>/timers", methods=["POST"])
@blp.arguments(TimerSchema)
@blp.response(201, TimerSchema)
def create(values: dict[str, Any], room_id: str) -> Timer:
    """Add a timer."""
    return service.create_timer(actor=current_actor(), room_id=room_id, values=values)


@blp.route("/timers/<timer_id>")
class OneTimer(MethodView):
    """A timer as a resource."""

    @blp.arguments(TimerChange(partial=True))
    @blp.response(200, TimerSchema)
    def put(self, values: dict[str, Any], timer_id: str) -> Timer:
        """Change the keys given; the whole object may come back, read-only keys are ignored."""
        return _update(values, timer_id)

    @blp.arguments(TimerChange(partial=True))
    @blp.response(200, TimerSchema)
    def patch(self, values: dict[str, Any], timer_id: str) -> Timer:
        """Change the keys given."""
        return _update(values, timer_id)

    @blp.response(204)
    def delete(self, timer_id: str) -> None:
        """Remove it."""
        service.delete_timer(actor=current_actor(), timer_id=timer_id, if_revision=if_revision())


def _update(values: dict[str, Any], timer_id: str) -> Timer:
    return service.update_timer(actor=current_actor(), timer_id=timer_id, values=values, if_revision=if_revision())


@blp.route("/timers/<timer_id>/start", methods=["POST"])
@blp.arguments(Empty)
@blp.response(200, TimerSchema)
def start(_: dict[str, Any], timer_id: str) -> Timer:
    """Start, or go on after a pause."""
    return service.start_timer(actor=current_actor(), timer_id=timer_id, if_revision=if_revision())


@blp.route("/timers/<timer_id>/pause", methods=["POST"])
@blp.arguments(Empty)
@blp.response(200, TimerSchema)
def pause(_: dict[str, Any], timer_id: str) -> Timer:
    """Stop the time, keep what is left."""
    return service.pause_timer(actor=current_actor(), timer_id=timer_id, if_revision=if_revision())


@blp.route("/timers/<timer_id>/reset", methods=["POST"])
@blp.arguments(Empty)
@blp.response(200, TimerSchema)
def reset(_: dict[str, Any], timer_id: str) -> Timer:
    """Back to the beginning."""
    return service.reset_timer(actor=current_actor(), timer_id=timer_id, if_revision=if_revision())


@blp.route("/timers/<timer_id>/adjust", methods=["POST"])
@blp.arguments(Adjustment)
@blp.response(200, TimerSchema)
def adjust(values: dict[str, Any], timer_id: str) -> Timer:
    """Give or take time."""
    return service.adjust_timer(actor=current_actor(), timer_id=timer_id, if_revision=if_revision(), **values)


@blp.route("/timers/<timer_id>/next", methods=["POST"])
@blp.arguments(Empty)
@blp.response(200, TimerSchema)
def start_next(_: dict[str, Any], timer_id: str) -> Timer:
    """Finish this one and start the following, which is the answer."""
    return service.start_next(actor=current_actor(), timer_id=timer_id, if_revision=if_revision())


@blp.route("/timers/<timer_id>/undo", methods=["POST"])
@blp.arguments(Empty)
@blp.response(200, TimerSchema)
def undo(_: dict[str, Any], timer_id: str) -> Timer:
    """Take back the last action on it, within 10 s; a deleted timer comes back."""
    return service.undo_timer(actor=current_actor(), timer_id=timer_id)


@blp.route("/rooms/<room_id>/timers/order", methods=["PUT"])
@blp.arguments(TimerOrder)
@blp.response(200, TimerList)
def order(values: dict[str, Any], room_id: str) -> dict[str, Any]:
    """Put the timers of a room in order."""
    items = service.order_timers(actor=current_actor(), room_id=room_id, **values)
    return {"items": in_turns(items, TURN), "next_cursor": None}


@blp.route("/rooms/<room_id>/timers/import", methods=["POST"])
@blp.doc(requestBody=IMPORT_BODY)
@blp.response(201, TimerList)
def import_(room_id: str) -> dict[str, Any]:
    """Add a programme to the run of show, or put it in its place.

    JSON, a CSV as `text/csv` with `room`, `day`, `autoStart` and `mode` in the query, or a form with these and `file`.
    """
    items = service.import_timers(actor=current_actor(), room_id=room_id, **read_import(request))
    return {"items": in_turns(items, TURN), "next_cursor": None}


@blp.route("/rooms/<room_id>/timers/import/preview", methods=["POST"])
@blp.doc(requestBody=IMPORT_BODY)
@blp.response(200, ImportPreviewSchema)
def preview_import(room_id: str) -> service.ImportPreview:
    """What the same import would do, with what is wrong by row; changes nothing."""
    preview = service.preview_import(actor=current_actor(), room_id=room_id, **read_import(request))
    return replace(preview, items=in_turns(preview.items, TURN))


@blp.route("/rooms/<room_id>/timers.csv")
@blp.response(200, {"type": "string"}, content_type="text/csv")
def export_csv(room_id: str) -> Response:
    """The run of show, planned against actual."""
    return _file(service.export_csv(actor=current_actor(), room_id=room_id), "text/csv", "timers.csv")


@blp.route("/rooms/<room_id>/timers.ics")
@blp.response(200, {"type": "string"}, content_type="text/calendar")
def export_ics(room_id: str) -> Response:
    """The plan as a calendar."""
    return _file(service.export_ics(actor=current_actor(), room_id=room_id), "text/calendar", "timers.ics")


def _file(text: str, kind: str, name: str) -> Response:
    headers = {"Content-Disposition": f'attachment; filename="{name}"', "Cache-Control": "no-store"}
    return Response(text, content_type=f"{kind}; charset=utf-8", headers=headers)
