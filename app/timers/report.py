"""A run of show on paper: planned against actual as CSV (RFC 4180), and the plan as a calendar (iCalendar, RFC 5545).

Pure: timers in, text out. `Run` is when a timer ran; one that was reset has not.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime

from app.backends.turns import in_turns
from app.core.clock import add_ms, ms_between, to_wire
from app.timers.models import Timer

COLUMNS = (
    *("position", "title", "description", "state", "startsAt", "warnMs", "dangerMs", "onFinish"),
    *("plannedStart", "plannedDuration", "plannedEnd"),
    *("actualStart", "actualEnd", "actualDuration", "addedMs", "startDriftMs", "driftMs"),
)
# Full-width forms as well: spreadsheets set to East Asian languages take them for the narrow ones.
FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")
_LINE_BYTES = 75
_TOP_BITS, _GOES_ON = 0b1100_0000, 0b1000_0000  # an octet of UTF-8 that is not a character's first
_CONTROLS = re.compile("[\x00-\x08\x0a-\x1f]")
_TURN = 50  # timers: a few milliseconds


@dataclass(frozen=True, slots=True)
class Run:
    """From the first start to the end; `ended_at` None while it lasts."""

    started_at: datetime
    ended_at: datetime | None
    added_ms: int


def to_csv(timers: list[Timer], runs: Mapping[str, Run]) -> str:
    """One line a timer in order.

    Instants are ISO 8601, durations hh:mm:ss; `programme` reads it again.
    `driftMs` is how much later than planned it ended: against the planned end if the
    plan has a start, else against the planned length. Cells that a spreadsheet would run as a formula begin with `'`.
    """
    out = io.StringIO(newline="")
    writer = csv.writer(out)
    writer.writerow(COLUMNS)
    for timer in in_turns(timers, _TURN):
        writer.writerow([_cell(value) for value in _row(timer, runs.get(timer.id))])
    return out.getvalue()


def to_ics(timers: list[Timer], *, name: str, now: datetime) -> str:
    """The plan as a calendar; a timer without a start follows the one before, and is left out where there is none."""
    lines = [
        "BEGIN:VCALENDAR",
        "VERSION:2.0",
        "PRODID:-//Greenroom//Greenroom//EN",
        *_folded(f"X-WR-CALNAME:{_text(name)}"),
    ]
    start: datetime | None = None
    for timer in in_turns(timers, _TURN):
        start = planned_start(timer) or timer.started_at or start
        if start is not None:
            lines += [piece for line in _event(timer, start, now) for piece in _folded(line)]
            start = add_ms(start, timer.duration_ms)
    return "\r\n".join([*lines, "END:VCALENDAR", ""])


def planned_start(timer: Timer) -> datetime | None:
    """When the programme, or else its alarm, has it begin."""
    return timer.planned_at or timer.starts_at


def _row(timer: Timer, run: Run | None) -> list[object]:
    start = planned_start(timer)
    planned_end = None if start is None else add_ms(start, timer.duration_ms)
    plan = [_instant(start), _hms(timer.duration_ms), _instant(planned_end)]
    head = [timer.position + 1, timer.title, timer.description or "", timer.state]
    head += [_instant(timer.starts_at), timer.warn_ms, timer.danger_ms, timer.on_finish]
    if run is None:
        return [*head, *plan, "", "", "", 0, "", ""]
    lasted_ms = None if run.ended_at is None else ms_between(run.started_at, run.ended_at)
    start_drift_ms = "" if start is None else ms_between(start, run.started_at)
    fact = [_instant(run.started_at), _instant(run.ended_at), "" if lasted_ms is None else _hms(lasted_ms)]
    drift_ms: object = ""
    if run.ended_at is not None and lasted_ms is not None:
        drift_ms = lasted_ms - timer.duration_ms if planned_end is None else ms_between(planned_end, run.ended_at)
    return [*head, *plan, *fact, run.added_ms, start_drift_ms, drift_ms]


def _cell(value: object) -> object:
    if isinstance(value, str) and value.startswith(FORMULA_STARTS):
        return f"'{value}"
    return value


def _instant(at: datetime | None) -> str:
    return "" if at is None else to_wire(at)


def _hms(duration_ms: int) -> str:
    seconds = duration_ms // 1_000
    return f"{seconds // 3600:02}:{seconds // 60 % 60:02}:{seconds % 60:02}"


def _event(timer: Timer, start: datetime, now: datetime) -> Iterator[str]:
    yield from ("BEGIN:VEVENT", f"UID:{timer.id}@greenroom", f"DTSTAMP:{_basic(now)}", f"SEQUENCE:{timer.revision}")
    yield from (f"DTSTART:{_basic(start)}", f"DTEND:{_basic(add_ms(start, timer.duration_ms))}")
    yield f"SUMMARY:{_text(timer.title)}"
    if timer.description:
        yield f"DESCRIPTION:{_text(timer.description)}"
    yield "END:VEVENT"


def _basic(at: datetime) -> str:
    return f"{at:%Y%m%dT%H%M%SZ}"


def _text(value: str) -> str:
    """TEXT of RFC 5545, 3.3.11; other control characters have no form there."""
    value = value.replace("\\", "\\\\").replace(";", "\\;").replace(",", "\\,")
    value = value.replace("\r\n", "\n").replace("\r", "\n").replace("\n", "\\n")
    return _CONTROLS.sub("", value)


def _folded(line: str) -> Iterator[str]:
    """RFC 5545, 3.1: at most 75 octets a line, a character never cut; what goes on begins with a space."""
    octets = line.encode()
    start, room, mark = 0, _LINE_BYTES, ""
    while len(octets) - start > room:
        end = start + room
        while octets[end] & _TOP_BITS == _GOES_ON:
            end -= 1
        yield mark + octets[start:end].decode()
        start, room, mark = end, _LINE_BYTES - 1, " "
    yield mark + octets[start:].decode()
