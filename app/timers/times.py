"""Instants as people and programs write them in a programme: with their offset, or as times of a day and a place."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from zoneinfo import ZoneInfo

from app.core.clock import from_wire

UTC_NAME = "UTC"
_OF_DAY = re.compile(r"([01]?\d|2[0-3])[:.hH]([0-5]\d)(?::([0-5]\d))?(?:\s*([aApP])\.?[mM]\.?)?\Z", re.ASCII)
_NOON = 12
_BEFORE_MIDNIGHT = timedelta(hours=18)  # going back by more than this, a run of show has passed midnight


class Times:
    """Reads instants. `day` and `zone` are those of times that are written without; `asked` is whether one was."""

    def __init__(self, day: date, zone: tzinfo) -> None:
        self.day = day
        self.zone = zone
        self.asked = False
        self._last: dict[str, datetime] = {}

    def read(self, text: str, *, room: str = "") -> datetime:
        """An ISO 8601 instant with its own offset; without one, or with the time alone (`9:30`, `09:30:00`, `9h30`,
        `9:30 am`), it is in `zone`. A time of day that is much earlier than the last one of its `room` is on the day after.

        Raises:
            ValueError: anything else, in words.
        """
        try:
            return self._of_day(text, room) or self._dated(text)
        except (ValueError, OverflowError):
            raise ValueError("Write a time, as 09:30, or a day and a time, as 2030-05-04T09:30.") from None

    def _of_day(self, text: str, room: str) -> datetime | None:
        match = _OF_DAY.match(text)
        if match is None:
            return None
        hours, minutes, seconds = (int(part or 0) for part in match.groups()[:3])
        if half := match[4]:
            if not 1 <= hours <= _NOON:
                raise ValueError
            hours = hours % _NOON + _NOON * (half in "pP")
        last = self._last.get(room)
        instant = datetime.combine(last.date() if last else self.day, time(hours, minutes, seconds, tzinfo=self.zone))
        if last and last - instant > _BEFORE_MIDNIGHT:
            instant += timedelta(days=1)
        self.asked = True
        self._last[room] = instant
        return _in_range(instant)

    def _dated(self, text: str) -> datetime:
        instant = datetime.fromisoformat(text)
        if len(text) <= len("2030-05-04"):  # a day alone would be its midnight
            raise ValueError
        if instant.tzinfo is None:
            self.asked = True
            instant = instant.replace(tzinfo=self.zone)
        return _in_range(instant)


def find_zone(name: str) -> tzinfo:
    """The time zone of that IANA name (`Europe/Paris`).

    Raises:
        ValueError: there is none.
    """
    if name == UTC_NAME:
        return UTC  # also where the system has no list of them
    try:
        return ZoneInfo(name)
    except (ValueError, KeyError, OSError):
        raise ValueError("There is no such time zone; it is written as Europe/Paris.") from None


def _in_range(instant: datetime) -> datetime:
    from_wire(instant.isoformat())
    return instant
