"""One entry of a programme, read from cells of text and checked like what the API takes."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, TypeVar

from marshmallow import ValidationError

from app.core.clock import from_wire
from app.core.lines import one_line
from app.timers.schemas import TimerSchema

_CLOCK = re.compile(r"(?:(\d{1,3}):)?(\d{1,5}):([0-5]\d)\Z")
_MINUTES = re.compile(r"\d{1,5}(?:[.,]\d{1,3})?\Z")
_GUARDED = re.compile(r"'[=+\-@\t\r\n＝＋－＠]")
_WHOLE = re.compile(r"[0-9]{1,12}\Z")
_MORE = {"warnms": "warnMs", "dangerms": "dangerMs", "onfinish": "onFinish"}
_LAST_MINUTE = 59
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
    """The cells of one row by column; what is wrong with them is gathered, so that it is all said at once."""

    def __init__(self, cells: dict[str, str], problem: str | None = None) -> None:
        self._cells = cells
        self._problems: dict[str, list[str]] = {"row": [problem]} if problem else {}

    def text(self, column: str) -> str:
        """The cell trimmed; "" where there is none."""
        return self._cells.get(column, "").strip()

    def instant(self, column: str, *, called: str | None = None) -> datetime | None:
        """The cell as an instant with its own offset, None when it is empty; `called` is its name for people."""
        return self._parsed(column, read_instant, called)

    def duration_ms(self, column: str, *, called: str | None = None) -> int | None:
        """The cell as a duration, None when it is empty."""
        return self._parsed(column, read_duration_ms, called)

    def slot(
        self, *, duration_ms: int | None, start: datetime | None, description: str, alarm: datetime | None = None
    ) -> Slot:
        """The slot of this row.

        Raises:
            ValidationError: everything that is wrong with the row, by column.
        """
        row: dict[str, Any] = {"title": one_line(_unguarded(self.text("title")))}
        if duration_ms is not None:
            row["duration"] = duration_ms
        if description:
            row["description"] = _unguarded(description)
        for column, key in _MORE.items():
            if text := self.text(column):
                row[key] = int(text) if _WHOLE.match(text) else text
        wrong = _schema.validate(row)
        if self._problems:
            wrong.pop("duration", None)  # it is missing only because it, or the start or end, cannot be read
        wrong |= self._problems
        if wrong:
            raise ValidationError(wrong)
        place = self.text("position")
        return Slot(
            _schema.load(row),
            _utc(start),
            start.date() if start else None,
            self.text("room"),
            _utc(alarm),
            int(place) if _WHOLE.match(place) else 0,
        )

    def _parsed(self, column: str, parse: Callable[[str], T], called: str | None) -> T | None:
        text = self.text(column)
        try:
            return parse(text) if text else None
        except ValueError as why:
            self._problems[called or column] = [str(why)]
            return None


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


def read_instant(text: str) -> datetime:
    """An ISO 8601 instant, with the offset that it was written with.

    Raises:
        ValueError: anything else, one without an offset included.
    """
    try:
        from_wire(text)
        return datetime.fromisoformat(text)
    except ValueError:
        raise ValueError("Must be an ISO 8601 instant with its offset.") from None


def _utc(instant: datetime | None) -> datetime | None:
    return None if instant is None else from_wire(instant.isoformat())


def _unguarded(text: str) -> str:
    """Without the apostrophe that our own export puts before what a spreadsheet would take for a formula."""
    return text[1:] if _GUARDED.match(text) else text
