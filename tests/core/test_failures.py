"""What is told of exceptions: app/core/failures.py."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from contextlib import closing

import pytest

from app.core.errors import AppError
from app.core.failures import describe, told

SECRET = "what was said"


def raised(action: Callable[[], object]) -> Exception:
    with pytest.raises(Exception) as why:  # noqa: PT011 - any
        action()
    return why.value


def ask_sqlite(statement: str, *values: str) -> None:
    with closing(sqlite3.connect(":memory:")) as connection:
        connection.execute(statement, values)


@pytest.mark.parametrize(
    "action",
    [
        lambda: int(SECRET),
        lambda: {}[SECRET],
        lambda: [].index(SECRET),
        lambda: f"{SECRET}\ud800".encode(),
        lambda: ask_sqlite("SELECT ?", SECRET, SECRET),
        lambda: open(f"/nowhere/{SECRET}"),  # noqa: PTH123, SIM115
    ],
)
def test_nobodys_words_are_in_it(action: Callable[[], object]) -> None:
    text = describe(raised(action))
    assert "test_failures.py" in text
    assert SECRET not in text


def test_what_speaks_of_code_is_told() -> None:
    assert told(raised(lambda: None.missing)) == "AttributeError: 'NoneType' object has no attribute 'missing'"  # type: ignore[attr-defined]
    assert told(raised(lambda: open("/nowhere/at/all"))) == "FileNotFoundError: No such file or directory"  # noqa: PTH123, SIM115
    assert told(AppError("room_not_found", SECRET)) == "app.core.errors.AppError: code=room_not_found"
    assert (
        told(raised(lambda: ask_sqlite(f"SELECT '{SECRET}' FROM nothing")))
        == "sqlite3.OperationalError: sqlite_errorname=SQLITE_ERROR"
    )


def test_what_led_to_it_comes_first_and_what_was_suppressed_does_not() -> None:
    def chained(*, suppressed: bool) -> None:
        try:
            int(SECRET)
        except ValueError as why:
            raise KeyError(SECRET) from (None if suppressed else why)

    def in_passing() -> None:
        try:
            int(SECRET)
        except ValueError:
            raise KeyError(SECRET)  # noqa: B904 - which is what is tried

    text = describe(raised(lambda: chained(suppressed=False)))
    assert text.index("ValueError\n\nThe above exception was the direct cause") < text.index("KeyError")
    assert "ValueError" not in describe(raised(lambda: chained(suppressed=True))).split("Traceback")[-1]
    assert "ValueError\n\nDuring handling" in describe(raised(in_passing))
