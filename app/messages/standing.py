"""What the database knows about the authors of a batch of drafts: asked in one statement, while the heads are locked."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import (
    ColumnElement,
    FromClause,
    Integer,
    Select,
    String,
    Uuid,
    and_,
    bindparam,
    case,
    func,
    or_,
    select,
    text,
)

from app.auth.models import User
from app.backends.bulk import Bulk
from app.backends.columns import Instant
from app.backends.prepared import Asked, Prepared
from app.core.actor import Actor
from app.messages.models import Message
from app.rooms.models import Ban, Guest, Membership, Role, Room

_DRAFTS = Bulk(
    "drafts",
    {
        "n": Integer(),
        "room_id": Uuid(as_uuid=False),
        "user_id": Uuid(as_uuid=False),
        "guest_id": Uuid(as_uuid=False),
        "client_message_id": String(),
        "reply_to": Uuid(as_uuid=False),
    },
)


class Draft(NamedTuple):
    """A message that somebody wants to write."""

    actor: Actor
    room_id: str
    content: str
    message_type: str = "text"
    client_message_id: str | None = None
    attachment_id: str | None = None
    reply_to: str | None = None

    @property
    def dedupe_key(self) -> tuple[str, str | None, str] | None:
        """Equal for the same message sent twice."""
        return (self.room_id, self.actor.id, self.client_message_id) if self.client_message_id else None


class Standing(NamedTuple):
    """The author's situation in the room, as committed.

    role:        None: neither member nor guest, or banned
    existing_id: the message that an earlier send with this `clientMessageId` wrote
    reply_seq:   the number of the message replied to, None when it is not in this room
    last_at:     in slow mode: when the author last wrote, if that was inside the slow interval
    """

    settings: dict[str, Any]
    role: Role | None
    direct_key: str | None
    muted_until: datetime | None
    joined_chat_seq: int
    username: str
    name: str
    existing_id: str | None
    reply_seq: int | None
    last_at: datetime | None


def ask_for_standings(dialect: str, drafts: list[Draft], now: datetime) -> Asked:
    """Finds the situation of each draft's author, for `standings_of`."""
    rows = [
        (n, d.room_id, d.actor.user_id, d.actor.guest_id, d.client_message_id, d.reply_to) for n, d in enumerate(drafts)
    ]
    return Asked(_QUERY, {**_DRAFTS.parameters(dialect, rows), "now": now})


def standings_of(drafts: list[Draft], rows: Iterable[Any]) -> list[Standing | None]:
    """The standing of each draft's author, in the order of the drafts; None where the room is not there."""
    found = {row.n: _standing(row) for row in rows}
    return [found.get(n) for n in range(len(drafts))]


def _standing(row: Any) -> Standing:
    role = None
    if row.ban_id is None and row.membership_role not in (None, "left"):
        role = Role[row.membership_role.upper()]
    elif row.ban_id is None and row.guest_name is not None and row.guest_removed_at is None:
        role = Role.GUEST
    is_guest = role is Role.GUEST
    return Standing(
        settings=row.settings,
        role=role,
        direct_key=row.direct_key,
        muted_until=row.guest_muted_until if is_guest else row.member_muted_until,
        joined_chat_seq=(row.guest_joined if is_guest else row.member_joined) or 0,
        username=row.guest_name if is_guest else row.username,
        name=row.guest_name if is_guest else row.user_name,
        existing_id=row.existing_id,
        reply_seq=row.reply_seq,
        last_at=row.last_at,
    )


def _query(dialect: str) -> Select[*tuple[Any, ...]]:
    draft = _DRAFTS.table(dialect)
    mine = or_(Message.user_id == draft.c.user_id, Message.guest_id == draft.c.guest_id)
    return (
        select(
            draft.c.n,
            Room.settings,
            Room.direct_key,
            Membership.role.label("membership_role"),
            Membership.muted_until.label("member_muted_until"),
            Membership.joined_chat_seq.label("member_joined"),
            Guest.name.label("guest_name"),
            Guest.removed_at.label("guest_removed_at"),
            Guest.muted_until.label("guest_muted_until"),
            Guest.joined_chat_seq.label("guest_joined"),
            Ban.id.label("ban_id"),
            User.username,
            User.name.label("user_name"),
            func.coalesce(
                _existing(draft, Message.user_id == draft.c.user_id),
                _existing(draft, Message.guest_id == draft.c.guest_id),
                type_=Uuid(as_uuid=False),
            ).label("existing_id"),
            select(Message.seq)
            .where(Message.id == draft.c.reply_to, Message.room_id == draft.c.room_id)
            .scalar_subquery()
            .label("reply_seq"),
            _last_at(dialect, draft, mine).label("last_at"),
        )
        .select_from(draft)
        .join(Room, and_(Room.id == draft.c.room_id, Room.deleted_at.is_(None)))
        .outerjoin(Membership, and_(Membership.room_id == Room.id, Membership.user_id == draft.c.user_id))
        .outerjoin(User, User.id == draft.c.user_id)
        .outerjoin(Guest, and_(Guest.room_id == Room.id, Guest.id == draft.c.guest_id))
        .outerjoin(
            Ban,
            and_(Ban.room_id == Room.id, or_(Ban.user_id == draft.c.user_id, Ban.guest_id == draft.c.guest_id)),
        )
    )


def _existing(draft: FromClause, by_author: ColumnElement[bool]) -> Any:
    same = Message.client_message_id == draft.c.client_message_id
    return select(Message.id).where(Message.room_id == draft.c.room_id, by_author, same).scalar_subquery()


def _last_at(dialect: str, draft: FromClause, mine: ColumnElement[bool]) -> Any:
    """Only looked for in slow mode, and only inside the slow interval: a short range of the page index."""
    slow_ms = Room.settings["slowModeMs"].as_integer()
    now = bindparam("now", type_=Instant())
    if dialect == "postgresql":
        since: Any = now - slow_ms * text("interval '1 millisecond'")
    else:
        since = now.op("-", return_type=Integer())(
            slow_ms
        )  # both in milliseconds: `type_coerce` would take `now` its form
    last = select(func.max(Message.created_at)).where(
        Message.room_id == draft.c.room_id, Message.created_at > since, mine
    )
    return case((slow_ms > 0, last.scalar_subquery()), else_=None)


_QUERY = Prepared(_query)
