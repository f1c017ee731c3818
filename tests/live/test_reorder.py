"""A stream put into order: app/live/reorder.py."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from app.core.event import Event
from app.live.reorder import StreamOrder


def event(seq: int) -> Event:
    return Event("timer-update", "room:r", ({"seq": seq},), "room", seq)


def seqs(events: list[Event]) -> list[int | None]:
    return [each.seq for each in events]


def test_events_in_order_pass_at_once() -> None:
    order = StreamOrder()
    order.begin(4)
    assert [seqs(order.offer(event(seq))) for seq in (5, 6)] == [[5], [6]]


def test_an_early_event_waits_for_the_one_before_it() -> None:
    order = StreamOrder()
    order.begin(0)
    assert seqs(order.offer(event(2))) == []
    assert order.has_gap
    assert seqs(order.offer(event(1))) == [1, 2]
    assert not order.has_gap


def test_what_came_before_the_beginning_was_known_goes_out_after_it() -> None:
    order = StreamOrder()
    for seq in (3, 5, 4):
        assert order.offer(event(seq)) == []
    assert not order.has_gap
    assert seqs(order.begin(3)) == [4, 5]


def test_a_repair_settles_at_the_head_that_it_read_even_without_events() -> None:
    order = StreamOrder()
    order.begin(0)
    order.offer(event(5))
    assert seqs(order.settle(4, [event(2)])) == [2, 5]
    assert order.last == 5


def test_a_repair_that_was_overtaken_changes_nothing() -> None:
    order = StreamOrder()
    order.begin(9)
    assert order.settle(7, [event(6), event(7)]) == []
    assert order.last == 9


@given(
    st.permutations(range(1, 12)),
    st.sets(st.integers(1, 11)),
    st.lists(st.integers(1, 11), max_size=8),
)
def test_whatever_is_lost_repeated_or_late_comes_once_and_in_order(
    arrivals: list[int], lost: set[int], repeated: list[int]
) -> None:
    order = StreamOrder()
    order.begin(0)
    out: list[Event] = []
    for seq in [*arrivals, *repeated]:
        if seq not in lost:
            out += order.offer(event(seq))
    out += order.settle(11, [event(seq) for seq in range(1, 12)])
    assert seqs(out) == list(range(1, 12))
