"""Alembic's entry: the same URL and engine options as the application."""

from alembic import context
from flask import current_app

import app.auth.models
import app.live.models
import app.messages.models
import app.rooms.models
import app.timers.models
import app.uploads.models  # noqa: F401 - each registers its tables
from app.backends.transaction import database
from app.extensions import Base

LOCK_TIMEOUT_MS = 5_000
HAND_MADE = ("search_document", "ix_messages_search", "messages_search")


def _has_model(name: str | None, kind: str, parents: object) -> bool:
    """Whether models speak of it: full-text indexes are the migrations' alone."""
    return not (name or "").startswith(HAND_MADE)


def run_online() -> None:
    """Migrate through the writing engine; a migration that cannot get its lock gives up instead of blocking a live table."""
    with database.engine.connect() as connection:
        if connection.dialect.name == "postgresql":
            connection.exec_driver_sql(f"SET lock_timeout = {LOCK_TIMEOUT_MS}")
            connection.exec_driver_sql("SET statement_timeout = 0")
            connection.commit()
        context.configure(
            connection=connection,
            target_metadata=Base.metadata,
            render_as_batch=connection.dialect.name == "sqlite",
            compare_type=True,
            include_name=_has_model,
            transaction_per_migration=True,
        )
        with context.begin_transaction():
            context.run_migrations()


if context.is_offline_mode():
    context.configure(
        url=current_app.config["SQLALCHEMY_DATABASE_URI"], target_metadata=Base.metadata, literal_binds=True
    )
    with context.begin_transaction():
        context.run_migrations()
else:
    run_online()
