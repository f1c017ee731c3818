"""Members: list, add, change, remove."""

from __future__ import annotations

from typing import Any

from app.rooms import service
from app.rooms.schemas import MemberChange, MemberPage, MemberSchema, NewMember
from app.web.cursor import Page, PageQuery
from app.web.http import Blueprint, current_actor

blp = Blueprint("members", __name__, description="Accounts in a room")


@blp.route("/rooms/<room_id>/members", methods=["GET"])
@blp.arguments(PageQuery, location="query")
@blp.response(200, MemberPage)
def list_members(query: dict[str, Any], room_id: str) -> Page[Any]:
    """The members, in the order in which they came. For members."""
    return service.list_members(actor=current_actor(), room_id=room_id, **query)


@blp.route("/rooms/<room_id>/members", methods=["POST"])
@blp.arguments(NewMember)
@blp.response(201, MemberSchema)
def add_member(data: dict[str, Any], room_id: str) -> Any:
    """Let in an account, by `userId`, `email` or `username`. For hosts, with roles below their own."""
    return service.add_member(actor=current_actor(), room_id=room_id, **data)


@blp.route("/rooms/<room_id>/members/<user_id>", methods=["PATCH"])
@blp.arguments(MemberChange)
@blp.response(200, MemberSchema)
def change_member(data: dict[str, Any], room_id: str, user_id: str) -> Any:
    """Change the role, mute, or hand the room over (`role: owner`). For hosts, below their own role."""
    return service.change_member(actor=current_actor(), room_id=room_id, user_id=user_id, changes=data)


@blp.route("/rooms/<room_id>/members/<user_id>", methods=["DELETE"])
@blp.response(204)
def remove_member(room_id: str, user_id: str) -> None:
    """Take a member out. For hosts, below their own role, and for oneself."""
    service.remove_member(actor=current_actor(), room_id=room_id, user_id=user_id)
