"""Bans: list, ban, lift."""

from __future__ import annotations

from typing import Any

from app.rooms import service
from app.rooms.schemas import BanPage, BanSchema, NewBan
from app.web.cursor import Page, PageQuery
from app.web.http import Blueprint, current_actor

blp = Blueprint("bans", __name__, description="Who may not come back")


@blp.route("/rooms/<room_id>/bans", methods=["GET"])
@blp.arguments(PageQuery, location="query")
@blp.response(200, BanPage)
def list_bans(query: dict[str, Any], room_id: str) -> Page[Any]:
    """The bans, the newest first. For hosts."""
    return service.list_bans(actor=current_actor(), room_id=room_id, **query)


@blp.route("/rooms/<room_id>/bans", methods=["POST"])
@blp.arguments(NewBan)
@blp.response(201, BanSchema)
def create_ban(data: dict[str, Any], room_id: str) -> Any:
    """Ban an account or a guest, in the room or not. For hosts, below their own role."""
    return service.create_ban(actor=current_actor(), room_id=room_id, **data)


@blp.route("/rooms/<room_id>/bans/<ban_id>", methods=["DELETE"])
@blp.response(204)
def delete_ban(room_id: str, ban_id: str) -> None:
    """Lift a ban. For hosts."""
    service.delete_ban(actor=current_actor(), room_id=room_id, ban_id=ban_id)
