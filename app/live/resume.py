"""What a reader missed since a position: the room's log replayed, the conversation repaired from the messages themselves.

`chat` gives each message changed since, once, in the order of its last change, as it is now. More than `MAX_MISSED` of
either, a position older than the log, another epoch or no right to the conversation: the reader starts anew.
"""

from __future__ import annotations

from sqlalchemy.orm import Session

from app.core.event import Event
from app.live.repair import change_event, room_events
from app.live.state import Position
from app.messages.service import list_changes
from app.rooms.access import Access, readable_after

MAX_MISSED = 300


def missed_events(session: Session, access: Access, asked: Position | None, head: Position) -> list[Event] | None:
    """All that happened after `asked` up to `head`, in order; None when the reader must start anew."""
    if asked is None or asked.epoch != head.epoch or asked.room > head.room or asked.chat > head.chat:
        return None
    if head.room - asked.room > MAX_MISSED:
        return None
    changes = room_events(session, access.room.id, asked.room, head.room)
    # Every number of the room's stream is in the log until it is pruned: one missing means that the log begins later.
    if len(changes) < head.room - asked.room:
        return None
    chat = _chat_events(session, access, asked.chat, head.chat)
    return None if chat is None else [*changes, *chat]


def _chat_events(session: Session, access: Access, after: int, head: int) -> list[Event] | None:
    joined = readable_after(access)
    if after == head or joined is None:
        return []
    changes = list_changes(session, access.room.id, after, MAX_MISSED + 1, joined)
    return None if len(changes) > MAX_MISSED else [change_event(message, after=after) for message in changes]
