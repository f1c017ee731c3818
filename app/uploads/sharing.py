"""Files in messages: what messages ask of uploads, inside their own transactions."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from app.backends.transaction import Transaction
from app.uploads.models import Attachment
from app.uploads.payloads import Payload, attachment_payload
from app.uploads.pruning import discard


def describe_attachments(session: Session, ids: Collection[str]) -> dict[str, Payload]:
    """The wire forms of the attachments `ids` that are there, by id, in one query."""
    found = session.scalars(select(Attachment).where(Attachment.id.in_(ids), Attachment.completed_at.is_not(None)))
    return {attachment.id: attachment_payload(attachment) for attachment in found}


def offer_attachments(session: Session, ids: Collection[str]) -> dict[str, Payload]:
    """The wire forms of those among `ids` that no message has yet; they are held until the commit."""
    free = select(Attachment).where(
        Attachment.id.in_(ids), Attachment.completed_at.is_not(None), Attachment.message_id.is_(None)
    )
    found = session.scalars(free.order_by(Attachment.id).with_for_update())
    return {attachment.id: attachment_payload(attachment) for attachment in found}


def claim_attachments(session: Session, messages: Mapping[str, tuple[str, int]]) -> None:
    """Attachments, by id, belong from now on to the message with that id and `seq`; they were offered before."""
    for attachment_id, (message_id, seq) in messages.items():
        claim = update(Attachment).where(Attachment.id == attachment_id).values(message_id=message_id, chat_seq=seq)
        session.execute(claim, execution_options={"synchronize_session": False})


def release_attachment(work: Transaction, attachment_id: str) -> None:
    """The message was deleted: nobody is shown its file any more, and it will be removed."""
    discard(work, Attachment.id == attachment_id)
