"""What people see who open the share link: the viewer's page and the stage."""

from __future__ import annotations

import orjson
from flask import Response, make_response, redirect, render_template, request, url_for
from werkzeug.wrappers import Response as AnyResponse

from app.dashboard.front import front_of
from app.dashboard.language import language, named_language, set_language
from app.dashboard.pages.blueprint import pages
from app.dashboard.pages.view import planned_starts, room_view
from app.live import service as live
from app.live.routes import CROWD_CACHING
from app.web.headers import allow_framing


@pages.get("/r/<ref>")
def viewer(ref: str) -> AnyResponse:
    """The clock, the run of show and the conversation, for everybody with the link; `?crowd=1`: the page for crowds."""
    if request.args.get("crowd") == "1":
        return redirect(url_for("pages.crowd", share_token=ref, lang=language()))
    return _room_page("viewer.html", ref)


@pages.get("/r/<ref>/stage")
def stage(ref: str) -> Response:
    """Big digits for a screen across the hall."""
    return _room_page("stage.html", ref)


@pages.get("/r/<share_token>/crowd")
def crowd(share_token: str) -> Response:
    """The clock and the run of show for a crowd: no socket, no conversation, and a page that any cache may keep."""
    set_language(named_language())
    _, encoded, rest = live.get_crowd_state(share_token=share_token)
    room = orjson.loads(encoded + rest)
    response = make_response(
        render_template(
            "crowd.html",
            share_token=share_token,
            room=room,
            current=front_of(room["timers"]),
            planned=planned_starts(room["timers"]),
        )
    )
    response.headers["Cache-Control"] = CROWD_CACHING
    response.headers["Referrer-Policy"] = "no-referrer"
    if room["settings"]["embeddable"]:
        allow_framing()
    return response


def _room_page(template: str, ref: str) -> Response:
    view = room_view(ref)
    response = make_response(
        render_template(template, share_token=ref, planned=planned_starts(view["room"]["timers"]), **view)
    )
    # The address is the key to the room: it must not travel to other sites.
    response.headers["Referrer-Policy"] = "no-referrer"
    if view["access"].room.setting("embeddable"):
        allow_framing()
    return response
