"""The stage: what every viewer sees beside the timer."""

from __future__ import annotations

from typing import Any

from app.rooms import service
from app.rooms.schemas import Stage
from app.web.http import Blueprint, current_actor
from app.web.schema import Empty

blp = Blueprint("stage", __name__, description="What every viewer sees beside the timer")


@blp.route("/rooms/<room_id>/stage", methods=["PUT"])
@blp.arguments(Stage)
@blp.response(200, Stage)
def change_stage(data: dict[str, Any], room_id: str) -> dict[str, Any]:
    """Put this on the stage. For hosts."""
    return service.change_stage(actor=current_actor(), room_id=room_id, **data)


@blp.route("/rooms/<room_id>/stage/flash", methods=["POST"])
@blp.arguments(Empty)
@blp.response(204)
def flash_stage(_data: dict[str, Any], room_id: str) -> None:
    """Let the stage flash once on every screen that is connected now. For hosts."""
    service.flash_stage(actor=current_actor(), room_id=room_id)
