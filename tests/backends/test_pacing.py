"""Files beside conversations: app/backends/pacing.py."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import gevent
import pytest
from flask import Flask

from app.backends import pacing
from app.backends.transaction import database, transaction
from app.core.errors import AppError


class Loop:
    """A processor whose every chunk takes a second, and which tells when each reader was at it."""

    def __init__(self) -> None:
        self.worked_s = 0.0
        self.now_s = 100.0
        self.rests: list[float] = []

    def thread_time(self) -> float:
        self.worked_s += 0.5
        return self.worked_s

    def monotonic(self) -> float:
        return self.now_s


@pytest.fixture
def loop(monkeypatch: pytest.MonkeyPatch) -> Loop:
    loop = Loop()
    monkeypatch.setattr(pacing, "time", SimpleNamespace(thread_time=loop.thread_time, monotonic=loop.monotonic))
    monkeypatch.setattr(pacing, "gevent", SimpleNamespace(sleep=loop.rests.append))
    monkeypatch.setattr(pacing, "LONGEST_REST_S", 3.0)
    monkeypatch.setattr(pacing, "_free_at_s", 0.0)
    return loop


def test_nothing_is_lost_and_a_lone_reader_rests_as_long_as_it_worked(loop: Loop) -> None:
    chunks = []
    for chunk in pacing.paced("abc"):
        chunks.append(chunk)
        loop.now_s += 2  # it works half of the time
    assert chunks == ["a", "b", "c"]
    assert loop.rests == [0.5, 0.5, 0.5]


def test_several_readers_take_turns_and_none_waits_for_ever(loop: Loop) -> None:
    readers = [pacing.paced("ab") for _ in range(5)]
    for reader in readers:
        assert next(reader) == "a"
    for reader in readers:
        assert next(reader) == "b"
    assert loop.rests == [0.5, 1.5, 2.5, 3.0, 3.0]  # each after the one before and its rest, within LONGEST_REST_S


def test_one_of_the_files_waits_for_the_only_writer_and_no_more(app: Flask) -> None:
    running: list[int] = []
    most: list[int] = []

    def write(number: int) -> None:
        with pacing.one_in_line():
            running.append(number)
            most.append(len(running))
            with transaction():
                gevent.sleep(0.001)
            running.remove(number)

    gevent.joinall([gevent.spawn(write, number) for number in range(5)], raise_error=True)
    assert max(most) == (1 if database.dialect == "sqlite" else 5)


def test_who_waits_too_long_for_the_writer_is_told_so(monkeypatch: pytest.MonkeyPatch, app: Flask) -> None:
    monkeypatch.setattr(pacing, "WRITER_WAIT_S", 0.01)
    outcome: list[Any] = []

    def write() -> None:
        try:
            with pacing.one_in_line():
                outcome.append("written")
        except AppError as why:
            outcome.append(why.code)

    with pacing.one_in_line():
        gevent.spawn(write).join()
    gevent.spawn(write).join()
    assert outcome == ["database_unavailable" if database.dialect == "sqlite" else "written", "written"]
