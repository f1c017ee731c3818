"""The stage: what every viewer sees beside the timer."""

from __future__ import annotations

from typing import Any

from app.backends.transaction import transaction
from app.core.actor import Actor
from app.rooms import events
from app.rooms.access import lock_room, require_role
from app.rooms.models import Role
from app.rooms.schemas import stage_payload


def change_stage(
    *, actor: Actor, room_id: str, text: str, visible: bool, style: str | None = None, blackout: bool = False
) -> dict[str, Any]:
    """Put this on the stage; answers `{text, style, visible, blackout, roomId}`. The same again changes nothing.

    Raises:
        AppError: `room_not_found`, `banned`, `unauthenticated`, `forbidden`.
    """
    with transaction() as work:
        room = require_role(work.session, actor=actor, ref=room_id, need=Role.HOST).room
        lock_room(work.session, room)
        before = stage_payload(room)
        stage = {"text": text, "style": style, "visible": visible, "blackout": blackout}
        if stage != before:
            room.stage, room.updated_at = stage, work.now
            events.log_stage(work, room, actor, before)
    return {**stage, "room_id": room.id}


def clear_stage(*, actor: Actor, room_id: str, text: str | None = None) -> None:
    """Show the stage's message no longer (only if it is `text`, where that is given); it stays there to be shown again.

    Raises:
        AppError: `room_not_found`, `banned`, `unauthenticated`, `forbidden`.
    """
    with transaction() as work:
        room = require_role(work.session, actor=actor, ref=room_id, need=Role.HOST).room
        lock_room(work.session, room)
        stage = stage_payload(room)
        if stage["visible"] and text in (None, stage["text"]):
            change_stage(actor=actor, room_id=room.id, **{**stage, "visible": False})


def flash_stage(*, actor: Actor, room_id: str) -> None:
    """Let the stage flash once on every screen that is connected now.

    Raises:
        AppError: `room_not_found`, `banned`, `unauthenticated`, `forbidden`.
    """
    with transaction() as work:
        room = require_role(work.session, actor=actor, ref=room_id, need=Role.HOST).room
        events.flash_stage(work, room, actor)
