"""What a worker still has to tell the store, whatever failed and whatever changed meanwhile."""

from __future__ import annotations

import pytest

from app.backends.presence_outbox import CROWD_WRITE_MS, Outbox
from app.backends.presence_roster import Share
from tests.backends.presence_support import ADA, BO, OTHER_ROOM, ROOM, crowd

Shares = dict[str, Share | None]


@pytest.fixture
def shares() -> Shares:
    """What the worker has, by room."""
    return {ROOM: Share({ADA.id: ADA})}


@pytest.fixture
def outbox(shares: Shares) -> Outbox:
    return Outbox(shares.get)


def test_nothing_new_is_no_letter(outbox: Outbox) -> None:
    assert outbox.take(0) is None


def test_who_comes_back_before_it_was_told_never_left(outbox: Outbox) -> None:
    outbox.depart(ADA.id, [ROOM])
    outbox.arrive(ADA, [ROOM])
    assert outbox.take(0) is None
    assert outbox.here == {ADA.id}


def test_a_letter_given_back_yields_to_what_changed_since(outbox: Outbox) -> None:
    outbox.touch(ROOM)
    outbox.arrive(ADA, [ROOM])
    outbox.arrive(BO, [ROOM])
    letter = outbox.take(0)
    assert letter is not None
    outbox.arrive(BO, [ROOM, OTHER_ROOM])
    outbox.give_back(letter)
    again = outbox.take(0)
    assert again is not None
    assert again.rooms == {ROOM}
    assert again.arrived == {ADA.id: (ADA, [ROOM]), BO.id: (BO, [ROOM, OTHER_ROOM])}


def test_a_letter_given_back_says_nothing_of_who_came_or_went_since(outbox: Outbox) -> None:
    outbox.arrive(ADA, [ROOM])
    outbox.depart(BO.id, [ROOM])
    letter = outbox.take(0)
    assert letter is not None
    outbox.depart(ADA.id, [ROOM])
    outbox.arrive(BO, [ROOM])
    outbox.give_back(letter)
    again = outbox.take(0)
    assert again is not None
    assert (again.arrived, again.departed) == ({BO.id: (BO, [ROOM])}, {ADA.id: [ROOM]})


def test_a_new_life_tells_everything_until_it_was_sent(outbox: Outbox, shares: Shares) -> None:
    outbox.begin_anew([ROOM, OTHER_ROOM])
    letter = outbox.take(0)
    assert letter is not None
    assert letter.is_whole
    assert letter.rooms == {ROOM}, "where this worker has nobody it has nothing to say"
    outbox.give_back(letter)
    assert outbox.take(0) == letter
    outbox.sent(shares, 0)
    assert outbox.take(0) is None


def test_a_crowds_share_is_held_for_a_second(outbox: Outbox, shares: Shares) -> None:
    shares[ROOM] = Share({person.id: person for person in crowd(101)})
    outbox.sent(shares, 0)
    outbox.touch(ROOM)
    assert outbox.take(CROWD_WRITE_MS - 1) is None
    letter = outbox.take(CROWD_WRITE_MS)
    assert letter is not None
    assert letter.rooms == {ROOM}
