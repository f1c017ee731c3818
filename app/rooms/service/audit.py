"""Reading the audit log: who did what in a room, for its hosts. How it is written is in `app.rooms.recording`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.backends.transaction import reading
from app.core.actor import Actor
from app.core.errors import AppError
from app.core.ids import is_id
from app.rooms.access import require_role
from app.rooms.models import AuditEntry, Guest, Role
from app.rooms.people import people
from app.web.cursor import PAGE_SIZE, Page


@dataclass(frozen=True, slots=True)
class SubjectView:
    """Upon what something was done. `name`: a timer's title then, a person's name now, of a message its author's."""

    kind: str
    id: str
    name: str | None


@dataclass(frozen=True, slots=True)
class AuditView:
    """One action. `action` is what happened (`start`, `banned`), `event` how clients heard of it (`timer-update`)."""

    id: str
    seq: int | None
    at: datetime
    action: str
    event: str
    actor_id: str
    actor_name: str
    subject: SubjectView | None
    details: dict[str, Any]

    @property
    def timer_id(self) -> str | None:
        """The timer it was done upon, if it was one."""
        return self.subject.id if self.subject and self.subject.kind == "timer" else None

    @property
    def user_id(self) -> str | None:
        """The account it was done upon, if it was one."""
        return self.subject.id if self.subject and self.subject.kind == "user" else None


def list_audit(*, actor: Actor, room_id: str, cursor: str | None = None, limit: int = PAGE_SIZE) -> Page[AuditView]:
    """What people did who run the room, the newest first; the cursor is the last entry's id.

    Raises:
        AppError: `room_not_found`, `banned`, `unauthenticated`, `forbidden`, `bad_cursor`.
    """
    with reading() as session:
        room = require_role(session, actor=actor, ref=room_id, need=Role.HOST).room
        query = select(AuditEntry).where(AuditEntry.room_id == room.id)
        if cursor:
            if not is_id(cursor):
                raise AppError("bad_cursor")
            query = query.where(AuditEntry.id < cursor)
        rows = session.scalars(query.order_by(AuditEntry.id.desc()).limit(limit + 1)).all()
        names = _names(session, rows[:limit])
        items = [_view(row, names) for row in rows[:limit]]
        return Page(items, items[-1].id if len(rows) > limit else None)


def _names(session: Session, rows: Sequence[AuditEntry]) -> dict[str, str]:
    """The names of the people upon whom, or upon whose messages, something was done."""
    ids = {person for row in rows if (person := _person_of(row))}
    accounts = session.execute(select(people.c.id, people.c.name).where(people.c.id.in_(ids)))
    guests = session.execute(select(Guest.id, Guest.name).where(Guest.id.in_(ids)))
    return {row.id: row.name for row in (*accounts, *guests)}


def _person_of(row: AuditEntry) -> str | None:
    person = row.subject_id if row.subject_kind in ("user", "guest") else row.details.get("authorId")
    return person if is_id(person) else None


def _view(row: AuditEntry, names: dict[str, str]) -> AuditView:
    subject = None
    if row.subject_kind and row.subject_id:
        name = row.details.get("title") if row.subject_kind == "timer" else names.get(_person_of(row) or "")
        subject = SubjectView(row.subject_kind, row.subject_id, name)
    return AuditView(
        id=row.id,
        seq=row.seq,
        at=row.at,
        action=row.action,
        event=row.event,
        actor_id=row.actor_id,
        actor_name=row.actor_name,
        subject=subject,
        details=row.details,
    )
