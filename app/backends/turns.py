"""Long work in turns: others run in between, so that nobody waits for all of what one person asked for.

However much of it goes on at once, the others wait for one slice and not for one of each.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import islice
from typing import TypeVar

from app.realtime.turns import Turns

SLICE_MS = 2
T = TypeVar("T")
_turns = Turns(SLICE_MS)


def in_turns(items: Iterable[T], size: int) -> Iterator[T]:
    """Each of `items`; after every `size` of them others run."""
    for number, item in enumerate(items, 1):
        yield item
        if number % size == 0:
            _turns.wait()


def in_portions(items: Iterable[T], size: int) -> Iterator[list[T]]:
    """`items`, `size` at a time, each portion taken when it is asked for; between two of them others run."""
    rest = iter(items)
    portion = list(islice(rest, size))
    while portion:
        yield portion
        portion = list(islice(rest, size))
        if portion:
            _turns.wait()
