"""Guests: enter by a nickname, list, mute, remove."""

from __future__ import annotations

from typing import Any

from app.auth.service import issue_guest_token
from app.rooms import service
from app.rooms.schemas import AdmittedGuest, GuestChange, GuestPage, GuestSchema, NewGuest
from app.web.cursor import Page, PageQuery
from app.web.http import Blueprint, current_actor

blp = Blueprint("guests", __name__, description="People with a nickname and no account")


@blp.route("/rooms/<room_ref>/guests", methods=["POST"])
@blp.arguments(NewGuest)
@blp.response(201, AdmittedGuest)
def admit_guest(data: dict[str, Any], room_ref: str) -> dict[str, Any]:
    """Enter under a nickname; a taken one gets a number. By the share token, or a public room's id."""
    guest = service.admit_guest(actor=current_actor(), ref=room_ref, **data)
    token = issue_guest_token(guest_id=guest.id, room_id=guest.room_id, name=guest.name)
    return {"guest": guest, "access_token": token}


@blp.route("/rooms/<room_ref>/guests", methods=["GET"])
@blp.arguments(PageQuery, location="query")
@blp.response(200, GuestPage)
def list_guests(query: dict[str, Any], room_ref: str) -> Page[Any]:
    """The guests, in the order in which they came."""
    return service.list_guests(actor=current_actor(), ref=room_ref, **query)


@blp.route("/rooms/<room_id>/guests/<guest_id>", methods=["PATCH"])
@blp.arguments(GuestChange)
@blp.response(200, GuestSchema)
def mute_guest(data: dict[str, Any], room_id: str, guest_id: str) -> Any:
    """Mute a guest until then; null ends it. For hosts."""
    return service.mute_guest(actor=current_actor(), room_id=room_id, guest_id=guest_id, **data)


@blp.route("/rooms/<room_id>/guests/<guest_id>", methods=["DELETE"])
@blp.response(204)
def remove_guest(room_id: str, guest_id: str) -> None:
    """Take a guest out. For hosts, and for the guest."""
    service.remove_guest(actor=current_actor(), room_id=room_id, guest_id=guest_id)
