"""Accounts, the devices signed in to them, and each device's chain of refresh tokens.

Rules
- A device is one sign-in: the family of every token issued since. Revoking it ends them all; nothing revives it.
- A refresh token is known only by its hash. It is used once; its row stays until it expires, so that a replay is recognised.
"""

from __future__ import annotations

from sqlalchemy import ForeignKey, String
from sqlalchemy.orm import Mapped, mapped_column, validates

from app.backends.columns import Id, PrimaryId, When
from app.core.spelling import name_key
from app.extensions import Base


class User(Base):
    """An account. `email` and `username` are unique without regard to case: both are kept in lower case.

    `name_key` is what `name` has in common with those that look like it; null where a release before made the row.
    """

    __tablename__ = "users"

    id: Mapped[PrimaryId]
    username: Mapped[str] = mapped_column(String(40), unique=True)
    email: Mapped[str | None] = mapped_column(String(254), unique=True)
    name: Mapped[str] = mapped_column(String(80))
    name_key: Mapped[str | None] = mapped_column(String(120), index=True)
    password_hash: Mapped[str] = mapped_column(String(200))
    is_operator: Mapped[bool] = mapped_column(default=False)
    last_seen_at: Mapped[When | None]
    created_at: Mapped[When]
    updated_at: Mapped[When]

    @validates("name")
    def _keep_key(self, _: str, name: str) -> str:
        self.name_key = name_key(name)
        return name


class Device(Base):
    """One sign-in of an account. `last_used_at` moves when tokens are refreshed, not at every request."""

    __tablename__ = "devices"

    id: Mapped[PrimaryId]
    user_id: Mapped[Id] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), index=True)
    user_agent: Mapped[str] = mapped_column(String(200))
    created_at: Mapped[When]
    last_used_at: Mapped[When]
    expires_at: Mapped[When] = mapped_column(index=True)
    revoked_at: Mapped[When | None]


class RefreshToken(Base):
    """One link of a device's chain; `used_at` is when it was exchanged for its successor."""

    __tablename__ = "refresh_tokens"

    token_hash: Mapped[str] = mapped_column(String(64), primary_key=True)
    device_id: Mapped[Id] = mapped_column(ForeignKey("devices.id", ondelete="CASCADE"), index=True)
    created_at: Mapped[When]
    expires_at: Mapped[When]
    used_at: Mapped[When | None]
