"""Taking files away: first in the database, for good, then from the storage, as often as it takes.

1. `discard` deletes rows and writes their keys down, in one transaction: from then on nobody is shown the files.
2. `sweep_discarded` removes the files whose keys are due, then the keys. A crash in between removes them again, to no harm.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

import gevent
import structlog
from sqlalchemy import ColumnElement, and_, delete, literal, or_, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from app.backends.columns import Instant
from app.backends.handles import handles
from app.backends.transaction import Transaction, database, reading, transaction
from app.core.clock import add_ms
from app.core.errors import AppError
from app.core.event import Event
from app.uploads.models import Attachment, DiscardedFile

BATCH = 100
SWEEP_EVERY_S = 60
UNUSED_MS = 24 * 3_600_000

log = structlog.get_logger(__name__)


def prune_uploads(*, before: datetime) -> int:
    """Discard what was never finished and has run out, and files from before that instant that no message shows.

    Returns how many. The files of deleted messages are discarded with them; `sweep_discarded` removes all.
    """
    pruned = 0
    while True:
        with transaction() as work:
            ran_out = and_(Attachment.completed_at.is_(None), Attachment.expires_at <= work.now)
            unused = and_(Attachment.completed_at.is_not(None), Attachment.created_at < before)
            query = select(Attachment.id).where(Attachment.message_id.is_(None), or_(ran_out, unused)).limit(BATCH)
            ids = work.session.scalars(query.with_for_update(skip_locked=True)).all()
            if ids:
                discard(work, Attachment.id.in_(ids))
        pruned += len(ids)
        if len(ids) < BATCH:
            return pruned


def sweep_discarded() -> int:
    """Remove the discarded files that are due; returns how many.

    Raises:
        AppError: `storage_unavailable`; what is left is for the next time.
    """
    swept = 0
    while True:
        with reading() as session:
            due = select(DiscardedFile.key).where(DiscardedFile.due_at <= database.now())
            keys = session.scalars(due.order_by(DiscardedFile.due_at).limit(BATCH)).all()
        handles.storage.delete(keys)
        with transaction() as work:
            work.session.execute(delete(DiscardedFile).where(DiscardedFile.key.in_(keys)))
        swept += len(keys)
        if len(keys) < BATCH:
            return swept


def discard(work: Transaction, *which: ColumnElement[bool]) -> None:
    """Delete the attachments that `which` describe, and write their keys down."""
    after_ticket = add_ms(work.now, handles.settings.upload_ticket_ms)
    discard_keys(work.session, Attachment.incoming_key, after_ticket, *which)
    discard_keys(work.session, Attachment.file_key, work.now, *which)
    discard_keys(work.session, Attachment.thumbnail_key, work.now, *which)
    work.session.execute(delete(Attachment).where(*which), execution_options={"synchronize_session": False})


def discard_keys(session: Session, column: Any, due_at: datetime, *which: ColumnElement[bool]) -> None:
    """Write down the keys in one column of these attachments."""
    insert: Any = postgresql.insert if session.get_bind().dialect.name == "postgresql" else sqlite.insert
    keys = select(column, literal(due_at, Instant())).where(*which)
    session.execute(insert(DiscardedFile).from_select(["key", "due_at"], keys).on_conflict_do_nothing())


def discard_of_room(work: Transaction, event: Event) -> None:
    """With a room go its files: hears `room-purged`."""
    discard(work, Attachment.room_id == event.args[0]["roomId"])


def run() -> None:
    """Prune and sweep for ever."""
    while True:
        try:
            prune_uploads(before=add_ms(database.now(), -UNUSED_MS))
            sweep_discarded()
        except AppError as why:
            log.warning("files_not_swept", code=why.code)
        gevent.sleep(SWEEP_EVERY_S)
