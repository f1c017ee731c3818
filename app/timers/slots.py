"""One entry of a programme, read from cells of text and checked like what the API takes."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from types import MappingProxyType
from typing import Any, Final, TypeVar

from marshmallow import ValidationError

from app.core.clock import from_wire
from app.core.lines import one_line
from app.timers.schemas import TimerSchema
from app.timers.times import Times

_CLOCK = re.compile(r"(?:(\d{1,3}):)?(\d{1,5}):([0-5]\d)\Z")
_MINUTES = re.compile(r"\d{1,5}(?:[.,]\d{1,3})?\Z")
_GUARDED = re.compile(r"'[=+\-@\t\r\n＝＋－＠]")
_WHOLE = re.compile(r"[0-9]{1,12}\Z")
_MORE = {"warnms": "warnMs", "dangerms": "dangerMs", "onfinish": "onFinish"}
_LAST_MINUTE = 59
MAX_CELL = 3_000  # more than any field takes
_NO_NAMES: Final[Mapping[str, str]] = MappingProxyType({})
_WORDS: Final = {
    "duration": "From one second to seven days.",
    "title": "One line of at most 200 characters.",
    "description": "At most 2000 characters.",
    "Not a valid integer.": "Write a number.",
}
T = TypeVar("T")
_schema = TimerSchema(only=("title", "description", "duration", "warn_ms", "danger_ms", "on_finish"))


@dataclass(frozen=True, slots=True)
class Slot:
    """One entry. `day`: the local one of its start; `alarm`: when the file asks for it to start by itself; `place`: its
    number in the run of show, where the file gives one.
    """

    values: dict[str, Any]
    start: datetime | None = None
    day: date | None = None
    room: str = ""
    alarm: datetime | None = None
    place: int = 0


class Cells:
    """The cells of one row by what they hold; what is wrong with them is gathered, so that it is all said at once.

    Args:
        called: what the file calls them, for people.
        times: reads the instants.
        problem: what is wrong with the row as a whole.
    """

    def __init__(
        self,
        cells: Mapping[str, str],
        *,
        times: Times,
        called: Mapping[str, str] = _NO_NAMES,
        problem: str | None = None,
    ) -> None:
        self._cells = cells
        self._called = called
        self._times = times
        self._problems: dict[str, str] = {"row": problem} if problem else {}

    def text(self, column: str) -> str:
        """The cell trimmed, and cut where no timer could hold it; "" where there is none."""
        return self._cells.get(column, "").strip()[:MAX_CELL]

    def instant(self, column: str) -> datetime | None:
        """The cell as an instant with the offset that it was written with, None when it is empty."""
        return self._parsed(column, lambda text: self._times.read(text, room=self.text("room")))

    def duration_ms(self, column: str) -> int | None:
        """The cell as a duration, None when it is empty."""
        return self._parsed(column, read_duration_ms)

    def slot(
        self, *, duration_ms: int | None, start: datetime | None, description: str, alarm: datetime | None = None
    ) -> Slot:
        """The slot of this row.

        Raises:
            ValidationError: everything that is wrong with the row, by the names that the file has for its columns.
        """
        title = one_line(self._cells.get("title", ""))[:MAX_CELL]
        row: dict[str, Any] = {"title": _unguarded(title)}
        if duration_ms is not None:
            row["duration"] = duration_ms
        if description:
            row["description"] = _unguarded(description)
        for column, key in _MORE.items():
            if text := self.text(column):
                row[key] = int(text) if _WHOLE.match(text) else text
        values = self._checked(row)
        place = self.text("position")
        return Slot(
            values,
            _utc(start),
            start.date() if start else None,
            self.text("room"),
            _utc(alarm),
            int(place) if _WHOLE.match(place) else 0,
        )

    def _checked(self, row: dict[str, Any]) -> dict[str, Any]:
        wrong: dict[str, str] = {}
        try:
            values: dict[str, Any] = _schema.load(row)
        except ValidationError as why:
            wrong = {
                name.casefold(): _in_words(name, row.get(name), whys[0]) for name, whys in why.messages_dict.items()
            }
        if self._problems:
            wrong.pop("duration", None)  # it is missing only because it, or the start or end, cannot be read
        wrong |= self._problems
        if wrong:
            raise ValidationError({self._called.get(column, column): [why] for column, why in wrong.items()})
        return values

    def _parsed(self, column: str, parse: Callable[[str], T]) -> T | None:
        text = self.text(column)
        try:
            return parse(text) if text else None
        except ValueError as why:
            self._problems[column] = str(why)
            return None


def _in_words(name: str, value: Any, why: str) -> str:
    """What the API says of a field, for who wrote a file."""
    if value in (None, ""):
        return "It is empty."
    return _WORDS.get(name) or _WORDS.get(why, why)


def read_duration_ms(text: str) -> int:
    """`25` and `2.5` are minutes, `1:30` is mm:ss, `1:00:00` is hh:mm:ss.

    Raises:
        ValueError: anything else.
    """
    if _MINUTES.match(text):
        return round(float(text.replace(",", ".")) * 60_000)
    match = _CLOCK.match(text)
    if match is None or (match[1] and int(match[2]) > _LAST_MINUTE):
        raise ValueError("Use minutes, mm:ss or hh:mm:ss.")
    hours, minutes, seconds = (int(part or 0) for part in match.groups())
    return ((hours * 60 + minutes) * 60 + seconds) * 1_000


def _utc(instant: datetime | None) -> datetime | None:
    return None if instant is None else from_wire(instant.isoformat())


def _unguarded(text: str) -> str:
    """Without the apostrophe that our own export puts before what a spreadsheet would take for a formula."""
    return text[1:] if _GUARDED.match(text) else text
