"""The conversation's service: the only way to act on it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from app.backends.transaction import reading
from app.core.actor import Actor
from app.core.errors import AppError
from app.core.ids import is_id
from app.core.later import Later
from app.messages.batch import batcher
from app.messages.changing import delete_message, edit_message, vote_for_question, withdraw_vote
from app.messages.history import list_changes, list_messages, list_messages_before, recent_messages
from app.messages.payloads import Payload, flat_form
from app.messages.questions import list_questions, set_question_state, stage_text
from app.messages.receipts import count_unread, get_receipts, mark_read
from app.messages.rights import may_write, muted_until
from app.messages.search import search_messages
from app.messages.sending import Outcome
from app.messages.standing import Draft
from app.messages.transcript import Transcript, get_transcript
from app.messages.votes import list_votes
from app.rooms.access import require_role
from app.rooms.models import Role

__all__ = [
    "Transcript",
    "after_send",
    "begin_sending",
    "count_unread",
    "delete_message",
    "edit_message",
    "flat_form",
    "get_receipts",
    "get_transcript",
    "list_changes",
    "list_messages",
    "list_messages_before",
    "list_questions",
    "list_votes",
    "mark_read",
    "may_write",
    "muted_until",
    "recent_messages",
    "search_messages",
    "send_message",
    "set_question_state",
    "stage_text",
    "vote_for_question",
    "withdraw_vote",
]

after_send: list[Callable[[str, Actor], None]] = []
"""Called as `(room_id, author)` after each message that was written: typing ends with it."""


def send_message(
    *,
    actor: Actor,
    room_id: str,
    content: str,
    message_type: str = "text",
    client_message_id: str | None = None,
    attachment_id: str | None = None,
    reply_to: str | None = None,
) -> Payload:
    """Write a message; it is durable when this returns. A repeated `client_message_id` of the author answers the first.

    Raises:
        AppError: those of `require_role` for a guest; `guests_not_allowed`, `muted`, `chat_closed`, `slow_mode` (with
            `retry_after_ms`), `forbidden` (a stage line by who is no host), `message_not_found` (`reply_to`),
            `attachment_not_found`.
    """
    draft = _checked(Draft(actor, room_id, content, message_type, client_message_id, attachment_id, reply_to))
    return _concluded(draft, batcher.send(draft))


def begin_sending(*, share_token: str | None = None, **arguments: Any) -> Later[Payload]:
    """`send_message`, with its arguments, that does not wait: what is begun for a room is written in turn, together if it can.

    Args:
        share_token: what let a viewer into the room, who is then told more than that there is no such room.
    """
    draft = _checked(Draft(**arguments))
    return batcher.put(draft).followed_by(lambda outcome: _concluded(draft, outcome.result(), share_token))


def _checked(draft: Draft) -> Draft:
    """The draft with its room's id, where it names the room by its share token."""
    if is_id(draft.room_id):
        return draft
    with reading() as session:
        access = require_role(session, actor=draft.actor, ref=draft.room_id, need=Role.GUEST)
        return draft._replace(room_id=access.room.id)


def _concluded(draft: Draft, outcome: Outcome, share_token: str | None = None) -> Payload:
    """The message, once it is known what became of it."""
    if outcome.error is not None:
        raise outcome.error
    if outcome.message is None:
        raise _refusal(draft.actor, share_token or draft.room_id)
    if outcome.fresh:
        for listener in after_send:
            listener(draft.room_id, draft.actor)
    return outcome.message


def _refusal(actor: Actor, ref: str) -> AppError:
    """Why somebody who neither is a member nor a guest may not write, in the words of the rooms."""
    with reading() as session:
        try:
            require_role(session, actor=actor, ref=ref, need=Role.GUEST)
        except AppError as why:
            return why
    return AppError("forbidden")
