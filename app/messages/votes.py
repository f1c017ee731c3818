"""What somebody has voted for: their own votes only, how many a question has is its message's `votes`."""

from __future__ import annotations

from typing import Any

from sqlalchemy import select, tuple_

from app.backends.transaction import reading
from app.core.actor import Actor
from app.messages.cursors import Before, decode_place, encode_place
from app.messages.models import Message, Vote
from app.rooms.access import require_role
from app.rooms.models import Role


def list_votes(*, actor: Actor, ref: str, cursor: str | None = None, limit: int = 50) -> dict[str, Any]:
    """The questions of the room `ref` that `actor` wants answered, the last vote first: `{items: [{messageId}], nextCursor}`.

    Raises:
        AppError: those of `require_role` for a guest; `bad_cursor`.
    """
    place = decode_place(cursor, Before)
    with reading() as session:
        access = require_role(session, actor=actor, ref=ref, need=Role.GUEST)
        query = (
            select(Vote.message_id, Vote.created_at)
            .join(Message, Message.id == Vote.message_id)
            .where(Vote.person_id == actor.id, Message.room_id == access.room.id, Message.deleted_at.is_(None))
            .order_by(Vote.created_at.desc(), Vote.message_id.desc())
        )
        if isinstance(place, Before):
            query = query.where(tuple_(Vote.created_at, Vote.message_id) < (place.at, place.id))
        rows = session.execute(query.limit(limit + 1)).all()
    last = rows[limit - 1] if len(rows) > limit else None
    next_cursor = encode_place(Before(last.created_at, last.message_id)) if last else None
    return {"items": [{"messageId": row.message_id} for row in rows[:limit]], "nextCursor": next_cursor}
