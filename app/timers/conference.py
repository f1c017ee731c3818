"""The schedule JSON that pretalx and frab export: days, in them rooms, in them events."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from typing import Any, NamedTuple

from app.timers.slots import Cells, Slot
from app.timers.times import Times

MAX_PLACES = 1_000
MAX_ABOUT = 2_000
_MAX_NAME = 60
_MAX_SPEAKERS = 50
_TEXTS = ("title", "type")


class Place(NamedTuple):
    """The events of one room on one day, by its number."""

    day: int
    room: str
    events: list[Any]


def list_places(document: dict[str, Any], *, room: str | None) -> list[Place]:
    """Where there are events, of `room` alone if it is given: the first `MAX_PLACES`.

    Raises:
        ValueError: this is no such document.
    """
    try:
        places = (
            Place(number, name, events)
            for number, day in enumerate(document["schedule"]["conference"]["days"], 1)
            for name, events in day["rooms"].items()
            if room is None or name.casefold() == room.casefold()
        )
        found = list(islice(places, MAX_PLACES))
    except (KeyError, TypeError, AttributeError):
        raise ValueError from None
    if not all(isinstance(place.events, list) for place in found):
        raise ValueError
    return found


def list_rooms(document: dict[str, Any]) -> Iterator[str]:
    """The names of all rooms of what `list_places` took, once for each day."""
    days = document["schedule"]["conference"]["days"]
    return islice((name for day in days for name in day["rooms"]), MAX_PLACES)


def list_events(places: list[Place]) -> Iterator[tuple[str, tuple[str, Any]]]:
    """Each event with its room, after where it is."""
    for day, room, events in places:
        for number, event in enumerate(events, 1):
            yield f"day {day}, {room[:_MAX_NAME]}, {number}", (room, event)


def read_event(room: str, event: Any, times: Times) -> Slot:
    """The slot of an event: `duration` is hh:mm there, `date` the start.

    Raises:
        ValidationError: what is wrong with it.
    """
    event = event if isinstance(event, dict) else {}
    texts = {key: event[key] for key in _TEXTS if isinstance(event.get(key), str)}
    if isinstance(event.get("date"), str):
        texts["start"] = event["date"]
    if isinstance(event.get("duration"), (str, int, float)):
        texts["duration"] = f"{event['duration']}:00"
    cells = Cells({**texts, "room": room}, times=times, called={"start": "date"})
    about = " · ".join(filter(None, (", ".join(_speakers(event)), cells.text("type"))))
    return cells.slot(
        duration_ms=cells.duration_ms("duration"), start=cells.instant("start"), description=about[:MAX_ABOUT]
    )


def _speakers(event: dict[str, Any]) -> list[str]:
    persons = event.get("persons")
    people = [one for one in persons[:_MAX_SPEAKERS] if isinstance(one, dict)] if isinstance(persons, list) else []
    return [name for person in people if isinstance(name := person.get("public_name") or person.get("name"), str)]
