"""Who did what in a room, for its hosts."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from flask import render_template, request

from app.backends.handles import handles
from app.backends.transaction import reading
from app.dashboard.forms import duration_text
from app.dashboard.language import CATALOGUE, field_label, text
from app.dashboard.pages.blueprint import pages, require_person
from app.dashboard.texts import ROOM_FLAGS
from app.rooms import service
from app.rooms.access import require_role
from app.rooms.models import Role
from app.web.cursor import PageQuery
from app.web.http import current_actor

_LABELS = {flag: f"settings.{flag}" for flag in ROOM_FLAGS} | {
    "isPrivate": "settings.private",
    "slowModeMs": "settings.slow",
}


@pages.get("/rooms/<room_id>/audit")
def audit(room_id: str) -> str:
    """The audit log, a page of it: `?cursor=` leads to older ones."""
    require_person()
    query = PageQuery().load({"cursor": cursor} if (cursor := request.args.get("cursor")) else {})
    with reading() as session:
        room = require_role(session, actor=current_actor(), ref=room_id, need=Role.HOST).room
        page = service.list_audit(actor=current_actor(), room_id=room.id, **query)
        banned = {entry.subject.id for entry in page.items if entry.action == "banned" and entry.subject}
        reasons = service.get_ban_reasons(session, room.id, banned)
    return render_template(
        "audit.html",
        room=room,
        page=page,
        is_newest=not query["cursor"],
        keep_days=handles.settings.audit_keep_days,
        said=said,
        upon=upon,
        reasons=reasons,
    )


def said(entry: service.AuditView) -> str:
    """What was done, in words; an action without words (a newer version's) by its name."""
    action = entry.action
    if action == "muted" and not entry.details.get("mutedUntil"):
        action = "unmuted"
    elif action == "question":
        action = f"question-{entry.details.get('state')}"
    key = f"audit.do.{action}"
    return text(key) if key in CATALOGUE["en"] else action


def upon(entry: service.AuditView) -> str:
    """Upon what: its name, and the role that was given with it; of a change, what of it was changed."""
    parts = []
    if entry.subject and entry.subject.name:
        name = entry.subject.name
        parts.append(text("audit.by", name=name) if entry.subject.kind == "message" else name)
    if role := entry.details.get("role"):
        key = f"role.{role}"
        parts.append(text(key))
    if changed := entry.details.get("changed"):
        parts.append(", ".join(_on_stage(entry.details) if entry.action == "stage" else map(_label, changed)))
    if delta_ms := entry.details.get("deltaMs"):
        parts.append(f"{'+' if delta_ms > 0 else '−'}{duration_text(abs(delta_ms))}")
    return " · ".join(parts)


def _label(name: str) -> str:
    """What the page calls a key of a room's or a timer's."""
    return text(_LABELS[name]) if name in _LABELS else field_label(name)


def _on_stage(details: dict[str, Any]) -> Iterator[str]:
    """What became of the stage, in words; what was written on it is in the conversation."""
    if "blackout" in details["changed"]:
        yield text("audit.stage.dark" if details["blackout"] else "audit.stage.light")
    if {"text", "visible"} & set(details["changed"]):
        yield text("audit.stage.shown" if details["visible"] else "audit.stage.off")
