"""Lines that nobody typed: people joining, timers starting and finishing, what the stage shows.

They are written inside the transaction of what they tell of, all at its end, so a line is there if and only if it happened;
what a host undoes has not, and its lines are withdrawn: they keep their places, without their texts, as deleted messages do.
`settings.systemMessages` false: none; what the stage shows is kept all the same, for it was said to everybody.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from app.backends.prepared import ask
from app.backends.transaction import Transaction, database
from app.core.event import Event
from app.messages.changing import change_message
from app.messages.events import message_deleted, message_received
from app.messages.models import CONTENT_MAX, Message
from app.messages.payloads import load_payloads, message_payload, select_messages
from app.messages.sending import insertion_of, new_row
from app.rooms.models import Room, RoomEvent
from app.rooms.stream import ask_to_lock_heads

STARTS = ("start", "next")
TIMER_UPDATE, TIMER_FINISHED = "timer-update", "timer-finished"


class _Line(NamedTuple):
    room_id: str
    content: str
    message_type: str
    user_id: str | None = None


def subscribe() -> None:
    """Hear of timers, members and the stage."""
    for name, listener in (
        (TIMER_UPDATE, on_timer_update),
        (TIMER_FINISHED, on_timer_finished),
        ("member-joined", on_member_joined),
        ("stage-update", on_stage_update),
    ):
        database.subscribe(name, listener)


def on_timer_update(work: Transaction, event: Event) -> None:
    """A timer was started, by somebody, by its time, or after the one before; going on after a pause is no start."""
    timer, before = event.args[0], event.before or {}
    if event.cause == "undo" and "undoes" in before:
        work.gather(_withdraw_lines, (timer["roomId"], before["undoes"]))
    if event.cause not in STARTS or timer["state"] != "running":
        return
    if before.get("timer", {}).get("state") != "paused":
        _system_line(work, timer["roomId"], _started(timer))


def on_timer_finished(work: Transaction, event: Event) -> None:
    """A timer's run ended."""
    timer = event.args[0]
    _system_line(work, timer["roomId"], _finished(timer))


def on_member_joined(work: Transaction, event: Event) -> None:
    """An account became a member; guests come and go without a line."""
    joined = event.args[0]
    if not joined["user"]["isGuest"]:
        _system_line(work, joined["roomId"], f"{joined['user']['name']} joined.")


def on_stage_update(work: Transaction, event: Event) -> None:
    """The stage shows a new text: kept as a line of the host who put it there."""
    stage = event.args[0]
    if not (stage["visible"] and stage["text"].strip()):
        return
    before = event.before or {}
    if (before.get("visible"), before.get("text")) != (True, stage["text"]):
        logged = work.session.get_one(RoomEvent, (stage["roomId"], event.seq))
        work.gather(_write_lines, _Line(stage["roomId"], stage["text"].strip(), "stage", logged.actor_id))


def _started(timer: dict[str, Any]) -> str:
    return f"“{timer['title']}” started."


def _finished(timer: dict[str, Any]) -> str:
    return f"“{timer['title']}” finished."


def _system_line(work: Transaction, room_id: str, content: str) -> None:
    if work.session.get_one(Room, room_id).setting("systemMessages"):
        work.gather(_write_lines, _Line(room_id, content, "system"))


def _write_lines(work: Transaction, lines: list[_Line]) -> None:
    (locked,) = ask(work.session, ask_to_lock_heads(database.dialect, (line.room_id for line in lines)))
    heads = {row.room_id: row.chat_seq for row in locked}
    rows = []
    for line in lines:
        seq = heads[line.room_id] = heads[line.room_id] + 1
        values = {**line._asdict(), "content": line.content[:CONTENT_MAX], "author_name": ""}
        rows.append(new_row(seq=seq, created_at=work.now, **values))
    work.write_last(*insertion_of(rows))
    authored = [row.id for row in rows if row.user_id]
    if authored:
        work.flush_last()
    known = load_payloads(work.session, select_messages().where(Message.id.in_(authored))) if authored else []
    by_id = {message["id"]: message for message in known}
    for row in rows:
        work.emit(message_received(by_id.get(row.id) or message_payload(row, None, None)))


def _withdraw_lines(work: Transaction, undone: list[tuple[str, int]]) -> None:
    """Take back what was said of the rooms' events with these numbers. Their heads are locked: nobody else changes a line."""
    for key in sorted(undone):
        event = work.session.get_one(RoomEvent, key)
        content = (_finished if event.type == TIMER_FINISHED else _started)(event.payload)
        said = select_messages().where(
            Message.room_id == event.room_id,
            Message.created_at == event.created_at,
            Message.message_type == "system",
            Message.content == content,
        )
        for line in load_payloads(work.session, said.order_by(Message.seq)):
            withdrawn = change_message(work, line, content="", deleted_at=work.now)
            seq = withdrawn["changeSeq"]
            work.emit(message_deleted(room_id=line["roomId"], message_id=line["id"], change_seq=seq))
