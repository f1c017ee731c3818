"""The run of show on paper: app/timers/report.py and runs.py."""

from __future__ import annotations

import csv
import sys
from datetime import UTC, datetime
from typing import Any

from hypothesis import example, given
from hypothesis import strategies as st

from app.core.actor import Actor
from app.core.clock import FakeClock, add_ms
from app.core.ids import new_id
from app.rooms.models import Room
from app.timers import service
from app.timers.models import Timer
from app.timers.report import COLUMNS, Run, to_csv, to_ics
from tests.timers.support import MINUTE_MS, make_timer

NOW = datetime(2026, 1, 1, 12, tzinfo=UTC)


def timer(title: str = "Talk", **values: Any) -> Timer:
    return Timer.new(room_id=new_id(), position=0, now=NOW, title=title, duration_ms=10 * MINUTE_MS, **values)


def rows(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(text.splitlines()))


def test_plan_and_fact_stand_side_by_side() -> None:
    planned = timer(planned_at=NOW)
    run = Run(add_ms(NOW, MINUTE_MS), add_ms(NOW, 13 * MINUTE_MS), 2 * MINUTE_MS)
    (row,) = rows(to_csv([planned], {planned.id: run}))
    assert tuple(row) == COLUMNS
    assert (row["plannedStart"], row["plannedEnd"]) == ("2026-01-01T12:00:00.000Z", "2026-01-01T12:10:00.000Z")
    assert (row["actualStart"], row["actualEnd"]) == ("2026-01-01T12:01:00.000Z", "2026-01-01T12:13:00.000Z")
    assert (row["plannedDuration"], row["actualDuration"]) == ("00:10:00", "00:12:00")
    assert (row["addedMs"], row["startDriftMs"], row["driftMs"]) == ("120000", "60000", "180000")


def test_without_a_planned_start_the_drift_is_that_of_the_length() -> None:
    free = timer()
    (row,) = rows(to_csv([free], {free.id: Run(NOW, add_ms(NOW, 9 * MINUTE_MS), 0)}))
    assert (row["plannedStart"], row["startDriftMs"], row["driftMs"]) == ("", "", "-60000")


def test_what_has_not_run_or_still_runs_has_no_end() -> None:
    waiting, running = timer("waiting"), timer("running", planned_at=NOW)
    first, second = rows(to_csv([waiting, running], {running.id: Run(NOW, None, 0)}))
    assert (first["actualStart"], first["driftMs"]) == ("", "")
    assert (second["actualStart"], second["actualEnd"], second["driftMs"]) == ("2026-01-01T12:00:00.000Z", "", "")


def test_no_cell_can_run_as_a_formula() -> None:
    for start in ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠"):
        (row,) = csv.DictReader(to_csv([timer(f"{start}1+1")], {}).split("\r\n"))
        assert row["title"].startswith(f"'{start}"[0])
        assert not row["title"].startswith(start)


def test_what_ran_over_ended_when_the_next_one_began(host: Actor, room: Room, clock: FakeClock) -> None:
    over = make_timer(room, host, "over", on_finish="overtime", duration_ms=20_000, starts_at=add_ms(NOW, 1_000))
    following = make_timer(room, host, "next")
    clock.advance(1_000)
    service.fire_timers([over.id])
    clock.advance(20_000 + 351_000)
    service.fire_timers([over.id])
    (row, _) = rows(service.export_csv(actor=host, room_id=room.id))
    assert (row["state"], row["actualEnd"], row["actualDuration"], row["driftMs"]) == ("finished", "", "", "")
    service.start_timer(actor=host, timer_id=following.id)
    (row, _) = rows(service.export_csv(actor=host, room_id=room.id))
    assert row["actualEnd"] == "2026-01-01T12:06:12.000Z"
    assert (row["actualDuration"], row["driftMs"]) == ("00:06:11", "351000")


def test_what_was_cut_short_ended_then_whatever_it_does_at_its_end(host: Actor, room: Room, clock: FakeClock) -> None:
    short = make_timer(room, host, "short", on_finish="overtime")
    make_timer(room, host, "next")
    service.start_timer(actor=host, timer_id=short.id)
    clock.advance(9 * MINUTE_MS)
    service.start_next(actor=host, timer_id=short.id)
    (row, _) = rows(service.export_csv(actor=host, room_id=room.id))
    assert (row["actualDuration"], row["driftMs"]) == ("00:09:00", "-60000")


def test_what_was_reset_or_skipped_has_not_run(host: Actor, room: Room, clock: FakeClock) -> None:
    ran, skipped = make_timer(room, host, "ran"), make_timer(room, host, "skipped")
    make_timer(room, host, "last")
    service.start_timer(actor=host, timer_id=ran.id)
    clock.advance(11 * MINUTE_MS)
    service.reset_timer(actor=host, timer_id=ran.id)
    service.start_next(actor=host, timer_id=skipped.id)
    first, second, third = rows(service.export_csv(actor=host, room_id=room.id))
    facts = ("actualStart", "actualEnd", "actualDuration", "startDriftMs", "driftMs")
    assert (first["state"], [first[name] for name in facts]) == ("idle", [""] * 5)
    assert (second["state"], second["actualStart"]) == ("finished", "")
    assert (third["actualStart"], third["actualEnd"]) == ("2026-01-01T12:11:00.000Z", "")


def test_the_calendar_has_what_is_planned_and_what_follows_from_it() -> None:
    unknown, planned, following = timer("Before"), timer("A; b, c\\d\nnew", planned_at=NOW), timer("After")
    planned.description = "About"
    lines = to_ics([unknown, planned, following], name="Main, hall", now=NOW).split("\r\n")
    assert lines[0] == "BEGIN:VCALENDAR"
    assert lines[-2:] == ["END:VCALENDAR", ""]
    assert "X-WR-CALNAME:Main\\, hall" in lines
    assert lines.count("BEGIN:VEVENT") == 2
    assert "SUMMARY:A\\; b\\, c\\\\d\\nnew" in lines
    assert "DESCRIPTION:About" in lines
    assert [line for line in lines if line.startswith(("DTSTART", "DTEND"))] == [
        *("DTSTART:20260101T120000Z", "DTEND:20260101T121000Z"),
        *("DTSTART:20260101T121000Z", "DTEND:20260101T122000Z"),
    ]


@example("é€𝄞, " * 40)
@given(st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=200))
def test_long_lines_are_folded_without_cutting_a_character(title: str) -> None:
    text = to_ics([timer(f"T{title}", planned_at=NOW)], name="Room", now=NOW)
    lines = text.split("\r\n")
    assert all(len(line.encode()) <= 75 for line in lines)
    escaped = title.replace("\\", "\\\\").replace(";", "\\;").replace(",", "\\,")
    assert f"SUMMARY:T{escaped}\r\n" in text.replace("\r\n ", "")


def test_a_long_line_is_folded_with_work_that_grows_as_it_does() -> None:
    calls = 0

    def count(frame: Any, kind: str, _: Any) -> None:
        nonlocal calls
        calls += kind in ("call", "c_call")

    long = timer("Talk", planned_at=NOW, description="é" * 2_000)
    sys.setprofile(count)
    try:
        text = to_ics([long], name="Room", now=NOW)
    finally:
        sys.setprofile(None)
    assert "é" * 2_000 in text.replace("\r\n ", "")
    assert calls < 500
