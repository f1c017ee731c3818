"""Asking about many ids at once, as one parameter: a statement of constant length, whatever their number."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

import orjson
from sqlalchemy import ARRAY, ColumnElement, Uuid, any_, func, literal, select
from sqlalchemy.orm import Session


def among(session: Session, column: Any, ids: Collection[str]) -> ColumnElement[bool]:
    """`column`, a UUID, is one of `ids`. 10,000 of them compile as fast as one, and one plan serves all."""
    if session.get_bind().dialect.name == "sqlite":
        stored = orjson.dumps([ident.replace("-", "") for ident in ids]).decode()
        return column.in_(select(func.json_each(stored).table_valued("value").c.value))  # type: ignore[no-any-return]
    return column == any_(literal(list(ids), ARRAY(Uuid(as_uuid=False))))  # type: ignore[no-any-return]
