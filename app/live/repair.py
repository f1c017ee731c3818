"""What the database says about the streams of rooms: their heads, and the events between two numbers.

Rule: the head is read before the rows. A row lock makes commit order equal number order, so every row up to a head that
was read can be read after it.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import Row, select
from sqlalchemy.orm import Session

from app.backends.handles import handles
from app.backends.many import among
from app.core.clock import to_wire
from app.core.event import Event, room_channel
from app.messages.events import message_deleted, message_edited, message_received
from app.messages.service import list_changes
from app.rooms.events import ACCESS_CAUSES, ACCESS_CHANGED
from app.rooms.models import RoomEvent, RoomHead

PAGE = 500


@dataclass(frozen=True, slots=True)
class Heads:
    """The newest number of each stream of a room; `epoch` changes when the numbering was restarted."""

    epoch: str
    room: int
    chat: int


def read_heads(session: Session, room_ids: Collection[str]) -> dict[str, Heads]:
    """The heads of these rooms in one query; a room that is gone is missing from the answer."""
    query = select(RoomHead.room_id, RoomHead.epoch, RoomHead.room_seq, RoomHead.chat_seq)
    rows = session.execute(query.where(among(session, RoomHead.room_id, room_ids)))
    return {row.room_id: Heads(row.epoch, row.room_seq, row.chat_seq) for row in rows}


def room_events(session: Session, room_id: str, after: int, head: int) -> list[Event]:
    """The room stream's events with `after` < number ≤ `head`, from its log; `serverNow` is the moment of the telling."""
    channel = room_channel(room_id)
    now = {"serverNow": to_wire(handles.clock.now())}
    rows = _log(session, room_id, after, head)
    payloads = [{**row.payload, **now} if "serverNow" in row.payload else row.payload for row in rows]
    return [
        Event(row.type, channel, (payload,), "room", row.seq, row.cause)
        for row, payload in zip(rows, payloads, strict=True)
    ]


def access_changes(session: Session, room_id: str, after: int, head: int) -> list[Event]:
    """`access-changed` again for each change of somebody's rights that the log has between two numbers."""
    rows = [row for row in _log(session, room_id, after, head) if row.cause in ACCESS_CAUSES]
    changes: list[Event] = []
    for row in rows:
        before = row.before or {}
        changes.append(_access_changed(room_id, row.cause, before))
        if "ownerId" in before:  # handed over: the new owner's rights are others as well
            changes.append(_access_changed(room_id, row.cause, {"userId": row.payload["ownerId"]}))
    return changes


def chat_events(session: Session, room_id: str, after: int, head: int) -> list[Event]:
    """The conversation's changes since number `after`: each message once, as it is now, so perhaps newer than `head`.

    What is newer belongs in: the message may have been written before `head`, and then no other event brings it.
    """
    events: list[Event] = []
    read_to = after
    is_whole = head <= after
    while not is_whole:
        page = list_changes(session, room_id, read_to, PAGE)
        events += [change_event(message, after=after) for message in page]
        read_to = page[-1]["changeSeq"] if page else read_to
        is_whole = len(page) < PAGE
    return events


def change_event(message: dict[str, Any], *, after: int) -> Event:
    """The event that tells a reader at `after` of the chat stream what has become of a message since."""
    if message["deletedAt"] is not None:
        return message_deleted(room_id=message["roomId"], message_id=message["id"], change_seq=message["changeSeq"])
    return message_received(message) if message["seq"] > after else message_edited(message)


def missed_events(session: Session, room_id: str, *, after: Heads, head: Heads) -> tuple[list[Event], Heads]:
    """What to deliver after a position, and the position that is reached by it: `head`, or later.

    The events of both streams, and the changes of rights among them.
    """
    changes = room_events(session, room_id, after.room, head.room)
    if any(event.cause in ACCESS_CAUSES for event in changes):
        changes += access_changes(session, room_id, after.room, head.room)
    chat = chat_events(session, room_id, after.chat, head.chat)
    return [*changes, *chat], replace(head, chat=reached(head.chat, chat))


def reached(head: int, chat: Sequence[Event]) -> int:
    """Where a reader of the conversation is who has these changes and all up to `head`.

    One statement found them, and numbers are committed in their order: nothing below the last of them is missing.
    """
    return max(head, *(event.seq or 0 for event in chat)) if chat else head


def _log(session: Session, room_id: str, after: int, head: int) -> Sequence[Row[Any]]:
    if head <= after:
        return []
    query = select(RoomEvent.seq, RoomEvent.type, RoomEvent.payload, RoomEvent.cause, RoomEvent.before)
    here = RoomEvent.room_id == room_id
    return session.execute(
        query.where(here, RoomEvent.seq > after, RoomEvent.seq <= head).order_by(RoomEvent.seq)
    ).all()


def _access_changed(room_id: str, reason: str, upon: dict[str, Any]) -> Event:
    change = {"roomId": room_id, "userId": upon.get("userId"), "guestId": upon.get("guestId"), "reason": reason}
    return Event(ACCESS_CHANGED, room_channel(room_id), (change,), cause=reason)
