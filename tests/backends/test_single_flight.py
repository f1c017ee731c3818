"""The same work at once: app/backends/single_flight.py."""

from __future__ import annotations

import gevent
import pytest
from gevent.event import Event

from app.backends.single_flight import SingleFlight


def test_those_who_ask_meanwhile_get_what_comes_of_it_and_those_after_begin_anew() -> None:
    flight: SingleFlight[int] = SingleFlight()
    may_end, runs = Event(), []

    def work() -> int:
        runs.append(1)
        may_end.wait()
        return len(runs)

    asked = [gevent.spawn(flight, key, work) for key in ("a", "a", "b", "a")]
    gevent.idle()
    may_end.set()
    gevent.joinall(asked, raise_error=True)
    assert len(runs) == 2
    assert [each.value for each in asked] == [2, 2, 2, 2]
    assert flight("a", work) == 3


def test_a_failure_is_everybodys_and_is_not_remembered() -> None:
    flight: SingleFlight[int] = SingleFlight()
    may_end, caught = Event(), []

    def fail() -> int:
        may_end.wait()
        raise ValueError("no")

    def ask() -> None:
        with pytest.raises(ValueError, match="no") as why:
            flight("a", fail)
        caught.append(why.value)

    asked = [gevent.spawn(ask) for _ in range(3)]
    gevent.idle()
    may_end.set()
    gevent.joinall(asked, raise_error=True)
    assert len(caught) == 3
    assert flight("a", lambda: 1) == 1
