"""The queue of questions: people ask and vote, hosts approve, send to the stage and tick off what was answered."""

from __future__ import annotations

from typing import Any

from sqlalchemy import case

from app.backends.transaction import reading, transaction
from app.core.actor import Actor
from app.core.errors import AppError
from app.messages.changing import change_message, record_upon_message
from app.messages.events import MESSAGE_EDITED, message_edited
from app.messages.history import require_message
from app.messages.models import QUESTION_STATES, Message
from app.messages.payloads import Payload, load_payloads, select_messages
from app.rooms import service as rooms
from app.rooms.access import require_role
from app.rooms.models import Role

MOST = 200
STAGE_LENGTH = 500


def set_question_state(*, actor: Actor, message_id: str, state: str) -> Payload:
    """Say what became of a question: `open`, `approved` or `answered`; the message as it is now. Twice is once.

    An answered one leaves the stage. The stage comes first, as the room's head is locked before the conversation's.

    Raises:
        AppError: `message_not_found`, `forbidden` (who is no host), `conflict` (no question, or deleted).
    """
    with transaction() as work:
        access, message = require_message(work.session, actor=actor, message_id=message_id)
        if access.role < Role.HOST:
            raise AppError("forbidden")
        if message["messageType"] != "question" or message["deletedAt"]:
            raise AppError("conflict", "Only questions are approved and answered.")
        if message["question"]["state"] == state:
            return message
        if state == "answered":
            rooms.clear_stage(actor=actor, room_id=message["roomId"], text=stage_text(message["content"]))
        changed = change_message(work, message, question_state=state)
        record_upon_message(work, actor, message, "question", MESSAGE_EDITED, state=state)
        work.emit(message_edited(changed, cause="question"))
        return changed


def stage_text(content: str) -> str:
    """As much of a question as the stage takes."""
    return content[:STAGE_LENGTH].strip()


def list_questions(*, actor: Actor, room_id: str) -> dict[str, Any]:
    """The room's questions, `{items, nextCursor: null}`: approved, then new, then answered ones; the most wanted first.

    Raises:
        AppError: `room_not_found`, `banned`, `unauthenticated`, `forbidden` (who is no host).
    """
    order = case({state: place for place, state in enumerate(QUESTION_STATES)}, value=Message.question_state, else_=1)
    with reading() as session:
        room = require_role(session, actor=actor, ref=room_id, need=Role.HOST).room
        query = select_messages().where(
            Message.room_id == room.id, Message.message_type == "question", Message.deleted_at.is_(None)
        )
        items = load_payloads(session, query.order_by(order, Message.votes.desc(), Message.seq).limit(MOST))
    return {"items": items, "nextCursor": None}
