"""Who is next: app.backends.fair_turns.py."""

from __future__ import annotations

import gevent
import pytest
from gevent.event import Event

from app.backends.fair_turns import FairTurns, asker
from app.core.errors import AppError


class Bench:
    """People who take turns, each of which lasts until it is ended."""

    def __init__(self, at_once: int = 1, patience_s: float = 60.0, each: int = 1) -> None:
        self.turns = FairTurns(at_once, patience_s, each=each)
        self.began: list[str] = []
        self.ends: list[Event] = []
        self.waiting: list[gevent.Greenlet] = []

    def ask(self, *people: str) -> None:
        for person in people:
            self.waiting.append(gevent.spawn(self._take, person))
            gevent.idle()

    def end(self, number: int) -> None:
        """End the turn that began as number so many."""
        self.ends[number].set()
        gevent.idle()

    def _take(self, person: str) -> None:
        with self.turns.turn(person):
            self.began.append(person)
            self.ends.append(Event())
            self.ends[-1].wait()


def test_a_persons_second_is_behind_everybody_elses_first() -> None:
    bench = Bench()
    bench.ask("ada", "ada", "ada", "bob", "eve")
    for number in range(4):
        bench.end(number)
    assert bench.began == ["ada", "bob", "eve", "ada", "ada"]


def test_one_person_has_one_turn_at_a_time_however_many_are_free() -> None:
    bench = Bench(at_once=3)
    bench.ask("ada", "ada", "bob")
    assert bench.began == ["ada", "bob"]
    bench.end(1)
    assert bench.began == ["ada", "bob"]
    bench.end(0)
    assert bench.began == ["ada", "bob", "ada"]


def test_who_may_have_all_turns_has_them_until_others_come_who_are_served_in_turn() -> None:
    bench = Bench(at_once=3, each=3)
    bench.ask("ada", "ada", "ada", "ada", "ada", "bob", "bob", "eve")
    assert bench.began == ["ada", "ada", "ada"]
    for number in range(3):
        bench.end(number)
    assert bench.began[3:] == ["bob", "eve", "bob"]
    for number in range(3, 5):
        bench.end(number)
    assert bench.began[6:] == ["ada", "ada"]


def test_no_more_than_so_many_have_one_at_once() -> None:
    bench = Bench(at_once=2)
    bench.ask("ada", "bob", "eve")
    assert bench.began == ["ada", "bob"]
    bench.end(1)
    assert bench.began == ["ada", "bob", "eve"]


def test_who_waits_too_long_is_told_to_come_back_and_leaves_the_line() -> None:
    bench = Bench(patience_s=0.01)
    bench.ask("ada")
    with pytest.raises(AppError) as why, bench.turns.turn("bob"):
        pass
    assert (why.value.code, why.value.retry_after_ms) == ("rate_limited", 10)
    bench.end(0)
    bench.ask("eve")
    assert bench.began == ["ada", "eve"]


def test_what_a_greenlet_spawns_does_not_stand_in_its_line() -> None:
    asker.address = "192.0.2.1"
    try:
        assert gevent.spawn(lambda: asker.address).get() == ""
    finally:
        asker.address = ""


def test_who_is_stopped_while_waiting_or_working_leaves_it_to_the_others() -> None:
    bench = Bench()
    bench.ask("ada", "bob", "eve")
    bench.waiting[1].kill()
    bench.waiting[0].kill()
    gevent.idle()
    assert bench.began == ["ada", "eve"]
