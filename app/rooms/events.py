"""What the rooms tell: to clients by numbered events, to workers and subscribers by internal ones that no client gets.

`room-updated`, `room-deleted` and `stage-update` are in the room's log, with who did it and a cause; so is every act of a host
upon a person, and somebody's leaving for good, as a `room-updated` whose cause says what and whose `before` says upon whom. A
worker that missed an `access-changed` and finds one of `ACCESS_CAUSES` in the log has to look at the seats of that room again.
"""

from __future__ import annotations

from typing import Any

from app.backends.transaction import Transaction
from app.core.actor import Actor
from app.core.event import Event, room_channel, user_channel
from app.rooms.models import Guest, Role, Room
from app.rooms.people import Person, person_of
from app.rooms.recording import record_action
from app.rooms.schemas import Reason, room_payload, stage_payload
from app.rooms.stream import append_room_event

ROOM_UPDATED = "room-updated"
ROOM_DELETED = "room-deleted"
STAGE_UPDATE = "stage-update"
STAGE_FLASH = "stage-flash"

ACCESS_CHANGED = "access-changed"
MEMBER_JOINED = "member-joined"
MEMBER_ADDED = "member-added"
ROOM_PURGED = "room-purged"

ACCESS_CAUSES = frozenset(
    {"removed", "banned", "left", "rotated", "deleted", "role", "muted", "private", "guests", "conversation"}
)


def log_update(
    work: Transaction,
    room: Room,
    actor: Actor,
    cause: str,
    before: dict[str, Any] | None = None,
    *,
    details: dict[str, Any] | None = None,
) -> None:
    """`room-updated`: the room without timers, plus `seq`."""
    append_room_event(
        work,
        room_id=room.id,
        name=ROOM_UPDATED,
        payload=room_payload(room),
        actor=actor,
        cause=cause,
        before=before,
        details=details,
    )


def log_deletion(work: Transaction, room: Room, actor: Actor) -> None:
    """`room-deleted`: `{roomId, seq}`."""
    append_room_event(
        work, room_id=room.id, name=ROOM_DELETED, payload={"roomId": room.id}, actor=actor, cause="deleted"
    )


def log_stage(work: Transaction, room: Room, actor: Actor, before: dict[str, Any]) -> int:
    """`stage-update`: the stage plus `roomId` and `seq`."""
    payload = {**stage_payload(room), "roomId": room.id}
    details = {"visible": room.stage["visible"], "blackout": room.stage["blackout"]}
    details["changed"] = sorted(key for key, value in stage_payload(room).items() if value != before[key])
    return append_room_event(
        work,
        room_id=room.id,
        name=STAGE_UPDATE,
        payload=payload,
        actor=actor,
        cause="stage",
        before=before,
        details=details,
    )


def flash_stage(work: Transaction, room: Room, actor: Actor) -> None:
    """`stage-flash`: `{roomId}`; who lags needs only the last one."""
    record_action(work, room_id=room.id, actor=actor, action="flash", event=STAGE_FLASH)
    work.emit(Event(STAGE_FLASH, room_channel(room.id), ({"roomId": room.id},), latest_key=STAGE_FLASH))


def change_access(
    work: Transaction, room_id: str, reason: Reason, *, user_id: str | None = None, guest_id: str | None = None
) -> None:
    """`access-changed` (internal): `{roomId, userId, guestId, reason}`: ask anew what that person may, seat by seat.

    Nobody named: everybody in the room is concerned (`rotated`: who was let in by the old token). `admitted`: it can only be
    more than before.
    """
    change = {"roomId": room_id, "userId": user_id, "guestId": guest_id, "reason": reason}
    work.emit(Event(ACCESS_CHANGED, room_channel(room_id), (change,), cause=reason))


def tell_joined(work: Transaction, room_id: str, person: Person | Guest, role: Role, by: Actor) -> None:
    """`member-joined` (internal): `{roomId, user: {id, username, name, isGuest}, role, byId}`; `byId` is who let them in."""
    user = {
        "id": person.id,
        "username": person.name if isinstance(person, Guest) else person.username,
        "name": person.name,
        "isGuest": isinstance(person, Guest),
    }
    joined = {"roomId": room_id, "user": user, "role": role.wire, "byId": by.id}
    work.emit(Event(MEMBER_JOINED, room_channel(room_id), (joined,), cause=MEMBER_JOINED))


def tell_added(work: Transaction, room: Room, user_id: str, role: Role, by: Actor) -> None:
    """`member-added` (internal): `{roomId, roomName, isDirect, userId, role, from: {id, username, name} or null}`."""
    inviter = person_of(by)
    added = {
        "roomId": room.id,
        "roomName": room.name,
        "isDirect": room.direct_key is not None,
        "userId": user_id,
        "role": role.wire,
        "from": inviter.to_wire() if inviter else None,
    }
    work.emit(Event(MEMBER_ADDED, user_channel(user_id), (added,), cause=MEMBER_ADDED))


def tell_purged(work: Transaction, room_id: str) -> None:
    """`room-purged` (internal): `{roomId}`, before its rows are deleted: for what is kept outside the database."""
    work.emit(Event(ROOM_PURGED, room_channel(room_id), ({"roomId": room_id},), cause=ROOM_PURGED))
