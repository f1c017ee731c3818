"""Reads a programme into slots: a CSV, and the schedule JSON that pretalx and frab export.

A CSV names its columns in its first row (see `columns`; any order, `,`, `;` or tab between them, others are ignored):
- a title and a duration: in minutes (`25`, `2.5`), `mm:ss` or `hh:mm:ss`; instead of it, an end may stand beside the start
- a start, which is the plan; `startsAt` instead is when it starts itself. Either is an instant or a time of day (see `times`)
- who speaks, and a description, else a type and a language: both are its description; room, warnMs, dangerMs, onFinish
- what `report.to_csv` writes: its `plannedStart` and `plannedDuration` count, in the order of its `position`
Text in, slots out. Either all rows are good, or the answer names each bad one and why, numbered as a spreadsheet does
(the header is row 1).

It is read in turns, and no further than it can be of use: `MAX_ROWS` rows of the wanted room, `MAX_LINES` lines for
them, `MAX_PROBLEMS` bad ones.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, date, datetime
from typing import Any, NamedTuple

import orjson
from marshmallow import ValidationError

from app.backends.turns import in_turns
from app.core.clock import ms_between
from app.core.errors import AppError
from app.timers.columns import MAX_COLUMNS, Columns, read_columns
from app.timers.conference import list_events, list_places, list_rooms, read_event
from app.timers.schemas import MAX_TIMERS
from app.timers.slots import Cells, Slot
from app.timers.times import Times

MAX_ROWS = 2 * MAX_TIMERS  # of two days, one may be wanted
MAX_LINES = 20_000  # empty ones and those of other rooms are gone past
MAX_PROBLEMS = 50
MAX_ROOMS = 100  # that are named
_MAX_NAME = 60
TURN_LINES = 500  # to go past
TURN_ROWS = 20  # to read: a few milliseconds
_NEVER = datetime.max.replace(tzinfo=UTC)
_BOM = "\ufeff"


class Programme(NamedTuple):
    """What was read.

    slots:    those of the good rows
    problems: what is wrong with the others, by row; `file` says how much was not looked at
    ignored:  the columns of which nothing was taken
    rooms:    of which it is the programme, the first `MAX_ROOMS`
    days:     on which the slots of the wanted room begin
    """

    slots: list[Slot]
    problems: dict[str, list[str]]
    ignored: list[str]
    rooms: list[str]
    days: list[date]


class _Source(NamedTuple):
    """`rows` of the wanted room after where they are; `left(n)` is how many lines there are after the first n of them;
    `rooms` are all that there are, known as far as the rows were gone through.
    """

    rows: Iterable[tuple[str, Any]]
    read: Callable[[Any], Slot]
    left: Callable[[int], int]
    ignored: list[str]
    rooms: dict[str, None]


def read_programme(
    content: str | dict[str, Any], *, times: Times, room: str | None = None, day: str | None = None
) -> list[Slot]:
    """The slots of `content` as of `examine_programme`, if all of its rows are good.

    Raises:
        AppError: `import_failed` with `details` by row.
    """
    programme = examine_programme(content, times=times, room=room, day=day)
    if programme.problems:
        raise AppError("import_failed", details=programme.problems)
    return programme.slots


def examine_programme(
    content: str | dict[str, Any], *, times: Times, room: str | None = None, day: str | None = None
) -> Programme:
    """The slots of `content`, by their places, else by their starts; those without either keep their order and come last.

    Args:
        content: the text of a CSV or JSON file, or the decoded JSON.
        times: reads the instants; its day and zone are those of times that have none.
        room: only the slots of this room.
        day: only those of this day: `2025-11-01`, or `1` for the first day that the file has.

    Raises:
        AppError: `import_failed` when it is no programme, or has no row, or more than a room can hold.
    """
    content = _decoded(content) if isinstance(content, str) else content
    source = _csv(content, times, room) if isinstance(content, str) else _schedule(content, times, room)
    slots, problems = _read(source)
    days = sorted({slot.day for slot in slots if slot.day})
    if not (slots or problems) and source.rooms and room is not None:
        problems = {"room": ["The file has no such room."]}
    elif day is not None and slots:
        slots = _of_day(slots, days, day, with_undated=times.asked)
        problems = problems or ({} if slots else {"day": ["The file has nothing on this day."]})
    if not (slots or problems):
        raise _failed("There is no row to import.")
    if len(slots) > MAX_TIMERS:
        raise _failed(f"A room has at most {MAX_TIMERS} timers.")
    slots.sort(key=lambda slot: (slot.place, slot.start or _NEVER))
    return Programme(slots, problems, source.ignored, list(source.rooms), days)


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


def _read(source: _Source) -> tuple[list[Slot], dict[str, list[str]]]:
    slots: list[Slot] = []
    bad: dict[str, list[str]] = {}
    for number, (where, row) in enumerate(in_turns(source.rows, TURN_ROWS), 1):
        if number > MAX_ROWS:
            raise _failed(f"At most {MAX_ROWS} rows.")
        try:
            slots.append(source.read(row))
        except ValidationError as why:
            bad[where] = [f"{column}: {' '.join(map(str, whys))}" for column, whys in why.messages_dict.items()]
        if len(bad) == MAX_PROBLEMS and (left := source.left(number)):
            return slots, {"file": [f"After {MAX_PROBLEMS} bad rows the rest was not looked at: {left} lines."], **bad}
    return slots, bad


def _of_day(slots: list[Slot], days: list[date], day: str, *, with_undated: bool) -> list[Slot]:
    """`with_undated`: of a file that leaves it to us which day it is, what has no time is of that day too."""
    names = {each.isoformat(): each for each in days} | {str(number): each for number, each in enumerate(days, 1)}
    wanted = names.get(day)
    return [slot for slot in slots if (slot.day == wanted if slot.day else with_undated)]


def _csv(text: str, times: Times, room: str | None) -> _Source:
    first = text.split("\n", 1)[0]
    lines = csv.reader(io.StringIO(text, newline=""), delimiter=max(",;\t", key=first.count), strict=True)
    rows = _numbered(lines)
    header = next(rows, ("", []))[1]
    if len(header) > MAX_COLUMNS:
        raise _failed(f"At most {MAX_COLUMNS} columns.")
    columns = read_columns(header)
    if "title" not in columns.places or not columns.places.keys() & {"duration", "end"}:
        raise _failed("The first row must name the columns: one is title, session or item, one duration or length.")
    last = text.rstrip().count("\n") + 1
    rooms: dict[str, None] = {}
    wanted = _wanted(rows, columns, times, room, rooms)
    return _Source(wanted, _slot, lambda _: max(0, last - lines.line_num), columns.ignored, rooms)


def _numbered(lines: Iterator[list[str]]) -> Iterator[tuple[str, list[str]]]:
    number = 0
    try:
        for number, line in enumerate(lines, 1):
            if number > MAX_LINES:
                raise _failed(f"At most {MAX_LINES} lines.")
            yield f"row {number}", line
    except csv.Error as why:
        raise AppError("import_failed", details={f"row {number + 1}": [f"not CSV: {why}"]}) from None


def _wanted(
    rows: Iterable[tuple[str, list[str]]], columns: Columns, times: Times, room: str | None, rooms: dict[str, None]
) -> Iterator[tuple[str, Cells]]:
    for where, line in in_turns(rows, TURN_LINES):
        if _has_text(line):
            cells = _cells(columns, line, times)
            _note(rooms, cells.text("room"))
            if room is None or cells.text("room").casefold() == room.casefold():
                yield where, cells


def _note(rooms: dict[str, None], room: str) -> None:
    if room and len(rooms) < MAX_ROOMS:
        rooms.setdefault(room[:_MAX_NAME])


def _has_text(line: list[str]) -> bool:
    return len(line) > MAX_COLUMNS or any(cell.strip() for cell in line)


def _cells(columns: Columns, line: list[str], times: Times) -> Cells:
    problem = "It has more cells than the header." if len(line) > columns.width else None
    cells = {holds: line[place] for holds, place in columns.places.items() if place < len(line)}
    return Cells(cells, times=times, called=columns.called, problem=problem)


def _slot(cells: Cells) -> Slot:
    planned, alarm, start = cells.instant("plannedstart"), cells.instant("startsat"), cells.instant("start")
    end = cells.instant("end")
    duration_ms = cells.duration_ms("duration")
    if duration_ms is None and start and end:
        duration_ms = ms_between(start, end)
    what = [cells.text("description")] if cells.text("description") else [cells.text("type"), cells.text("language")]
    about = " · ".join(filter(None, (cells.text("speaker"), *what)))
    return cells.slot(duration_ms=duration_ms, start=planned or start or alarm, description=about, alarm=alarm)


def _schedule(document: dict[str, Any], times: Times, room: str | None) -> _Source:
    try:
        places = list_places(document, room=room)
    except ValueError:
        raise _failed("This is not the schedule JSON of pretalx or frab.") from None
    rooms: dict[str, None] = {}
    for name in list_rooms(document):
        _note(rooms, name)
    count = sum(len(place.events) for place in places)
    return _Source(
        list_events(places), lambda event: read_event(event[0], event[1], times), lambda read: count - read, [], rooms
    )
