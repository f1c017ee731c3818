"""A room as one reader may see it at one position: read together for all who join at the same moment.

Rule: rights first, then the heads, then what the heads number. What readers of the same room, position and rights get is read
and encoded once for all of them.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import orjson
from sqlalchemy.orm import Session

from app.backends.gather import Gather
from app.backends.transaction import reading
from app.core.actor import Actor
from app.core.errors import AppError
from app.core.event import Event
from app.live.repair import Heads, reached, read_heads
from app.live.resume import missed_events
from app.live.state import Position, complete_state, states
from app.messages.service import recent_messages
from app.rooms.access import Access, find_accesses, readable_after

LAST_MESSAGES = 50
STATES, LISTS = 3, 2  # in `room-state`, `room-joined` and the ack; in the latter two


@dataclass(frozen=True, slots=True)
class Question:
    """What a joiner asks: the room by its id or share token, and the position it comes with."""

    actor: Actor
    ref: str
    asked: Position | None = None


@dataclass(frozen=True, slots=True)
class View:
    """What all readers with the same rights and position get.

    encoded:  the room's state as JSON, without what differs by reader and moment
    missed:   what happened since the position that was asked; None: everything is given anew, the last messages with it
    recent:   these last messages
    messages: the same as a JSON list
    bytes_out: what telling all this takes, about: a join's events and its ack repeat the state and the messages
    """

    position: Position
    encoded: bytes
    missed: list[Event] | None
    recent: list[dict[str, Any]]
    messages: orjson.Fragment
    bytes_out: int


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A view, and what its reader may in the room."""

    access: Access
    view: View

    def state(self, user_count: int) -> orjson.Fragment:
        """The room state, encoded already, to be sent as it is."""
        return orjson.Fragment(complete_state(self.view.encoded, self.access, self.view.position, user_count))


def read_snapshots(questions: list[Question]) -> dict[Question, Snapshot | Exception]:
    """A snapshot for each question, or `room_not_found` or `banned`."""
    answers: dict[Question, Snapshot | Exception] = {}
    views: dict[object, View] = {}
    with reading() as session:
        found = find_accesses(session, [(question.actor, question.ref) for question in questions])
        rooms = {access.room.id for access in found.values() if isinstance(access, Access)}
        heads = read_heads(session, rooms)
        for question in questions:
            access = found[question.actor, question.ref]
            if not isinstance(access, Access) or access.room.id not in heads:
                answers[question] = access if isinstance(access, AppError) else AppError("room_not_found")
                continue
            key = access.room.id, question.asked, access.reads_chat, readable_after(access)
            if key not in views:
                views[key] = _view(session, access, heads[access.room.id], question.asked)
            answers[question] = Snapshot(access, views[key])
    return answers


def _view(session: Session, access: Access, head: Heads, asked: Position | None) -> View:
    position = Position(head.epoch, head.room, head.chat if access.reads_chat else 0)
    missed = missed_events(session, access, asked, position)
    chat = [event for event in missed or () if event.stream == "chat"]
    position = replace(position, chat=reached(position.chat, chat))
    wants_messages = access.reads_chat and missed is None
    recent = recent_messages(session, access, LAST_MESSAGES) if wants_messages else []
    state = states.get(session, access.room, position)
    messages = orjson.dumps(recent)
    again = sum(len(orjson.dumps(event.args)) for event in missed or ())
    bytes_out = STATES * len(state) + LISTS * len(messages) + again
    return View(position, state, missed, recent, orjson.Fragment(messages), bytes_out)


take_snapshot: Gather[Question, Snapshot] = Gather(read_snapshots)
