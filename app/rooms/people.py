"""The little of an account that others may see: who it is. The table is named by string, as foreign keys name it."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import String, Uuid, column, select, table
from sqlalchemy.orm import Session

from app.core.actor import Actor
from app.core.errors import AppError
from app.core.ids import is_id

people = table(
    "users",
    column("id", Uuid(as_uuid=False)),
    column("username", String()),
    column("email", String()),
    column("name", String()),
    column("name_key", String()),
)


@dataclass(frozen=True, slots=True)
class Person:
    """An account as others see it."""

    id: str
    username: str
    name: str

    def to_wire(self) -> dict[str, str]:
        """As on the wire: `{id, username, name}`."""
        return {"id": self.id, "username": self.username, "name": self.name}


def person_of(actor: Actor) -> Person | None:
    """Who `actor` is; None for whoever has no account."""
    return Person(actor.user_id, actor.username, actor.name) if actor.user_id else None


def find_person(
    session: Session, *, user_id: str | None = None, email: str | None = None, username: str | None = None
) -> Person:
    """The account with that id, email or username; the first that is given counts.

    Raises:
        AppError: `user_not_found`.
    """
    if user_id is not None:
        condition = people.c.id == (user_id if is_id(user_id) else None)
    elif email is not None:
        condition = people.c.email == email.lower()
    else:
        condition = people.c.username == (username or "").lower()
    row = session.execute(select(people.c.id, people.c.username, people.c.name).where(condition)).one_or_none()
    if row is None:
        raise AppError("user_not_found")
    return Person(*row)
