"""The breaker: app/backends/breaker.py."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from structlog.testing import CapturingLogger

from app.backends import breaker as module
from app.backends.breaker import Breaker
from app.core.errors import AppError
from tests.support.waiting import eventually


class Database:
    """Answers a probe, or does not."""

    def __init__(self) -> None:
        self.is_up = True
        self.probes = 0
        self.why: Exception = ConnectionError()

    def probe(self) -> None:
        self.probes += 1
        if not self.is_up:
            raise self.why


@pytest.fixture
def database() -> Database:
    return Database()


@pytest.fixture
def breaker(database: Database, monkeypatch: pytest.MonkeyPatch) -> Iterator[Breaker]:
    monkeypatch.setattr(module, "PROBE_EVERY_S", 0.01)
    breaker = Breaker(database.probe)
    yield breaker
    breaker.stop()


def test_one_broken_connection_refuses_nobody(breaker: Breaker, database: Database) -> None:
    breaker.suspect()
    breaker.check()
    eventually(lambda: database.probes == 1)
    breaker.check()


def test_while_the_database_is_away_everybody_is_refused_at_once(breaker: Breaker, database: Database) -> None:
    database.is_up = False
    breaker.suspect()
    breaker.suspect()
    eventually(lambda: breaker.is_open)
    with pytest.raises(AppError) as why:
        breaker.check()
    assert why.value.code == "database_unavailable"
    assert why.value.retryable
    assert why.value.retry_after_ms


def test_it_closes_by_itself_when_the_database_is_back(breaker: Breaker, database: Database) -> None:
    database.is_up = False
    breaker.suspect()
    eventually(lambda: database.probes > 2)
    database.is_up = True
    eventually(lambda: not breaker.is_open)
    breaker.check()
    probes = database.probes
    breaker.suspect()
    eventually(lambda: database.probes == probes + 1)


def test_each_reason_is_logged_once(breaker: Breaker, database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    log = CapturingLogger()
    monkeypatch.setattr(module, "log", log)
    database.is_up = False
    for why in (
        ConnectionRefusedError(111, "Connection refused"),
        TimeoutError(),
        ConnectionRefusedError(111, "Connection refused"),
    ):
        database.why, probes = why, database.probes
        breaker.suspect()
        eventually(lambda probes=probes: database.probes > probes + 2)
    database.is_up = True
    eventually(lambda: not breaker.is_open)
    assert [(call.args[0], call.kwargs.get("why")) for call in log.calls] == [
        ("database_away", "ConnectionRefusedError: Connection refused"),
        ("database_away", "TimeoutError"),
        ("database_back", None),
    ]
