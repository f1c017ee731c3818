"""People with a nickname and no account, in one room."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from secrets import SystemRandom

from sqlalchemy import select, union_all
from sqlalchemy.orm import Session

from app.backends.handles import handles
from app.backends.insert import insert_unless_exists
from app.backends.limits import Rate
from app.backends.transaction import reading, transaction
from app.core.actor import Actor
from app.core.clock import to_wire
from app.core.errors import AppError
from app.core.ids import is_id, new_id
from app.core.lines import one_line
from app.core.spelling import name_key, normal
from app.rooms.access import require_role
from app.rooms.events import change_access, log_update, tell_joined
from app.rooms.models import Guest, Membership, Role, RoomHead
from app.rooms.people import people
from app.rooms.schemas import Reason
from app.web.cursor import PAGE_SIZE, Page, cut_page, newer_than

MAX_NAME_LENGTH = 40
MAX_SAME_NAMES = 9_999
NUMBERS_IN_ORDER = 20
NUMBERS_AT_RANDOM = 16
_chance = SystemRandom()


@dataclass(frozen=True, slots=True)
class PublicGuest:
    """A guest as those see it who manage nobody: whether it is muted is between it and the hosts."""

    id: str
    name: str
    created_at: datetime


def admit_guest(*, actor: Actor, ref: str, name: str) -> Guest:
    """Let somebody in under a nickname; if it is taken in this room, a number is put behind it (`Ada 2`).

    A crowd at one door must get in without guessing names, and nobody may pass for a member.

    Raises:
        AppError: `room_not_found`, `banned`, `guests_not_allowed`, `rate_limited`, `already_taken` (with nearly
            every number up to `MAX_SAME_NAMES`).
    """
    with transaction() as work:
        room = require_role(work.session, actor=actor, ref=ref).room
        if not room.setting("guests"):
            raise AppError("guests_not_allowed")
        _limit(room.id)
        guest_id = new_id()
        chat_seq = select(RoomHead.chat_seq).where(RoomHead.room_id == room.id).scalar_subquery()
        for free_name in _free_names(work.session, room.id, one_line(name)):
            if insert_unless_exists(
                work.session,
                Guest,
                id=guest_id,
                room_id=room.id,
                name=free_name,
                name_key=name_key(free_name),
                joined_chat_seq=chat_seq,
                created_at=work.now,
            ):
                break
        else:
            raise AppError("already_taken")
        guest = work.session.get_one(Guest, guest_id)
        tell_joined(work, room.id, guest, Role.GUEST, by=actor)
    return guest


def list_guests(
    *, actor: Actor, ref: str, cursor: str | None = None, limit: int = PAGE_SIZE
) -> Page[Guest | PublicGuest]:
    """The guests, in the order in which they came; until when they are muted, hosts see of all, others of themselves.

    Raises:
        AppError: `room_not_found`, `banned`, `bad_cursor`.
    """
    with reading() as session:
        access = require_role(session, actor=actor, ref=ref)
        statement = select(Guest).where(Guest.room_id == access.room.id, Guest.removed_at.is_(None))
        if cursor:
            statement = statement.where(newer_than(cursor, Guest.created_at, Guest.id))
        guests = session.scalars(statement.order_by(Guest.created_at, Guest.id).limit(limit + 1)).all()
        page = cut_page(guests, limit, lambda guest: (guest.created_at, guest.id))
    seen = [
        guest if access.role >= Role.HOST or guest.id == actor.guest_id else _as_others_see(guest)
        for guest in page.items
    ]
    return Page(seen, page.next_cursor)


def mute_guest(*, actor: Actor, room_id: str, guest_id: str, muted_until: datetime | None) -> Guest:
    """Let a guest not write until then; None: let them again.

    Raises:
        AppError: `room_not_found`, `banned`, `unauthenticated`, `forbidden`, `guest_not_found`.
    """
    with transaction() as work:
        room = require_role(work.session, actor=actor, ref=room_id, need=Role.HOST).room
        guest = find_guest(work.session, room.id, guest_id)
        if guest.muted_until != muted_until:
            before = {"guestId": guest.id, "mutedUntil": to_wire(guest.muted_until) if guest.muted_until else None}
            guest.muted_until = muted_until
            change_access(work, room.id, "muted", guest_id=guest.id)
            until = to_wire(muted_until) if muted_until else None
            log_update(work, room, actor, "muted", before, details={"mutedUntil": until})
    return guest


def remove_guest(*, actor: Actor, room_id: str, guest_id: str) -> None:
    """Take a guest out: by a host, or by the guest itself.

    Raises:
        AppError: `room_not_found`, `banned`, `unauthenticated`, `forbidden`, `guest_not_found`.
    """
    is_own = guest_id == actor.guest_id
    with transaction() as work:
        access = require_role(work.session, actor=actor, ref=room_id, need=Role.GUEST if is_own else Role.HOST)
        guest = find_guest(work.session, access.room.id, guest_id)
        guest.removed_at = work.now
        reason: Reason = "left" if is_own else "removed"
        change_access(work, access.room.id, reason, guest_id=guest.id)
        log_update(work, access.room, actor, reason, {"guestId": guest.id, "name": guest.name})


def find_guest(session: Session, room_id: str, guest_id: str) -> Guest:
    """A guest that is in the room.

    Raises:
        AppError: `guest_not_found`.
    """
    guest = session.get(Guest, guest_id) if is_id(guest_id) else None
    if guest is None or guest.room_id != room_id or guest.removed_at is not None:
        raise AppError("guest_not_found")
    return guest


def _as_others_see(guest: Guest) -> PublicGuest:
    return PublicGuest(guest.id, guest.name, guest.created_at)


def _free_names(session: Session, room_id: str, name: str) -> Iterator[str]:
    """`name`, `name 2`, `name 3` … without those that are taken at the moment; cut where a number would not fit.

    In order at first; behind those a few at random of each length, so that a crowd of one name costs no more than a few people.
    """
    for numbers in (range(1, NUMBERS_IN_ORDER + 1), _far_numbers()):
        candidates = [_numbered(name, number) for number in numbers]
        taken = _taken(session, room_id, {form for candidate in candidates for form in _forms(candidate)})
        yield from (candidate for candidate in candidates if not taken & _forms(candidate))


def _numbered(name: str, number: int) -> str:
    suffix = f" {number}" if number > 1 else ""
    return name[: MAX_NAME_LENGTH - len(suffix)] + suffix


def _far_numbers() -> list[int]:
    ranges = (range(NUMBERS_IN_ORDER + 1, 100), range(100, 1_000), range(1_000, MAX_SAME_NAMES + 1))
    return [number for some in ranges for number in _chance.sample(some, NUMBERS_AT_RANDOM)]


def _forms(name: str) -> set[str]:
    """What of guests and members must not be equal: the key, and the name as usernames are kept."""
    return {name_key(name), normal(name, "NFKC").lower()}


def _taken(session: Session, room_id: str, forms: set[str]) -> set[str]:
    """Those of `forms` that a guest, or a member by either name, has in the room."""
    members = select(Membership.user_id).where(Membership.room_id == room_id, Membership.role != "left")
    guests = select(Guest.name_key).where(
        Guest.room_id == room_id, Guest.removed_at.is_(None), Guest.name_key.in_(forms)
    )
    names = select(people.c.name_key).where(people.c.name_key.in_(forms), people.c.id.in_(members))
    usernames = select(people.c.username).where(people.c.username.in_(forms), people.c.id.in_(members))
    return set(session.scalars(union_all(guests, names, usernames)))


def _limit(room_id: str) -> None:
    """One room lets in only so many guests, from however many addresses.

    Raises:
        AppError: `rate_limited`.
    """
    wait_ms = handles.limits.take(f"guests:{room_id}", Rate(*handles.settings.room_guest_rate))
    if wait_ms:
        raise AppError("rate_limited", retry_after_ms=wait_ms)
