"""Changing what was written: edits, deletions, votes. Each takes the room's head first, then the message's row."""

from __future__ import annotations

from typing import Any

from sqlalchemy import delete, update
from sqlalchemy.dialects.postgresql import insert as postgres_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert

from app.backends.transaction import Transaction, database, transaction
from app.core.actor import Actor
from app.core.errors import AppError
from app.messages.events import message_deleted, message_edited
from app.messages.history import require_message
from app.messages.models import Message, Vote
from app.messages.payloads import Payload, load_payloads, select_messages
from app.messages.rights import require_writing
from app.rooms import service as rooms
from app.rooms.access import Access
from app.rooms.models import Role
from app.rooms.stream import raise_chat
from app.uploads import service as uploads


def edit_message(*, actor: Actor, message_id: str, content: str) -> Payload:
    """Replace the text of one's own message; the message as it is now. The same text again changes nothing.

    Raises:
        AppError: `message_not_found`, `forbidden` (somebody else's), `conflict` (deleted), and what refuses writing.
    """
    with transaction() as work:
        access, message = require_message(work.session, actor=actor, message_id=message_id)
        if not _is_author(actor, message):
            raise AppError("forbidden")
        require_writing(access, work.now)
        if message["deletedAt"]:
            raise AppError("conflict", "The message was deleted.")
        if message["content"] == content:
            return message
        changed = change_message(work, message, content=content, edited_at=work.now)
        work.emit(message_edited(changed))
        return changed


def delete_message(*, actor: Actor, message_id: str) -> Payload:
    """Empty a message and keep its place: one's own, or as a host anybody's, which the audit tells; twice changes nothing.

    Raises:
        AppError: `message_not_found`, `forbidden`.
    """
    with transaction() as work:
        access, message = require_message(work.session, actor=actor, message_id=message_id)
        if not (_is_author(actor, message) or _moderates(access)):
            raise AppError("forbidden")
        if message["deletedAt"]:
            return message
        changed = change_message(work, message, content="", deleted_at=work.now)
        if message["attachment"]:
            uploads.release_attachment(work, message["attachment"]["id"])
        if not _is_author(actor, message):
            record_upon_message(work, actor, message, "message-deleted")
        deleted = message_deleted(room_id=message["roomId"], message_id=message["id"], change_seq=changed["changeSeq"])
        work.emit(deleted)
        return changed


def vote_for_question(*, actor: Actor, message_id: str) -> Payload:
    """Add the actor's vote to a question; voting twice is voting once.

    Raises:
        AppError: `message_not_found`, `conflict` (not a question, or deleted).
    """
    with transaction() as work:
        message = _require_question(work, actor, message_id)
        insert = postgres_insert if database.dialect == "postgresql" else sqlite_insert
        vote = insert(Vote).values(message_id=message_id, person_id=actor.id, created_at=work.now)
        added = work.session.execute(vote.on_conflict_do_nothing().returning(Vote.person_id)).first()
        return _count_vote(work, message, 1) if added else message


def withdraw_vote(*, actor: Actor, message_id: str) -> Payload:
    """Take the actor's vote back; without one nothing changes.

    Raises:
        AppError: `message_not_found`, `conflict` (not a question, or deleted).
    """
    with transaction() as work:
        message = _require_question(work, actor, message_id)
        mine = delete(Vote).where(Vote.message_id == message_id, Vote.person_id == actor.id).returning(Vote.person_id)
        removed = work.session.execute(mine).first()
        return _count_vote(work, message, -1) if removed else message


def _require_question(work: Transaction, actor: Actor, message_id: str) -> Payload:
    _, message = require_message(work.session, actor=actor, message_id=message_id)
    if message["messageType"] != "question" or message["deletedAt"]:
        raise AppError("conflict", "Only questions are voted on.")
    return message


def _count_vote(work: Transaction, message: Payload, step: int) -> Payload:
    changed = change_message(work, message, votes=Message.votes + step)
    work.emit(message_edited(changed, cause="vote"))
    return changed


def change_message(work: Transaction, message: Payload, **values: Any) -> Payload:
    """Number the change and write it, unless the message was deleted meanwhile; the message as it is now."""
    session = work.session
    change_seq = raise_chat(session, message["roomId"])
    statement = (
        update(Message)
        .where(Message.id == message["id"], Message.deleted_at.is_(None))
        .values(change_seq=change_seq, **values)
        .returning(Message.id)
        .execution_options(synchronize_session=False)
    )
    if session.execute(statement).first() is None:
        raise AppError("conflict", "The message was deleted.")
    return load_payloads(session, select_messages().where(Message.id == message["id"]))[0]


def record_upon_message(
    work: Transaction, actor: Actor, message: Payload, action: str, event: str | None = None, **details: Any
) -> None:
    """Write into the room's audit what a host did to a message: whose it is, not what it says."""
    rooms.record_action(
        work,
        room_id=message["roomId"],
        actor=actor,
        action=action,
        event=event or action,
        subject=rooms.Subject("message", message["id"]),
        details={"authorId": message["userId"], **details},
    )


def _is_author(actor: Actor, message: Payload) -> bool:
    return actor.id is not None and message["userId"] == actor.id


def _moderates(access: Access) -> bool:
    """Hosts do, but in a direct room both are equals, whoever opened it."""
    return access.role >= Role.HOST and access.room.direct_key is None
