"""Accounts."""

from __future__ import annotations

from sqlalchemy import String
from sqlalchemy.orm import Mapped, mapped_column

from app.backends.columns import PrimaryId, When
from app.extensions import Base


class User(Base):
    """An account. `email` and `username` are unique without regard to case: both are kept in lower case."""

    __tablename__ = "users"

    id: Mapped[PrimaryId]
    username: Mapped[str] = mapped_column(String(40), unique=True)
    email: Mapped[str | None] = mapped_column(String(254), unique=True)
    name: Mapped[str] = mapped_column(String(80))
    password_hash: Mapped[str] = mapped_column(String(200))
    is_operator: Mapped[bool] = mapped_column(default=False)
    last_seen_at: Mapped[When | None]
    created_at: Mapped[When]
    updated_at: Mapped[When]
