"""`users.last_seen_at`: gathered, written once a second, and not lost while the database is away."""

from __future__ import annotations

from datetime import datetime

import pytest
from flask import Flask
from sqlalchemy import event, select

from app.auth.models import User
from app.backends.transaction import database, reading
from app.core.actor import Actor
from app.core.clock import FakeClock, add_ms
from app.core.errors import AppError
from app.presence import last_seen
from app.presence.last_seen import LastSeen
from tests.support.factories import make_user


def seen_at(person: Actor) -> datetime | None:
    with reading() as session:
        return session.scalar(select(User.last_seen_at).where(User.id == person.id))


def test_all_of_a_second_are_written_by_one_statement(app: Flask, clock: FakeClock) -> None:
    people = [make_user() for _ in range(5)]
    stays = make_user()
    seen = LastSeen()
    statements: list[str] = []
    event.listen(database.engine, "before_cursor_execute", lambda *args: statements.append(args[2]))
    for person in people:
        seen.saw(str(person.id), clock.now())
    seen.write()
    assert [statement.split()[0] for statement in statements if not statement.startswith("BEGIN")] == ["UPDATE"]
    assert {seen_at(person) for person in people} == {clock.now()}
    assert seen_at(stays) is None
    assert not seen.is_waiting


def test_it_is_due_once_a_second_and_only_if_there_is_something(clock: FakeClock) -> None:
    seen = LastSeen()
    assert not seen.is_due(0)
    seen.saw("id-ada", clock.now())
    assert seen.is_due(0)
    assert not seen.is_due(999)
    assert seen.is_due(1000)


def test_what_a_database_that_is_away_did_not_take_is_written_later(
    clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen = LastSeen()
    written: list[dict[str, datetime]] = []

    def is_away(rows: dict[str, datetime]) -> None:
        seen.saw("id-ada", add_ms(clock.now(), 1000))
        raise AppError("database_unavailable")

    monkeypatch.setattr(last_seen, "_write", is_away)
    for name in ("id-ada", "id-bo"):
        seen.saw(name, clock.now())
    seen.write()
    monkeypatch.setattr(last_seen, "_write", written.append)
    seen.write()
    assert written == [{"id-ada": add_ms(clock.now(), 1000), "id-bo": clock.now()}]
