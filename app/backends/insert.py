"""Inserting a row that a race may have inserted first."""

from __future__ import annotations

from typing import Any

from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from app.extensions import Base


def insert_unless_exists(session: Session, model: type[Base], **values: Any) -> bool:
    """Insert a row of `model` unless a unique constraint speaks against it; whether it was inserted.

    Waits for a transaction that is inserting the same key, and never fails the own transaction.
    """
    dialect = session.get_bind().dialect.name
    build: Any = postgresql.insert if dialect == "postgresql" else sqlite.insert
    session.flush()
    key = model.__mapper__.primary_key[0]
    statement = build(model).values(**values).on_conflict_do_nothing().returning(key)
    return session.execute(statement).one_or_none() is not None
