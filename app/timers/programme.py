"""Reads a programme into slots: CSV of two kinds, and the schedule JSON that pretalx and frab export.

CSV columns (any order; case and underscores do not matter; others are ignored; `,`, `;` or tab between them):
- `title, duration[, startsAt, description, warnMs, dangerMs, onFinish]`: duration in minutes (`25`, `2.5`), `mm:ss` or
  `hh:mm:ss`; `startsAt` is when it starts itself
- what `report.to_csv` writes: `plannedStart, plannedDuration` instead, in the order of its `position`; the rest is ignored
- `start, end, duration_min, room, title, type, language`: the form of `examples/data/pyconfr-2025.csv`
Pure: text in, slots out. Either all rows are good, or the answer names each bad one and why, numbered as a spreadsheet does
(the header is row 1).
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime
from itertools import islice
from typing import Any, NamedTuple

import orjson
from marshmallow import ValidationError

from app.core.clock import ms_between
from app.core.errors import AppError
from app.timers.slots import Cells, Slot

MAX_ROWS = 5_000
MAX_COLUMNS = 200
MAX_ABOUT = 2_000
_ALIASES = {"startsat": "start", "plannedduration": "duration"}
_NEVER = datetime.max.replace(tzinfo=UTC)
_BOM = "\ufeff"

Rows = Iterable[tuple[str, Any]]


class Programme(NamedTuple):
    """The slots of the good rows, and what is wrong with the others, by row."""

    slots: list[Slot]
    problems: dict[str, list[str]]


def read_programme(content: str | dict[str, Any], *, room: str | None = None, day: str | None = None) -> list[Slot]:
    """The slots of `content` as of `examine_programme`, if all of its rows are good.

    Raises:
        AppError: `import_failed` with `details` by row.
    """
    slots, problems = examine_programme(content, room=room, day=day)
    if problems:
        raise AppError("import_failed", details=problems)
    return slots


def examine_programme(content: str | dict[str, Any], *, room: str | None = None, day: str | None = None) -> Programme:
    """The slots of `content`, by their places, else by their starts; those without either keep their order and come last.

    Args:
        content: the text of a CSV or JSON file, or the decoded JSON.
        room: only the slots of this room.
        day: only those of this day: `2025-11-01`, or `1` for the first day that the file has.

    Raises:
        AppError: `import_failed` when it is no programme, or has no row.
    """
    content = _decoded(content) if isinstance(content, str) else content
    slots, problems = _read(*_csv(content)) if isinstance(content, str) else _read(_events(content), _event_slot)
    if room is not None:
        slots = [slot for slot in slots if slot.room.casefold() == room.casefold()]
    if day is not None:
        slots = _of_day(slots, day)
    if not (slots or problems):
        raise _failed("There is no row to import.")
    return Programme(sorted(slots, key=lambda slot: (slot.place, slot.start or _NEVER)), problems)


def _failed(why: str) -> AppError:
    return AppError("import_failed", details={"file": [why]})


def _decoded(text: str) -> str | dict[str, Any]:
    text = text.removeprefix(_BOM)
    if not text.lstrip().startswith("{"):
        return text
    try:
        return dict(orjson.loads(text))
    except orjson.JSONDecodeError:
        raise _failed("The JSON cannot be read.") from None


def _read(rows: Rows, read: Callable[[Any], Slot]) -> tuple[list[Slot], dict[str, list[str]]]:
    slots, bad = [], {}
    for where, row in rows:
        try:
            slots.append(read(row))
        except ValidationError as why:
            bad[where] = [f"{column}: {' '.join(map(str, whys))}" for column, whys in why.messages_dict.items()]
    return slots, bad


def _of_day(slots: list[Slot], day: str) -> list[Slot]:
    days = sorted({slot.day for slot in slots if slot.day})
    names = {each.isoformat(): each for each in days} | {str(number): each for number, each in enumerate(days, 1)}
    wanted = names.get(day)
    return [slot for slot in slots if slot.day and slot.day == wanted]


def _csv(text: str) -> tuple[Rows, Callable[[Any], Slot]]:
    first = text.split("\n", 1)[0]
    lines = csv.reader(io.StringIO(text, newline=""), delimiter=max(",;\t", key=first.count), strict=True)
    rows = _numbered(lines)
    names = next(rows, ("", []))[1]
    if len(names) > MAX_COLUMNS:
        raise _failed(f"At most {MAX_COLUMNS} columns.")
    header = [_column(name) for name in names]
    is_talks = "durationmin" in header
    if "title" not in header or not (is_talks or "duration" in header):
        raise _failed("The first row must name the columns: title and duration, or title and duration_min.")
    cells = ((where, _cells(header, line)) for where, line in rows if any(cell.strip() for cell in line))
    return cells, _talk_slot if is_talks else _simple_slot


def _numbered(lines: Iterator[list[str]]) -> Iterator[tuple[str, list[str]]]:
    number = 0
    try:
        for number, line in enumerate(lines, 1):
            if number > MAX_ROWS + 1:
                raise _failed(f"At most {MAX_ROWS} rows.")
            yield f"row {number}", line
    except csv.Error as why:
        raise AppError("import_failed", details={f"row {number + 1}": [f"not CSV: {why}"]}) from None


def _column(name: str) -> str:
    plain = re.sub(r"[\s_]", "", name).casefold()
    return _ALIASES.get(plain, plain)


def _cells(header: list[str], line: list[str]) -> Cells:
    problem = "It has more cells than the header." if len(line) > len(header) else None
    return Cells(dict(zip(header, line, strict=False)), problem)


def _simple_slot(cells: Cells) -> Slot:
    alarm, planned = cells.instant("start", called="startsAt"), cells.instant("plannedstart", called="plannedStart")
    return cells.slot(
        duration_ms=cells.duration_ms("duration"),
        start=planned or alarm,
        description=cells.text("description"),
        alarm=alarm,
    )


def _talk_slot(cells: Cells) -> Slot:
    start, end = cells.instant("start"), cells.instant("end")
    duration_ms = cells.duration_ms("durationmin", called="duration_min")
    if duration_ms is None and start and end:
        duration_ms = ms_between(start, end)
    about = " · ".join(filter(None, (cells.text("type"), cells.text("language"))))
    return cells.slot(duration_ms=duration_ms, start=start, description=about)


def _events(document: dict[str, Any]) -> Rows:
    """Each event of a schedule with where it is."""
    try:
        found = (
            (f"day {day_number}, {room}, {number}", {**event, "room": room})
            for day_number, day in enumerate(document["schedule"]["conference"]["days"], 1)
            for room, events in day["rooms"].items()
            for number, event in enumerate(events, 1)
        )
        rows = list(islice(found, MAX_ROWS + 1))
    except (KeyError, TypeError, AttributeError):
        raise _failed("This is not the schedule JSON of pretalx or frab.") from None
    if len(rows) > MAX_ROWS:
        raise _failed(f"At most {MAX_ROWS} events.")
    return rows


def _event_slot(event: dict[str, Any]) -> Slot:
    """`duration` is hh:mm there, `date` the start."""
    cells = Cells({key: value for key, value in event.items() if isinstance(value, str)} | _with_seconds(event))
    about = " · ".join(filter(None, (", ".join(_speakers(event)), cells.text("type"))))
    return cells.slot(
        duration_ms=cells.duration_ms("duration"), start=cells.instant("date"), description=about[:MAX_ABOUT]
    )


def _with_seconds(event: dict[str, Any]) -> dict[str, str]:
    return {"duration": f"{event['duration']}:00"} if event.get("duration") else {}


def _speakers(event: dict[str, Any]) -> list[str]:
    persons = event.get("persons")
    people = [person for person in persons if isinstance(person, dict)] if isinstance(persons, list) else []
    return [name for person in people if isinstance(name := person.get("public_name") or person.get("name"), str)]
