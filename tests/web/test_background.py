"""Loops beside the requests: app/web/background.py."""

from __future__ import annotations

import gevent
import pytest
from gevent.event import Event

from app.web import background as module
from app.web.background import Background


def test_a_loop_that_fails_begins_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "RESTART_S", 0)
    begun, twice = [], Event()

    def loop() -> None:
        begun.append(1)
        if len(begun) > 1:
            twice.set()
            gevent.sleep(60)
        raise RuntimeError("the store is away")

    background = Background()
    background.add("loop", loop)
    background.start()
    assert twice.wait(5)
    background.stop()


def test_a_later_loop_of_a_name_takes_the_earlier_ones_place() -> None:
    ran: list[str] = []
    background = Background()
    background.add("loop", lambda: ran.append("first"))
    background.add("loop", lambda: ran.append("second"))
    background.start()
    gevent.sleep(0)
    background.stop()
    assert ran == ["second"]
