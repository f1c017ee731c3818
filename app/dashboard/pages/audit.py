"""Who did what in a room, for its hosts."""

from __future__ import annotations

from flask import render_template, request

from app.backends.handles import handles
from app.backends.transaction import reading
from app.dashboard.language import CATALOGUE, text
from app.dashboard.pages.blueprint import pages, require_person
from app.rooms import service
from app.rooms.access import require_role
from app.rooms.models import Role
from app.web.cursor import PageQuery
from app.web.http import current_actor


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
    """Upon what: its name, and the role that was given with it."""
    parts = []
    if entry.subject and entry.subject.name:
        name = entry.subject.name
        parts.append(text("audit.by", name=name) if entry.subject.kind == "message" else name)
    if role := entry.details.get("role"):
        key = f"role.{role}"
        parts.append(text(key))
    return " · ".join(parts)
