"""Column types that mean the same on SQLite and PostgreSQL."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

from sqlalchemy import BigInteger, DateTime, Dialect, Integer, Uuid
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import mapped_column
from sqlalchemy.types import JSON, TypeDecorator, TypeEngine

from app.core.clock import from_epoch_ms, to_epoch_ms, truncate


class Instant(TypeDecorator[datetime]):
    """An aware UTC instant in whole milliseconds: `timestamptz(3)`, on SQLite an integer so that it compares and sorts."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        kind: TypeEngine[Any] = Integer() if dialect.name == "sqlite" else DateTime(timezone=True)
        return dialect.type_descriptor(kind)

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> Any:
        if value is None:
            return None
        return to_epoch_ms(value) if dialect.name == "sqlite" else value

    def process_result_value(self, value: Any, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        return from_epoch_ms(value) if dialect.name == "sqlite" else truncate(value)


JsonValue = JSON().with_variant(JSONB(), "postgresql")
Id = Annotated[str, mapped_column(Uuid(as_uuid=False))]
PrimaryId = Annotated[str, mapped_column(Uuid(as_uuid=False), primary_key=True)]
When = Annotated[datetime, mapped_column(Instant())]
BigInt = Annotated[int, mapped_column(BigInteger())]
