"""Writing messages: a batch of drafts in at most six statements, each judged for itself; to PostgreSQL two round trips.

1. Lock the heads of the rooms, in the order of their ids: from here on nobody else writes in them.
2. Read what is known about every author: role, mute, ban, slow mode, the same message sent before.
3. Judge each draft. A refused one costs the others nothing; a repeated `clientMessageId` answers the first message.
4. Insert the messages and raise the heads by as many, together with the commit; before it, if there are mentions or files.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import datetime
from operator import attrgetter
from types import SimpleNamespace
from typing import Any, cast

from sqlalchemy import Insert, Integer, String, Table, Text, Uuid, insert, select
from sqlalchemy.orm import Session

from app.backends.bulk import Bulk
from app.backends.columns import Instant
from app.backends.prepared import Asked, Prepared, ask
from app.backends.transaction import Transaction, database
from app.core.errors import AppError
from app.core.ids import new_id
from app.messages import notifications
from app.messages.events import message_received
from app.messages.models import Message
from app.messages.payloads import (
    Payload,
    author_payload,
    load_payloads,
    message_payload,
    select_messages,
)
from app.messages.rights import refuse_hurry, refuse_type, refuse_writing
from app.messages.standing import Draft, Standing, ask_for_standings, standings_of
from app.rooms.stream import ask_to_lock_heads, chat_counts, raise_chats
from app.uploads import service as uploads

_ROWS = Bulk(
    "rows",
    {
        "id": Uuid(as_uuid=False),
        "room_id": Uuid(as_uuid=False),
        "seq": Integer(),
        "change_seq": Integer(),
        "user_id": Uuid(as_uuid=False),
        "guest_id": Uuid(as_uuid=False),
        "author_name": String(),
        "content": Text(),
        "message_type": String(),
        "client_message_id": String(),
        "attachment_id": Uuid(as_uuid=False),
        "reply_to": Uuid(as_uuid=False),
        "votes": Integer(),
        "created_at": Instant(),
    },
)


_VALUES = attrgetter(*_ROWS.names)
_EMPTY = (
    *("user_id", "guest_id", "client_message_id", "attachment_id", "reply_to"),
    *("question_state", "edited_at", "deleted_at"),
)
_TABLE = cast("Table", Message.__table__)


@dataclass(slots=True)
class Outcome:
    """What became of a draft: the message, or why not; neither when the author has no place in the room.

    fresh: it was written now, not by an earlier send
    """

    message: Payload | None = None
    error: AppError | None = None
    fresh: bool = False


def write_drafts(work: Transaction, drafts: list[Draft]) -> list[Outcome]:
    """Write what may be written of `drafts` and emit it; their outcomes, in the order of the drafts."""
    dialect = database.dialect
    work.flush_last()  # of an earlier batch of this transaction
    locked, known = ask(
        work.session,
        ask_to_lock_heads(dialect, (draft.room_id for draft in drafts)),
        ask_for_standings(dialect, drafts, work.now),  # begins when the heads are locked: what it sees stays so
    )
    now = max(work.now, database.clock.now())  # after the lock: within a worker, times follow the numbers
    wanted = {draft.attachment_id for draft in drafts if draft.attachment_id}
    files = uploads.offer_attachments(work.session, wanted) if wanted else {}
    batch = _Batch(now, {row.room_id: row.chat_seq for row in locked}, files)
    standings = standings_of(drafts, known)
    outcomes = [batch.take(draft, standing) for draft, standing in zip(drafts, standings, strict=True)]
    batch.answer_repeated(work.session)
    batch.write(work)
    return outcomes


class _Batch:
    """The drafts of one transaction as they are judged, and what is to be written of them."""

    def __init__(self, now: datetime, heads: dict[str, int], files: dict[str, Payload]) -> None:
        self._now = now
        self._heads = dict(heads)
        self._files = files
        self._rows: list[SimpleNamespace] = []
        self._messages: list[Payload] = []
        self._wishes: list[notifications.Wish] = []
        self._first: dict[Any, Outcome] = {}
        self._last_at: dict[tuple[str, str | None], datetime] = {}
        self._repeated: list[tuple[Outcome, str]] = []

    def take(self, draft: Draft, standing: Standing | None) -> Outcome:
        """Judge `draft`; a good one gets its number."""
        key = draft.dedupe_key
        first = self._first.get(key) if key else None
        if first is not None and first.error is None:
            return Outcome(first.message)
        if standing is None or standing.role is None:
            return Outcome()
        if standing.existing_id is not None:
            outcome = Outcome()
            self._repeated.append((outcome, standing.existing_id))
            return outcome
        error = self._judge(draft, standing)
        outcome = Outcome(error=error) if error else Outcome(self._add(draft, standing), fresh=True)
        if key:
            self._first[key] = outcome
        return outcome

    def _judge(self, draft: Draft, standing: Standing) -> AppError | None:
        role = standing.role
        assert role is not None  # `take` has refused those without
        last_at = self._last_at.get((draft.room_id, draft.actor.id), standing.last_at)
        file = self._files.get(draft.attachment_id) if draft.attachment_id else None
        if draft.reply_to and not _may_answer(standing):
            return AppError("message_not_found", details={"replyTo": ["There is no such message in this room."]})
        if draft.attachment_id and (
            file is None or (file["roomId"], file["userId"]) != (draft.room_id, draft.actor.id)
        ):
            return AppError("attachment_not_found")
        return (
            refuse_writing(standing.settings, role=role, muted_until=standing.muted_until, now=self._now)
            or refuse_type(draft.message_type, role)
            or refuse_hurry(standing.settings, role=role, last_at=last_at, now=self._now)
        )

    def _add(self, draft: Draft, standing: Standing) -> Payload:
        seq = self._heads[draft.room_id] = self._heads[draft.room_id] + 1
        actor = draft.actor
        row = new_row(
            room_id=draft.room_id,
            seq=seq,
            user_id=actor.user_id,
            guest_id=actor.guest_id,
            author_name=standing.name,
            content=draft.content,
            message_type=draft.message_type,
            client_message_id=draft.client_message_id,
            attachment_id=draft.attachment_id,
            reply_to=draft.reply_to,
            created_at=self._now,
        )
        author = author_payload(
            user_id=actor.user_id, guest_id=actor.guest_id, username=standing.username, name=standing.name
        )
        file = self._files.pop(draft.attachment_id) if draft.attachment_id else None  # goes with one message only
        message = message_payload(row, author, file)
        self._rows.append(row)
        self._messages.append(message)
        self._wishes += notifications.wishes_of(message, direct_key=standing.direct_key)
        self._last_at[draft.room_id, actor.id] = self._now
        return message

    def write(self, work: Transaction) -> None:
        """Insert, raise the heads, notify, emit."""
        if not self._rows:
            return
        files = _files_of(self._rows)
        work.write_last(*insertion_of(self._rows))
        if self._wishes or files:
            work.flush_last()  # they refer to the messages
        for message in self._messages:
            work.emit(message_received(message))
        uploads.claim_attachments(work.session, files)
        notifications.write_notifications(work, self._wishes)

    def answer_repeated(self, session: Session) -> None:
        """Fill in the messages that were there already."""
        if not self._repeated:
            return
        query = select_messages().where(Message.id.in_({ident for _, ident in self._repeated}))
        found = {message["id"]: message for message in load_payloads(session, query)}
        for outcome, ident in self._repeated:
            outcome.message = found[ident]


def new_row(*, seq: int, **values: Any) -> SimpleNamespace:
    """A message that is not written yet, with the attributes of `Message`."""
    fresh: dict[str, Any] = dict.fromkeys(_EMPTY)
    return SimpleNamespace(**{**fresh, "id": new_id(), "seq": seq, "change_seq": seq, "votes": 0, **values})


def insertion_of(rows: list[SimpleNamespace]) -> list[Asked]:
    """Inserts messages and raises the heads of their rooms, which are locked: one statement where the database can."""
    dialect = database.dialect
    counts = chat_counts(dialect, Counter(row.room_id for row in rows))
    parameters = {**_ROWS.parameters(dialect, [_VALUES(row) for row in rows]), **counts}
    insertion = Asked(_INSERT, parameters)
    return [insertion] if dialect == "postgresql" else [insertion, Asked(_RAISE, counts)]


def _files_of(rows: list[SimpleNamespace]) -> dict[str, tuple[str, int]]:
    return {row.attachment_id: (row.id, row.seq) for row in rows if row.attachment_id}


def _may_answer(standing: Standing) -> bool:
    """Whether the message replied to is in the room and may be read by the author."""
    if standing.reply_seq is None:
        return False
    return standing.settings.get("history") != "sinceJoin" or standing.reply_seq > standing.joined_chat_seq


def _insert(dialect: str) -> Insert:
    rows = _ROWS.table(dialect)
    insertion = insert(_TABLE).from_select(list(_ROWS.names), select(*(rows.c[name] for name in _ROWS.names)))
    return insertion if dialect == "sqlite" else insertion.add_cte(raise_chats(dialect).cte("raised"))


_INSERT = Prepared(_insert)
_RAISE = Prepared(raise_chats)
