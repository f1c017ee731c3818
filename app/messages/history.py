"""Reading a conversation: pages back, changes forward, the newest; each one query, whatever the room's size."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, and_, func, literal, select, tuple_
from sqlalchemy.orm import Session

from app.backends.columns import Instant
from app.backends.transaction import reading
from app.core.actor import Actor
from app.core.clock import from_epoch_ms
from app.core.errors import AppError
from app.core.ids import is_id
from app.messages.cursors import After, Before, decode_place, encode_place
from app.messages.models import Message
from app.messages.payloads import Messages, Payload, flat_form, load_payloads, payloads_of, select_messages
from app.rooms.access import Access, readable_after, require_role
from app.rooms.models import Role

PAGE_MAX = 100
RECENT = 50


def list_messages(
    *, actor: Actor, ref: str, cursor: str | None = None, after_change: int | None = None, limit: int = RECENT
) -> dict[str, Any]:
    """A page `{items, nextCursor}` of the room `ref`.

    Without `after_change`: oldest first inside the page, pages walking back from the newest. With it: what changed since,
    in the order of `changeSeq`. `nextCursor` goes on in the same direction, None at the end.

    Raises:
        AppError: those of `require_role` for a guest; `bad_cursor`.
    """
    place = decode_place(cursor, Before, After)
    with reading() as session:
        access = require_role(session, actor=actor, ref=ref, need=Role.GUEST)
        after = place.change_seq if isinstance(place, After) else after_change
        if after is not None:
            return _page_forward(session, access, after, limit)
        return _page_back(session, access, place if isinstance(place, Before) else None, limit)


def list_messages_before(*, actor: Actor, ref: str, before: datetime | None, limit: int = RECENT) -> dict[str, Any]:
    """A page by time: `{items}` ascending, all older than `before`, grown by everything as old as its oldest.

    So that going on with `before` = the oldest `ts` neither loses nor repeats messages of the same millisecond.

    Raises:
        AppError: those of `require_role` for a guest.
    """
    with reading() as session:
        access = require_role(session, actor=actor, ref=ref, need=Role.GUEST)
        after = readable_after(access)
        if after is None:
            return {"items": []}
        older = [Message.room_id == access.room.id, *_visible(after)]
        if before is not None:
            older.append(Message.created_at < before)
        newest_first = Message.created_at.desc(), Message.id.desc()
        last = select(Message.created_at).where(*older).order_by(*newest_first).offset(limit - 1).limit(1)
        oldest = func.coalesce(last.scalar_subquery(), literal(from_epoch_ms(0), Instant()))
        query = select_messages().where(*older, Message.created_at >= oldest)
        newest = load_payloads(session, query.order_by(*newest_first))
        return {"items": [flat_form(message) for message in reversed(newest)]}


def recent_messages(session: Session, access: Access, limit: int = RECENT) -> list[Payload]:
    """The newest messages that `access` may read, oldest first."""
    items: list[Payload] = _page_back(session, access, None, limit)["items"] if access.reads_chat else []
    return items


def list_changes(
    session: Session, room_id: str, after_change: int, limit: int = 301, joined_chat_seq: int = 0
) -> list[Payload]:
    """Each message changed since `after_change`, once, as it is now, in the order of its last change.

    joined_chat_seq: messages up to this number are not shown (`readable_after`).
    """
    return load_payloads(session, _changes(room_id, after_change, joined_chat_seq).limit(limit))


def require_message(session: Session, *, actor: Actor, message_id: str) -> tuple[Access, Payload]:
    """A message that `actor` may read, with its room; two queries.

    Raises:
        AppError: `message_not_found` for whatever the actor may not know of; else those of `require_role` for a guest.
    """
    found = load_payloads(session, select_messages().where(Message.id == message_id)) if is_id(message_id) else []
    if not found:
        raise AppError("message_not_found")
    try:
        access = require_role(session, actor=actor, ref=found[0]["roomId"], need=Role.GUEST)
    except AppError as why:
        raise AppError("message_not_found") if why.code == "room_not_found" else why from None
    after = readable_after(access)
    is_own = found[0]["userId"] is not None and found[0]["userId"] == actor.id
    if not is_own and (after is None or found[0]["seq"] <= after):
        raise AppError("message_not_found")
    return access, found[0]


def _page_back(session: Session, access: Access, place: Before | None, limit: int) -> dict[str, Any]:
    after = readable_after(access)
    if after is None:
        return {"items": [], "nextCursor": None}
    query = select_messages().where(Message.room_id == access.room.id, *_visible(after))
    if place is not None:
        # Said twice: the row comparison is exact, the plain one is what SQLite's planner can use beside it.
        query = query.where(
            and_(
                Message.created_at <= place.at,
                tuple_(Message.created_at, Message.id) < (place.at, place.id),
            )
        )
    newest_first = query.order_by(Message.created_at.desc(), Message.id.desc())
    found = session.execute(newest_first.limit(limit + 1)).all()
    items = payloads_of(session, found[:limit])
    next_cursor = encode_place(Before(found[limit - 1].created_at, found[limit - 1].id)) if len(found) > limit else None
    return {"items": items[::-1], "nextCursor": next_cursor}


def _page_forward(session: Session, access: Access, after_change: int, limit: int) -> dict[str, Any]:
    after = readable_after(access)
    if after is None:
        return {"items": [], "nextCursor": None}
    items = list_changes(session, access.room.id, after_change, limit + 1, after)
    has_more = len(items) > limit
    items = items[:limit]
    return {"items": items, "nextCursor": encode_place(After(items[-1]["changeSeq"])) if has_more else None}


def _changes(room_id: str, after_change: int, after: int) -> Messages:
    return (
        select_messages()
        .where(Message.room_id == room_id, Message.change_seq > after_change, *_visible(after))
        .order_by(Message.change_seq)
    )


def _visible(after: int) -> list[ColumnElement[bool]]:
    """Only messages past number `after`; written so that the planner keeps to the index of the order that is asked for."""
    return [Message.seq + 0 > after] if after else []
