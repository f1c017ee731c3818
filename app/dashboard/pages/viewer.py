"""What people see who open the share link: the viewer's page and the stage."""

from __future__ import annotations

from flask import Response, make_response, render_template

from app.dashboard.pages.blueprint import pages
from app.dashboard.pages.view import room_view
from app.web.headers import allow_framing


@pages.get("/r/<ref>")
def viewer(ref: str) -> Response:
    """The clock, the run of show and the conversation, for everybody with the link."""
    return _room_page("viewer.html", ref)


@pages.get("/r/<ref>/stage")
def stage(ref: str) -> Response:
    """Big digits for a screen across the hall."""
    return _room_page("stage.html", ref)


def _room_page(template: str, ref: str) -> Response:
    view = room_view(ref)
    response = make_response(render_template(template, share_token=ref, **view))
    # The address is the key to the room: it must not travel to other sites.
    response.headers["Referrer-Policy"] = "no-referrer"
    if view["access"].room.setting("embeddable"):
        allow_framing()
    return response
