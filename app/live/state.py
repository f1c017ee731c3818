"""The state of a room as every viewer sees it: encoded once per position, only the last fields filled in per answer.

Rule: the head is read before what it numbers. What is read may then be newer than the head says, never older, so that applying
the events after the head again does no harm.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass

import orjson
from sqlalchemy import select
from sqlalchemy.orm import Session

from app.backends.handles import handles
from app.core.clock import to_wire
from app.rooms.access import Access
from app.rooms.models import Role, Room, RoomHead
from app.rooms.service import room_payload, stage_payload
from app.timers.events import timer_to_wire
from app.timers.service import list_timers

KEPT_STATES = 2_000


@dataclass(frozen=True, slots=True)
class Position:
    """Where a reader is in a room's streams; `chat` is 0 for who may not read the conversation."""

    epoch: str
    room: int
    chat: int

    def to_wire(self) -> dict[str, str | int]:
        """The wire form: `{epoch, room, chat}`."""
        return {"epoch": self.epoch, "room": self.room, "chat": self.chat}

    @property
    def etag(self) -> str:
        """The position as an opaque tag."""
        return f"{self.epoch}.{self.room}.{self.chat}"


class StateCache:
    """The encoded room states of this process, least recently used out first. Losing it costs only time."""

    def __init__(self) -> None:
        self._encoded: OrderedDict[tuple[str, str, int], bytes] = OrderedDict()

    def get(self, session: Session, room: Room, head: Position) -> bytes:
        """The state of `room` at `head`, as JSON without its closing brace."""
        key = (room.id, head.epoch, head.room)
        encoded = self._encoded.get(key)
        if encoded is None:
            encoded = self._encoded[key] = encode_state(session, room)
            if len(self._encoded) > KEPT_STATES:
                self._encoded.popitem(last=False)
        self._encoded.move_to_end(key)
        return encoded

    def clear(self) -> None:
        """Forget everything."""
        self._encoded.clear()


def encode_state(session: Session, room: Room) -> bytes:
    """The part of a room's state that its position determines: JSON without the closing brace."""
    session.refresh(room)  # it was read to find the rights, before the head
    timers = [timer_to_wire(timer) for timer in list_timers(session, room.id)]
    return orjson.dumps({**room_payload(room), "timers": timers, "stage": stage_payload(room)})[:-1]


def read_head(session: Session, room_id: str, *, reads_chat: bool) -> Position:
    """The room's newest numbers, as far as the reader may know them."""
    row = session.execute(
        select(RoomHead.epoch, RoomHead.room_seq, RoomHead.chat_seq).where(RoomHead.room_id == room_id)
    ).one()
    return Position(row.epoch, row.room_seq, row.chat_seq if reads_chat else 0)


def complete_state(encoded: bytes, access: Access, position: Position, user_count: int) -> bytes:
    """The room state for one reader, as JSON: what the cache holds plus what differs by reader and moment."""
    return encoded + rest_of_state(access, position, user_count)


def rest_of_state(access: Access, position: Position, user_count: int) -> bytes:
    """What `complete_state` adds."""
    rest: dict[str, object] = {
        "position": position.to_wire(),
        "userCount": user_count,
        "serverNow": to_wire(handles.clock.now()),
    }
    if may_share(access):
        rest["shareToken"] = access.room.share_token
    return b"," + orjson.dumps(rest)[1:]


def rest_of_crowd_state(position: Position) -> bytes:
    """What is added for everybody: only what the position determines, so that its tag and caches hold."""
    return b"," + orjson.dumps({"position": position.to_wire()})[1:]


def may_share(access: Access) -> bool:
    """Whether the share token may be shown: to whoever presented it, and to who may invite viewers."""
    return access.by_token or access.role >= Role.HOST


states = StateCache()
