"""The people of a room by forms: who belongs to it, who may not write for a while, who may not come back."""

from __future__ import annotations

from flask import render_template, request
from werkzeug.wrappers import Response

from app.backends.handles import handles
from app.core.clock import add_ms
from app.core.errors import AppError
from app.dashboard.forms import read_form, shows_again, whole
from app.dashboard.pages.blueprint import pages
from app.dashboard.pages.control import back_to_control, control, people_lists, require_host
from app.dashboard.pages.view import room_view
from app.rooms import service
from app.rooms.schemas import NewBan, NewMember
from app.web.http import current_actor

MINUTE_MS = 60_000


@pages.post("/rooms/<room_id>/members")
@shows_again(control)
def add_member(room_id: str) -> Response:
    service.add_member(actor=current_actor(), room_id=room_id, **read_form(NewMember()))
    return back_to_control(room_id, "people")


@pages.post("/rooms/<room_id>/members/<user_id>/remove")
@shows_again(control)
def remove_member(room_id: str, user_id: str) -> Response:
    service.remove_member(actor=current_actor(), room_id=room_id, user_id=user_id)
    return back_to_control(room_id, "people")


@pages.post("/rooms/<room_id>/<any(members,guests):kind>/<person_id>/mute")
@shows_again(control)
def mute(room_id: str, kind: str, person_id: str) -> Response:
    """For `minutes` from now; 0 lets them write again."""
    minutes = min(whole(request.form.get("minutes", "10")), 1440)
    until = add_ms(handles.clock.now(), minutes * MINUTE_MS) if minutes else None
    if kind == "members":
        service.change_member(actor=current_actor(), room_id=room_id, user_id=person_id, changes={"muted_until": until})
    else:
        service.mute_guest(actor=current_actor(), room_id=room_id, guest_id=person_id, muted_until=until)
    return back_to_control(room_id, "people")


@pages.get("/rooms/<room_id>/bans/new")
def ask_to_ban(room_id: str) -> str:
    """Whether somebody is to be banned: asked by a dialog where there are scripts, and here where there are none."""
    require_host(room_id)
    who = {name: request.args[name] for name in ("userId", "guestId") if name in request.args}
    NewBan().load(who)
    lists = people_lists(room_id)
    names = {member.user_id: member.user.name for member in lists["members"]}
    names |= {guest.id: guest.name for guest in lists["guests"]}
    (ident,) = who.values()
    if ident not in names:
        raise AppError("user_not_found")
    return render_template("ban.html", room=room_view(room_id)["room"], who=who, name=names[ident])


@pages.post("/rooms/<room_id>/bans")
@shows_again(control)
def ban(room_id: str) -> Response:
    service.create_ban(actor=current_actor(), room_id=room_id, **read_form(NewBan()))
    return back_to_control(room_id, "people")


@pages.post("/rooms/<room_id>/bans/<ban_id>/lift")
@shows_again(control)
def unban(room_id: str, ban_id: str) -> Response:
    service.delete_ban(actor=current_actor(), room_id=room_id, ban_id=ban_id)
    return back_to_control(room_id, "people")
