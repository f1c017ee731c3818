"""The audit of a room."""

from __future__ import annotations

from typing import Any

from app.rooms import service
from app.rooms.schemas import AuditPage
from app.web.cursor import Page, PageQuery
from app.web.http import Blueprint, current_actor

blp = Blueprint("audit", __name__, description="Who did what in a room")


@blp.route("/rooms/<room_id>/audit", methods=["GET"])
@blp.arguments(PageQuery, location="query")
@blp.response(200, AuditPage)
def list_audit(query: dict[str, Any], room_id: str) -> Page[Any]:
    """What people did to the room, its people, its stage, its timers and others' messages, the newest first. For hosts."""
    return service.list_audit(actor=current_actor(), room_id=room_id, **query)
