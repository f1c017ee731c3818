"""How a message is read from the tables and looks on the wire: in one query, with its author, whatever the number.

The wire form is made here and nowhere else; `MessageSchema` documents it, and a test holds the two together.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from sqlalchemy import Row, Select, select
from sqlalchemy.orm import Session

from app.auth.models import User
from app.core.clock import from_wire, to_epoch_ms, to_wire
from app.messages.models import Message
from app.uploads import service as uploads

Payload = dict[str, Any]
Messages = Select[*tuple[Any, ...]]

_COLUMNS = (
    Message.id,
    Message.room_id,
    Message.seq,
    Message.change_seq,
    Message.user_id,
    Message.guest_id,
    Message.author_name,
    Message.content,
    Message.message_type,
    Message.client_message_id,
    Message.attachment_id,
    Message.reply_to,
    Message.votes,
    Message.question_state,
    Message.created_at,
    Message.edited_at,
    Message.deleted_at,
    User.username.label("username"),
    User.name.label("name"),
)


def select_messages(*more: Any) -> Messages:
    """Messages joined with their authors, as `load_payloads` wants them; `more` columns follow."""
    return select(*_COLUMNS, *more).select_from(Message).outerjoin(User, User.id == Message.user_id)


def load_payloads(session: Session, query: Messages) -> list[Payload]:
    """The wire forms of what `query` (of `select_messages`) finds; a second query only if there are attachments."""
    return payloads_of(session, session.execute(query).all())


def payloads_of(session: Session, rows: Sequence[Row[*tuple[Any, ...]]]) -> list[Payload]:
    """The wire forms of rows of `select_messages`."""
    files = describe_attachments(session, (row.attachment_id for row in rows if row.deleted_at is None))
    return [_of_row(row, files) for row in rows]


def describe_attachments(session: Session, ids: Iterable[str | None]) -> dict[str, Payload]:
    """The attachments' wire forms by id; no query if there are none."""
    wanted = [ident for ident in ids if ident]
    return uploads.describe_attachments(session, wanted) if wanted else {}


def author_payload(*, user_id: str | None, guest_id: str | None, username: str | None, name: str) -> Payload | None:
    """`{id, username, name, isGuest}`; None for the server's own lines and for people who are gone."""
    if user_id is None and guest_id is None:
        return None
    return {"id": user_id or guest_id, "username": username or name, "name": name, "isGuest": guest_id is not None}


def message_payload(values: Any, author: Payload | None, attachment: Payload | None) -> Payload:
    """The wire form. `values` has the attributes of `Message`."""
    gone = values.deleted_at is not None
    is_question = values.message_type == "question"
    return {
        "id": values.id,
        "roomId": values.room_id,
        "seq": values.seq,
        "changeSeq": values.change_seq,
        "user": author,
        "userId": values.user_id or values.guest_id,
        "content": "" if gone else values.content,
        "messageType": values.message_type,
        "clientMessageId": values.client_message_id,
        "attachment": None if gone else attachment,
        "replyTo": values.reply_to,
        "votes": values.votes,
        "question": {"state": values.question_state or "open"} if is_question else None,
        "createdAt": to_wire(values.created_at),
        "editedAt": to_wire(values.edited_at) if values.edited_at else None,
        "deletedAt": to_wire(values.deleted_at) if gone else None,
    }


def flat_form(payload: Payload) -> Payload:
    """The same message with the flat keys `name`, `text`, `ts` (ms since 1970) and `attachmentId` beside ours."""
    user, attachment = payload["user"], payload["attachment"]
    return {
        **payload,
        "name": user["name"] if user else None,
        "text": payload["content"],
        "ts": to_epoch_ms(from_wire(payload["createdAt"])),
        "attachmentId": attachment["id"] if attachment else None,
    }


def _of_row(row: Row[*tuple[Any, ...]], files: dict[str, Payload]) -> Payload:
    author = author_payload(
        user_id=row.user_id, guest_id=row.guest_id, username=row.username, name=row.name or row.author_name
    )
    return message_payload(row, author, files.get(row.attachment_id) if row.attachment_id else None)
