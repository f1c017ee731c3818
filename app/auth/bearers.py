"""Who the verified tokens of this moment belong to, asked of the database for all of them together.

Ten thousand sockets that come back after a restart are ten thousand tokens at once.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import Select, Uuid, and_, select

from app.auth.guests import select_guests
from app.auth.models import Device, User
from app.auth.tokens import Claims
from app.backends.bulk import Bulk
from app.backends.gather import Gather
from app.backends.prepared import Prepared
from app.backends.transaction import reading
from app.core.actor import Actor

_ASKED = Bulk("asked", {"subject": Uuid(as_uuid=False), "belongs_to": Uuid(as_uuid=False)})

Found = dict[tuple[str, str], Actor | Exception | None]


def find_account_actor(claims: Claims) -> Actor | None:
    """The account of an access or socket token; None once its device was signed out."""
    return _accounts((claims.subject, str(claims.session_id)))


def find_guest_actor(claims: Claims) -> Actor | None:
    """The guest of a guest token; None once removed."""
    return _guests((claims.subject, str(claims.room_id)))


def _read_accounts(asked: list[tuple[str, str]]) -> Found:
    found: Found = dict.fromkeys(asked)
    with reading() as session:
        dialect = session.get_bind().dialect.name
        for row in _ACCOUNTS.rows(session, _ASKED.parameters(dialect, asked)):
            actor = Actor("user", row.id, row.username, row.name, row.device_id, is_operator=row.is_operator)
            found[row.id, row.device_id] = actor
    return found


def _read_guests(asked: list[tuple[str, str]]) -> Found:
    found: Found = dict.fromkeys(asked)
    with reading() as session:
        dialect = session.get_bind().dialect.name
        for row in _GUESTS.rows(session, _ASKED.parameters(dialect, asked)):
            found[row.id, row.room_id] = Actor("guest", row.id, row.name, row.name, room_id=row.room_id)
    return found


def _select_accounts(dialect: str) -> Select[*tuple[Any, ...]]:
    asked = _ASKED.table(dialect)
    device = and_(Device.id == asked.c.belongs_to, Device.user_id == asked.c.subject, Device.revoked_at.is_(None))
    columns = (User.id, User.username, User.name, User.is_operator, Device.id.label("device_id"))
    return select(*columns).select_from(asked).join(Device, device).join(User, User.id == Device.user_id)


def _select_guests(dialect: str) -> Select[*tuple[Any, ...]]:
    asked = _ASKED.table(dialect)
    return select_guests(asked, asked.c.subject, asked.c.belongs_to)


_ACCOUNTS, _GUESTS = Prepared(_select_accounts), Prepared(_select_guests)
_accounts: Gather[tuple[str, str], Actor | None] = Gather(_read_accounts)
_guests: Gather[tuple[str, str], Actor | None] = Gather(_read_guests)
