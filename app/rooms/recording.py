"""The audit log: what people did who run a room, kept for `AUDIT_KEEP_DAYS`.

An entry is written in the transaction of what it tells of, so it is there if and only if that happened. It says who, what and
upon what; never what was written, and no secret. What a room does by itself is not in it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal, NamedTuple

from app.backends.transaction import Transaction
from app.core.actor import Actor
from app.core.ids import new_id
from app.rooms.models import AuditEntry

SubjectKind = Literal["timer", "user", "guest", "message", "link"]
#: Every `action` of an entry; `rooms/events.py`, `timers/events.py` and `messages` give them.
ACTIONS = (
    *("create", "update", "order", "delete", "replace", "start", "pause", "reset", "adjust", "next", "undo"),
    *("changed", "private", "guests", "conversation", "stage", "flash", "rotated", "deleted"),
    *("link-created", "link-deleted", "link-used", "member-added", "role", "removed", "left"),
    *("banned", "unbanned", "muted", "message-deleted", "question", "transcript-exported"),
)
KINDS_OF_BEFORE: tuple[SubjectKind, ...] = ("user", "guest", "link")


class Subject(NamedTuple):
    """What an action was done upon."""

    kind: SubjectKind
    id: str


def record_action(
    work: Transaction,
    *,
    room_id: str,
    actor: Actor,
    action: str,
    event: str,
    seq: int | None = None,
    subject: Subject | None = None,
    details: Mapping[str, Any] | None = None,
) -> None:
    """Write what `actor` did, under the name they have now; nothing, if it is nobody.

    Args:
        action: what happened (`message-deleted`).
        event: how clients heard of it (`message-updated`); the action's own name if they did not.
        seq: the number of that event in the room's stream, if it is in it.
        details: a few words more, JSON-ready (`{"role": "host"}`).
    """
    if actor.id is None:
        return
    work.session.add(
        AuditEntry(
            id=new_id(),
            room_id=room_id,
            seq=seq,
            at=work.now,
            actor_id=actor.id,
            actor_name=actor.name,
            action=action,
            event=event,
            subject_kind=subject.kind if subject else None,
            subject_id=subject.id if subject else None,
            details=dict(details or {}),
        )
    )


def subject_of(event: str, payload: Mapping[str, Any], before: Mapping[str, Any]) -> Subject | None:
    """Upon what a numbered event of the room's stream was done, by its payload and what it logged; None: the room."""
    if event.startswith("timer-"):
        return Subject("timer", payload["id"])
    if "ownerId" in before:
        return Subject("user", payload["ownerId"])  # handed over: to whom
    for kind in KINDS_OF_BEFORE:
        if found := before.get(f"{kind}Id"):
            return Subject(kind, found)
    return None
