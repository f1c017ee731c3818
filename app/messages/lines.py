"""Lines that nobody typed: people joining, timers starting and finishing, what the stage shows.

They are written inside the transaction of what they tell of, so a line is there if and only if it happened.
`settings.systemMessages` false: none; what the stage shows is kept all the same, for it was said to everybody.
"""

from __future__ import annotations

from app.backends.transaction import Transaction, database
from app.core.event import Event
from app.core.ids import new_id
from app.messages.events import message_received
from app.messages.models import CONTENT_MAX, Message
from app.messages.payloads import load_payloads, select_messages
from app.rooms.models import Room, RoomEvent
from app.rooms.stream import raise_chat

STARTS = ("start", "next")


def subscribe() -> None:
    """Hear of timers, members and the stage."""
    for name, listener in (
        ("timer-update", on_timer_update),
        ("timer-finished", on_timer_finished),
        ("member-joined", on_member_joined),
        ("stage-update", on_stage_update),
    ):
        database.subscribe(name, listener)


def on_timer_update(work: Transaction, event: Event) -> None:
    """A timer was started, by somebody, by its time, or after the one before; going on after a pause is no start."""
    timer = event.args[0]
    if event.cause not in STARTS or timer["state"] != "running":
        return
    before = (_logged(work, timer["roomId"], event).before or {}).get("timer", {})
    if before.get("state") != "paused":
        _system_line(work, timer["roomId"], f"“{timer['title']}” started.")


def on_timer_finished(work: Transaction, event: Event) -> None:
    """A timer's run ended."""
    timer = event.args[0]
    _system_line(work, timer["roomId"], f"“{timer['title']}” finished.")


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
    logged = _logged(work, stage["roomId"], event)
    before = logged.before or {}
    if (before.get("visible"), before.get("text")) != (True, stage["text"]):
        _write_line(work, stage["roomId"], stage["text"].strip(), "stage", user_id=logged.actor_id)


def _logged(work: Transaction, room_id: str, event: Event) -> RoomEvent:
    return work.session.get_one(RoomEvent, (room_id, event.seq))


def _system_line(work: Transaction, room_id: str, content: str) -> None:
    if work.session.get_one(Room, room_id).setting("systemMessages"):
        _write_line(work, room_id, content, "system")


def _write_line(
    work: Transaction, room_id: str, content: str, message_type: str, *, user_id: str | None = None
) -> None:
    seq = raise_chat(work.session, room_id)
    line = Message(
        id=new_id(),
        room_id=room_id,
        seq=seq,
        change_seq=seq,
        user_id=user_id,
        author_name="",
        content=content[:CONTENT_MAX],
        message_type=message_type,
        created_at=work.now,
    )
    work.session.add(line)
    work.session.flush()
    (message,) = load_payloads(work.session, select_messages().where(Message.id == line.id))
    work.emit(message_received(message))
