"""The promises of the presence port, on every implementation."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest

from app.backends.presence import Person, Presence
from app.backends.presence_memory import MemoryPresence
from tests.backends.presence_support import ADA, BO, OTHER_ROOM, ROOM, Cluster, Heard, crowd


class Driver:
    """One worker, and a way to let what it does in the background be done."""

    def __init__(self, presence: Presence, cluster: Cluster | None) -> None:
        self.presence = presence
        self.heard = Heard()
        presence.listen(self.heard)
        self._cluster = cluster

    def settle(self) -> None:
        if self._cluster:
            self._cluster.pass_time(1000)


@pytest.fixture(params=["memory", "redis"])
def driver(request: pytest.FixtureRequest) -> Iterator[Driver]:
    if request.param == "memory":
        yield Driver(MemoryPresence(), None)
        return
    cluster = Cluster(request.getfixturevalue("redis_url"))
    yield Driver(cluster.worker()[0], cluster)
    cluster.close()


def test_what_is_put_is_there_at_once(driver: Driver) -> None:
    driver.presence.put(ROOM, ADA)
    driver.presence.put(ROOM, BO)
    driver.presence.set_anonymous(ROOM, 3)
    assert list(driver.presence.people(ROOM, 10)) == [ADA, BO]
    assert list(driver.presence.people(ROOM, 1)) == [ADA]
    assert driver.presence.count(ROOM) == 5
    driver.settle()
    assert driver.presence.count(ROOM) == 5


def test_an_unknown_room_is_empty(driver: Driver) -> None:
    driver.presence.watch(ROOM)
    assert list(driver.presence.people(ROOM, 10)) == []
    assert driver.presence.count(ROOM) == 0


def test_what_is_dropped_is_gone_within_a_second(driver: Driver) -> None:
    driver.presence.put(ROOM, ADA)
    driver.presence.put(OTHER_ROOM, ADA)
    driver.settle()
    driver.presence.drop(ROOM, ADA.id)
    driver.settle()
    assert (driver.presence.count(ROOM), driver.presence.count(OTHER_ROOM)) == (0, 1)


def test_the_listener_hears_changes_once_and_in_order(driver: Driver) -> None:
    driver.presence.put(ROOM, ADA)
    driver.presence.set_anonymous(ROOM, 1)
    driver.presence.put(ROOM, BO)
    driver.presence.drop(ROOM, ADA.id)
    driver.settle()
    driver.settle()
    assert driver.heard[:5] == [
        ("joined", ROOM, ADA.id),
        ("counted", ROOM),
        ("counted", ROOM),
        ("joined", ROOM, BO.id),
        ("counted", ROOM),
    ]
    assert driver.heard.of("joined", "left")[2:] == [("left", ROOM, ADA.id)]
    assert driver.heard[-2:] == [("left", ROOM, ADA.id), ("counted", ROOM)]


def test_dropping_who_is_not_there_tells_nobody_that_they_left(driver: Driver) -> None:
    driver.presence.drop(ROOM, ADA.id)
    driver.presence.put(ROOM, BO)
    driver.presence.drop(ROOM, ADA.id)
    driver.settle()
    assert driver.heard.of("left") == []
    assert driver.presence.count(ROOM) == 1


def test_arriving_and_departing_are_going_online_and_offline(driver: Driver) -> None:
    driver.presence.put(ROOM, ADA)
    driver.presence.arrive(ADA, [ROOM])
    driver.settle()
    assert driver.heard.of("online") == [("online", ADA.id, ROOM)]
    driver.presence.drop(ROOM, ADA.id)
    driver.presence.depart(ADA.id, [ROOM])
    driver.settle()
    assert driver.heard.of("online", "offline")[1:] == [("offline", ADA.id, ROOM)]


def test_a_crowd_is_counted_in_full_and_listed_up_to_the_limit(driver: Driver) -> None:
    for person in crowd(250):
        driver.presence.put(ROOM, person)
    driver.settle()
    assert driver.presence.count(ROOM) == 250
    assert list(driver.presence.people(ROOM, 100)) == crowd(250)[:100]


def test_a_list_is_the_same_object_until_somebody_on_it_comes_goes_or_changes(driver: Driver) -> None:
    people = crowd(4)
    for person in people[:2]:
        driver.presence.put(ROOM, person)
    short, full = driver.presence.people(ROOM, 3), driver.presence.people(ROOM, 2)
    assert driver.presence.people(ROOM, 3) is short
    driver.presence.put(ROOM, people[2])
    assert list(driver.presence.people(ROOM, 3)) == people[:3]
    assert driver.presence.people(ROOM, 2) is full
    driver.presence.drop(ROOM, people[0].id)
    driver.settle()
    assert list(driver.presence.people(ROOM, 2)) == people[1:3]
    renamed = replace(people[1], name="Another")
    driver.presence.put(ROOM, renamed)
    assert list(driver.presence.people(ROOM, 2)) == [renamed, people[2]]


def test_names_come_back_as_they_were(driver: Driver) -> None:
    odd = Person("id-odd", 'o"dd', "Ünïcode 🎭 \u202e", is_guest=True)
    driver.presence.put(ROOM, odd)
    driver.settle()
    assert list(driver.presence.people(ROOM, 1)) == [odd]


def test_it_says_that_it_is_well(driver: Driver) -> None:
    driver.presence.put(ROOM, ADA)
    driver.settle()
    assert driver.presence.is_healthy()


def test_who_departs_has_left_before_they_are_offline(driver: Driver) -> None:
    driver.presence.put(ROOM, BO)
    driver.presence.put(ROOM, ADA)
    driver.presence.arrive(ADA, [ROOM])
    driver.settle()
    driver.presence.drop(ROOM, ADA.id)
    driver.presence.depart(ADA.id, [ROOM])
    driver.settle()
    assert driver.heard.of("left", "offline") == [("left", ROOM, ADA.id), ("offline", ADA.id, ROOM)]
    assert driver.presence.count(ROOM) == 1
