"""The people of a room by forms: who belongs to it, who may not write for a while, who may not come back."""

from __future__ import annotations

from flask import request, url_for
from werkzeug.wrappers import Response

from app.backends.handles import handles
from app.core.clock import add_ms
from app.core.errors import AppError
from app.dashboard.forms import read_form, shows_again, whole
from app.dashboard.pages.blueprint import pages
from app.dashboard.pages.control import back_to_control, control, people_lists, question_page, require_host
from app.rooms import service
from app.rooms.schemas import MemberChange, NewBan, NewMember
from app.web.http import current_actor

MINUTE_MS = 60_000


@pages.post("/rooms/<room_id>/members")
@shows_again(control)
def add_member(room_id: str) -> Response:
    """The one field takes either name of an account; of one that is unknown both say the same."""
    body = read_form(NewMember(), rename={"username": "email"} if "@" in request.form.get("username", "") else {})
    service.add_member(actor=current_actor(), room_id=room_id, **body)
    return back_to_control(room_id, "people")


@pages.post("/rooms/<room_id>/members/<user_id>/role")
@shows_again(control)
def change_role(room_id: str, user_id: str) -> Response:
    changes = read_form(MemberChange(only=["role"]))
    service.change_member(actor=current_actor(), room_id=room_id, user_id=user_id, changes=changes)
    return back_to_control(room_id, "people")


@pages.get("/rooms/<room_id>/members/<user_id>/remove")
def ask_to_remove(room_id: str, user_id: str) -> str:
    """Whether a member is to be taken out."""
    require_host(room_id)
    name = _names(room_id).get(user_id)
    if name is None:
        raise AppError("member_not_found")
    action = url_for("pages.remove_member", room_id=room_id, user_id=user_id)
    return question_page(room_id, "ask.remove", action=action, section="people", name=name)


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
    """Whether somebody is to be banned, and why."""
    require_host(room_id)
    who = {name: request.args[name] for name in ("userId", "guestId") if name in request.args}
    NewBan().load(who)
    (ident,) = who.values()
    name = _names(room_id).get(ident)
    if name is None:
        raise AppError("user_not_found")
    action = url_for("pages.ban", room_id=room_id)
    return question_page(
        room_id,
        "js.ban",
        action=action,
        section="people",
        name=name,
        fields=who,
        with_reason=True,
        what_follows="guest_text" if "guestId" in who else "text",
    )


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


def _names(room_id: str) -> dict[str, str]:
    """Of the members and guests, by id."""
    lists = people_lists(room_id)
    names = {member.user_id: member.user.name for member in lists["members"]}
    return names | {guest.id: guest.name for guest in lists["guests"]}
