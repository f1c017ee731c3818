"""My rooms: the overview, making one, its settings and links."""

from __future__ import annotations

from typing import Any

from flask import Response as Answer
from flask import make_response, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from app.backends.handles import handles
from app.core.errors import AppError
from app.dashboard import texts
from app.dashboard.forms import converted, instant, read_form, shows_again, whole
from app.dashboard.pages.blueprint import pages, require_person
from app.dashboard.pages.control import back_to_control, control, question_page, require_host
from app.dashboard.pages.view import front_timers
from app.rooms import service
from app.rooms.models import Role
from app.rooms.schemas import NewLink, NewRoom, RoomChange, RoomQuery
from app.web.http import current_actor

HOSTING = ("host", "owner")


@pages.get("/rooms")
def rooms(error: AppError | None = None) -> str:
    """All my rooms and the public ones."""
    require_person()
    query = RoomQuery().load({name: request.args[name] for name in ("q", "cursor") if request.args.get(name)})
    page = service.list_rooms(actor=current_actor(), **query)
    views = {
        "mine": [view for view in page.items if view.role in HOSTING],
        "joined": [view for view in page.items if view.role not in HOSTING and not _is_open(view)],
        "others": [view for view in page.items if _is_open(view)],
    }
    return render_template(
        "rooms.html",
        page=page,
        views=views,
        query=query,
        error=error,
        fronts=front_timers([view.room.id for view in views["mine"]]),
        server_now=handles.clock.now(),
    )


def _is_open(view: service.RoomView) -> bool:
    """Whether one sees the room only because everybody does."""
    return view.role == "viewer" and not view.room.is_private


@pages.post("/rooms")
@shows_again(rooms)
def create_room() -> Response:
    require_person()
    view = service.create_room(actor=current_actor(), **read_form(NewRoom(), flags=["isPrivate"]))
    return back_to_control(view.room.id)


@pages.post("/rooms/<room_id>/settings")
@shows_again(control)
def change_room(room_id: str) -> Response:
    flags: dict[str, Any] = {name: name in request.form for name in texts.ROOM_FLAGS}
    choices: dict[str, Any] = {name: request.form[name] for name in ("chatMode", "history") if name in request.form}
    if seconds := request.form.get("slowMode"):
        choices["slowModeMs"] = converted("slowMode", whole, seconds) * 1000
    body = {
        "name": request.form.get("name", ""),
        "description": request.form.get("description", ""),
        "isPrivate": "isPrivate" in request.form,
        "settings": {**flags, **choices},
    }
    service.change_room(actor=current_actor(), room_id=room_id, changes=RoomChange().load(body))
    return back_to_control(room_id, "settings")


@pages.get("/rooms/<room_id>/delete")
def ask_to_delete(room_id: str) -> str:
    """Whether the room is to go."""
    require_host(room_id, Role.OWNER)
    action = url_for("pages.delete_room", room_id=room_id)
    return question_page(room_id, "ask.delete", action=action, section="settings")


@pages.post("/rooms/<room_id>/delete")
@shows_again(control)
def delete_room(room_id: str) -> Response:
    service.delete_room(actor=current_actor(), room_id=room_id)
    return redirect(url_for("pages.rooms"), code=303)


@pages.get("/rooms/<room_id>/share-token")
def ask_to_rotate(room_id: str) -> str:
    """Whether there is to be a new share link."""
    require_host(room_id, Role.OWNER)
    action = url_for("pages.rotate_share_token", room_id=room_id)
    return question_page(room_id, "ask.rotate", action=action, section="share")


@pages.post("/rooms/<room_id>/share-token")
@shows_again(control)
def rotate_share_token(room_id: str) -> Response:
    service.rotate_share_token(actor=current_actor(), room_id=room_id)
    return back_to_control(room_id, "share")


@pages.post("/rooms/<room_id>/links")
@shows_again(control)
def create_link(room_id: str) -> Response:
    body: dict[str, Any] = read_form(NewLink(), convert={"maxUses": whole, "expiresAt": instant})
    service.create_link(actor=current_actor(), room_id=room_id, **body)
    return back_to_control(room_id, "share")


@pages.post("/rooms/<room_id>/links/<link_id>/delete")
@shows_again(control)
def delete_link(room_id: str, link_id: str) -> Response:
    service.delete_link(actor=current_actor(), link_id=link_id)
    return back_to_control(room_id, "share")


@pages.get("/join/<token>")
def invitation(token: str, error: AppError | None = None) -> Answer:
    """The page behind an invitation: to which room, by whom, as what; that one is in it already; or why it is none any more."""
    found = joined = None
    try:
        joined = service.find_joined_room(actor=current_actor(), token=token)
        found = None if joined else service.get_invitation(token=token)
    except AppError as why:
        if why.code != "link_not_found":
            raise
        error = why
    response = make_response(render_template("join.html", token=token, joined=joined, invitation=found, error=error))
    response.status_code = error.status if error else 200
    # The address is the key to the room: it must not travel to other sites.
    response.headers["Referrer-Policy"] = "no-referrer"
    return response


@pages.post("/join/<token>")
@shows_again(invitation)
def accept_link(token: str) -> Response:
    """Accepting is a deliberate click, so that previews of the link use nothing up."""
    require_person()
    view = service.accept_link(actor=current_actor(), token=token)
    return back_to_control(view.room.id)
