"""The people of a room as they are sent: encoded when they change, and not for each who joins."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence

import orjson

from app.backends.presence import Person
from app.presence.events import to_payload

KEPT_LISTS = 2_000

Encoded = tuple[orjson.Fragment, orjson.Fragment]


class Lists:
    """The lists that were sent last, the least recently used out first. Losing them costs only time."""

    def __init__(self) -> None:
        self._encoded: OrderedDict[str, tuple[Sequence[Person], Encoded]] = OrderedDict()

    def get(self, room_id: str, people: Sequence[Person]) -> Encoded:
        """The ids and the payloads of `people` as JSON; made anew if they are not the very ones of the last time."""
        kept = self._encoded.get(room_id)
        if kept is None or kept[0] is not people:
            kept = self._encoded[room_id] = (people, _encode(people))
            if len(self._encoded) > KEPT_LISTS:
                self._encoded.popitem(last=False)
        self._encoded.move_to_end(room_id)
        return kept[1]


def _encode(people: Sequence[Person]) -> Encoded:
    ids = orjson.dumps([person.id for person in people])
    payloads = orjson.dumps([to_payload(person) for person in people])
    return orjson.Fragment(ids), orjson.Fragment(payloads)
