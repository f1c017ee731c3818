"""What is meant for one person: mentions by `@username`, direct messages, invitations."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, cast

from sqlalchemy import String, Table, Uuid, and_, insert, or_, select

from app.auth.models import User
from app.auth.names import username_at_start
from app.backends.bulk import Bulk
from app.backends.columns import Instant
from app.backends.transaction import Transaction, database
from app.core.clock import to_wire
from app.core.event import Event
from app.core.ids import new_id
from app.messages import events
from app.messages.models import Notification, NotificationKind
from app.messages.payloads import Payload
from app.rooms.models import Membership

MENTIONS_PER_MESSAGE = 20
_MENTION = re.compile(r"(?<![\w@./-])@([^\s@]{1,40})")


@dataclass(frozen=True, slots=True)
class Wish:
    """Somebody to be told, by user name or by id; told only if it is a member of the room and not the author."""

    kind: NotificationKind
    room_id: str
    message_id: str | None
    author: Payload
    username: str | None = None
    user_id: str | None = None


_TABLE = cast("Table", Notification.__table__)
_WISHES = Bulk(
    "wishes",
    {
        "id": Uuid(as_uuid=False),
        "kind": String(),
        "room_id": Uuid(as_uuid=False),
        "message_id": Uuid(as_uuid=False),
        "from_id": Uuid(as_uuid=False),
        "from_name": String(),
        "username": String(),
        "user_id": Uuid(as_uuid=False),
        "created_at": Instant(),
    },
)


def subscribe() -> None:
    """Hear of invitations."""
    database.subscribe("member-added", on_member_added)


def mentioned(content: str) -> list[str]:
    """The user names that `content` mentions, in lower case, each once, at most `MENTIONS_PER_MESSAGE`."""
    names = (username_at_start(match.group(1)).rstrip(".-").lower() for match in _MENTION.finditer(content))
    return list(dict.fromkeys(name for name in names if name))[:MENTIONS_PER_MESSAGE]


def wishes_of(message: Payload, *, direct_key: str | None) -> list[Wish]:
    """Whom a new message should be told to: in a direct room the other one, elsewhere the mentioned."""
    author = message["user"]
    if direct_key is not None:
        others = [ident for ident in direct_key.split(":") if ident != author["id"]]
        return [Wish("direct", message["roomId"], message["id"], author, user_id=ident) for ident in others]
    names = mentioned(message["content"]) if "@" in message["content"] else []
    return [Wish("mention", message["roomId"], message["id"], author, username=name) for name in names]


def on_member_added(work: Transaction, event: Event) -> None:
    """Somebody else let an account into a room: an invitation; the first word in a direct room comes as `direct`."""
    added = event.args[0]
    inviter = added["from"]
    if inviter is None or inviter["id"] == added["userId"] or added["isDirect"]:
        return
    author = {**inviter, "isGuest": False}
    write_notifications(work, [Wish("invite", added["roomId"], None, author, user_id=added["userId"])])


def write_notifications(work: Transaction, wishes: Sequence[Wish]) -> None:
    """Keep and emit the notifications of `wishes`, in one statement; none for whom it is not meant."""
    if not wishes:
        return
    dialect = work.session.get_bind().dialect.name
    by_id = {new_id(): wish for wish in wishes}
    rows = [
        (ident, w.kind, w.room_id, w.message_id, w.author["id"], w.author["name"], w.username, w.user_id, work.now)
        for ident, w in by_id.items()
    ]
    told = work.session.execute(_insert(dialect), _WISHES.parameters(dialect, rows)).all()
    for ident, user_id in sorted(told):
        payload = _payload(ident, by_id[ident], to_wire(work.now))
        work.emit(events.notification(user_id, payload))


def _payload(ident: str, wish: Wish, created_at: str) -> Payload:
    payload = {
        "id": ident,
        "kind": wish.kind,
        "roomId": wish.room_id,
        "messageId": wish.message_id,
        "from": wish.author,
        "createdAt": created_at,
    }
    return payload if wish.message_id else {key: value for key, value in payload.items() if key != "messageId"}


@lru_cache
def _insert(dialect: str) -> Any:
    wish = _WISHES.table(dialect)
    source = (
        select(
            wish.c.id,
            User.id.label("user_id"),
            wish.c.kind,
            wish.c.room_id,
            wish.c.message_id,
            wish.c.from_id,
            wish.c.from_name,
            wish.c.created_at,
        )
        .select_from(wish)
        .join(User, or_(User.username == wish.c.username, User.id == wish.c.user_id))
        .join(Membership, and_(Membership.room_id == wish.c.room_id, Membership.user_id == User.id))
        .where(Membership.role != "left", or_(wish.c.from_id.is_(None), User.id != wish.c.from_id))
    )
    names = ["id", "user_id", "kind", "room_id", "message_id", "from_id", "from_name", "created_at"]
    return insert(_TABLE).from_select(names, source).returning(_TABLE.c.id, _TABLE.c.user_id)
