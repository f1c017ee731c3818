"""The canary between workers: app/live/canary.py."""

from __future__ import annotations

import pytest
from flask import Flask

from app.backends.handles import handles
from app.backends.transaction import reading
from app.core.clock import FakeClock
from app.core.event import Event
from app.live import canary
from app.live.canary import Aviary
from app.live.models import Canary
from app.web.metrics import metrics


@pytest.fixture
def songs(app: Flask, monkeypatch: pytest.MonkeyPatch) -> list[Event]:
    """What was published, in place of a bus."""
    songs: list[Event] = []
    monkeypatch.setattr(handles.bus, "publish", songs.extend)
    return songs


def value(name: str) -> float | None:
    return metrics.registry.get_sample_value(name)


def test_what_is_heard_was_not_lost(songs: list[Event]) -> None:
    here, there = Aviary(), Aviary()
    for _ in range(4):
        there.sing()
        here.hear(songs.pop())
        assert here.listen() == 0


def test_what_was_committed_and_never_came_is_lost_once(songs: list[Event]) -> None:
    here, there = Aviary(), Aviary()
    lost = []
    for brought in (True, True, False, True, False, False, True, True):
        there.sing()
        if brought:
            here.hear(songs[-1])
        lost.append(here.listen())
    assert lost == [0, 0, 0, 1, 0, 1, 1, 0]


def test_what_is_still_on_its_way_is_not_lost_yet(songs: list[Event]) -> None:
    here, there = Aviary(), Aviary()
    there.sing()
    here.listen()
    there.sing()
    assert here.listen() == 0
    here.hear(songs[-1])
    assert here.listen() == 0


def test_a_worker_that_begins_or_ends_has_lost_nothing(songs: list[Event], clock: FakeClock) -> None:
    here, there = Aviary(), Aviary()
    for _ in range(3):
        there.sing()
    assert [here.listen() for _ in range(2)] == [0, 0]
    clock.advance(canary.LISTENED_TO_MS + 1)
    assert here.listen() == 0
    clock.advance(canary.FORGOTTEN_MS)
    canary.forget_silent()
    with reading() as session:
        assert session.query(Canary).count() == 0


def test_how_long_it_took_is_noted_with_and_without_the_database(songs: list[Event], clock: FakeClock) -> None:
    metrics.bind()
    here, there = Aviary(), Aviary()
    there.sing()
    clock.advance(300)
    here.hear(songs[-1])
    assert value("greenroom_canary_seconds_sum") == pytest.approx(0.3)
    assert value("greenroom_bus_lag_seconds_sum") == pytest.approx(0.3)
