from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import BigInteger, Integer, Text, Uuid, select

from app.backends.bulk import Bulk
from app.backends.columns import Instant
from app.backends.transaction import database, reading
from app.core.ids import new_id

COLUMNS = {
    "n": Integer(),
    "big": BigInteger(),
    "ident": Uuid(as_uuid=False),
    "said": Text(),
    "at": Instant(),
}


def round_trip(rows: list[tuple[Any, ...]]) -> list[tuple[Any, ...]]:
    bulk = Bulk("things", COLUMNS)
    table = bulk.table(database.dialect)
    with reading() as session:
        found = session.execute(select(table).order_by(table.c.n), bulk.parameters(database.dialect, rows))
        return [tuple(row) for row in found]


@pytest.mark.parametrize("count", [0, 1, 300])
def test_rows_come_back_as_they_went_in(count: int, app: Flask) -> None:
    at = datetime(2026, 1, 1, 12, 0, 0, 123_000, tzinfo=UTC)
    rows = [(n, 2**62 + n, new_id(), f"'\"\\ {n} $1 :x %s ünï 👋\n", at) for n in range(count)]
    assert round_trip(rows) == rows


def test_what_is_not_there_stays_null(app: Flask) -> None:
    assert round_trip([(1, None, None, None, None)]) == [(1, None, None, None, None)]


def test_any_number_of_rows_is_the_same_statement() -> None:
    bulk = Bulk("things", COLUMNS)
    for dialect in ("sqlite", "postgresql"):
        assert len(bulk.parameters(dialect, [(n, n, new_id(), "", None) for n in range(50)])) == 1
