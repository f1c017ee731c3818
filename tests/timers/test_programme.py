"""Reading a programme: app/timers/programme.py and slots.py, and importing it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import gevent
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import event
from sqlalchemy.orm import Session

from app.backends.transaction import database, reading
from app.core.actor import Actor
from app.core.clock import FakeClock, add_ms
from app.core.errors import AppError
from app.core.event import Event
from app.rooms.models import Room
from app.timers import programme, service
from app.timers.action import PORTION
from app.timers.models import Timer
from app.timers.programme import read_programme
from app.timers.schemas import MAX_TIMERS
from app.timers.slots import Cells, Slot, read_duration_ms
from app.timers.times import Times, find_zone
from tests.support.factories import make_user
from tests.timers.support import MINUTE_MS, list_ids, read, refusal

DAY = date(2026, 1, 2)
PYCONFR = Path(__file__).parents[2] / "examples" / "data" / "pyconfr-2025.csv"


def slots_of(content: Any, *, times: Times | None = None, **only: Any) -> list[Slot]:
    """What is read of `content` on 2026-01-02 in UTC."""
    return read_programme(content, times=times or Times(DAY, UTC), **only)


def schedule(*events: dict[str, Any]) -> dict[str, Any]:
    """What pretalx exports, with one day and one room."""
    return {"schedule": {"conference": {"days": [{"date": "2026-01-02", "rooms": {"Hall": list(events)}}]}}}


EVENT = {
    "title": "Welcome",
    "duration": "00:45",
    "date": "2026-01-02T09:00:00+01:00",
    "type": "Talk",
    "persons": [{"public_name": "Ada"}, {"name": "Bob"}, {}, 7],
}


NO_TIME = "Write a time, as 09:30, or a day and a time, as 2030-05-04T09:30."


@contextmanager
def counted(owner: type, name: str) -> Iterator[list[None]]:
    """The calls of a method, which does what it does."""
    calls: list[None] = []
    real = getattr(owner, name)

    def method(*args: Any, **kwargs: Any) -> Any:
        calls.append(None)
        return real(*args, **kwargs)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(owner, name, method)
        yield calls


def problems(content: Any, **only: Any) -> dict[str, list[str]]:
    with pytest.raises(AppError, match="import_failed") as why:
        slots_of(content, **only)
    return why.value.details


def test_a_day_of_one_room_is_a_run_of_show() -> None:
    text = PYCONFR.read_text(encoding="utf-8")
    slots = slots_of(text, room="b003", day="1")
    assert len(slots) == 11
    assert slots == slots_of(text, room="B003", day="2025-11-01")
    assert slots[0].start == datetime(2025, 11, 1, 7, 50, tzinfo=UTC)
    assert slots[0].values["duration_ms"] == 45 * MINUTE_MS
    assert slots[0].values["description"] == "Short plenary · fr"
    assert {slot.day for slot in slots} == {date(2025, 11, 1)}
    assert len(slots_of(text)) == 75


@pytest.mark.parametrize(
    ("text", "duration_ms"),
    [
        ("25", 1_500_000),
        ("2.5", 150_000),
        ("2,5", 150_000),
        ("01:30", 90_000),
        ("90:00", 5_400_000),
        ("1:00:00", 3_600_000),
    ],
)
def test_durations_are_minutes_or_clock_times(text: str, duration_ms: int) -> None:
    assert read_duration_ms(text) == duration_ms


@pytest.mark.parametrize("text", ["", "x", "-5", "1:60", "1:60:00", "1e3", "nan", "inf", "1:2", "٣"])
def test_other_durations_are_refused(text: str) -> None:
    with pytest.raises(ValueError, match="minutes"):
        read_duration_ms(text) if text != "٣" else read_duration_ms("٣:٣")


def test_columns_may_come_in_any_order_form_and_delimiter() -> None:
    for delimiter in (",", ";", "\t"):
        rows = [
            ["Duration", "notes", "TITLE", "starts_at", "description"],
            ["5", "?", "A", "2026-01-02T10:00+01:00", " d "],
        ]
        slots = slots_of("\ufeff" + "\r\n".join(delimiter.join(row) for row in [*rows, [], ["", " "]]))
        at = datetime(2026, 1, 2, 9, tzinfo=UTC)
        values = {"title": "A", "duration_ms": 300_000, "description": "d"}
        assert slots == [Slot(values, at, date(2026, 1, 2), "", alarm=at)]


def test_every_bad_row_is_named_with_all_that_is_wrong() -> None:
    head = "Title,Length (min),startsAt,warn_ms\n"
    text = f'{head}Good,5,\n,x,soon\n"two\nlines",0,2026-01-01T00:00\nToo,5,,,many\n\nLast,\nWhen,5,24:00,soon\n'
    assert problems(text) == {
        "row 3": [
            "Title: It is empty.",
            f"startsAt: {NO_TIME}",
            "Length (min): Use minutes, mm:ss or hh:mm:ss.",
        ],
        "row 4": ["Length (min): From one second to seven days."],
        "row 5": ["row: It has more cells than the header."],
        "row 7": ["Length (min): It is empty."],
        "row 8": ["warn_ms: Write a number.", f"startsAt: {NO_TIME}"],
    }


def test_the_length_of_a_talk_may_follow_from_its_end() -> None:
    head = "start,end,duration_min,room,title\n2026-01-01T10:00Z,"
    assert slots_of(f"{head}2026-01-01T10:30Z,,A,T")[0].values["duration_ms"] == 30 * MINUTE_MS
    assert list(problems(f"{head}2026-01-01T09:30Z,,A,T")) == ["row 2"]
    assert problems(f"{head},,A,T") == {"row 2": ["duration_min: It is empty."]}


@pytest.mark.parametrize("text", ["", "title\nA", "what,duration\nA,5", "title,duration", "{", "{}", "[]"])
def test_what_is_no_programme_is_refused_as_a_whole(text: str) -> None:
    assert list(problems(text)) == ["file"]


def test_broken_quotes_and_too_many_rows_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    assert list(problems('title,duration\nA,5\n"B,5')) == ["row 3"]
    assert list(problems("title,duration\n" + "x" * 200_000 + ",5")) == ["row 2"]
    monkeypatch.setattr(programme, "MAX_ROWS", 2)
    assert len(slots_of("title,duration\nA,5\nB,5")) == 2
    assert problems("title,duration\nA,5\nB,5\nC,5") == {"file": ["At most 2 rows."]}
    assert problems(schedule(EVENT, EVENT, EVENT)) == {"file": ["At most 2 rows."]}
    assert len(slots_of("title,duration,room\nA,5,X\nB,5,Y\nC,5,X", room="x")) == 2


def test_more_than_a_room_can_hold_is_refused_before_it_is_shown() -> None:
    rows = "A,5\n" * MAX_TIMERS
    assert len(slots_of(f"title,duration\n{rows}")) == MAX_TIMERS
    assert problems(f"title,duration\n{rows}B,5") == {"file": [f"A room has at most {MAX_TIMERS} timers."]}


@pytest.mark.parametrize(
    ("content", "left"),
    [
        (schedule(*[{}] * 300_000), 299_950),
        ("title,duration\n" + "A,\n" * 200_000, 199_950),
    ],
)
def test_after_fifty_bad_rows_the_rest_is_not_looked_at(content: Any, left: int) -> None:
    with counted(Cells, "slot") as calls:
        found = problems(content)
    assert (len(found), next(iter(found))) == (51, "file")
    assert found["file"] == [f"After 50 bad rows the rest was not looked at: {left} lines."]
    assert len(calls) == 50


def test_fifty_bad_rows_that_are_all_say_nothing_of_a_rest() -> None:
    assert "file" not in problems("title,duration\n" + "A,\n" * 50)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("," * 490_000 + "\nA,5", "At most 200 columns."),
        ("title,duration" + "\n" * 900_000, "At most 20000 lines."),
        ("title,duration,room\n" + "A,5,X\n" * 100_000, "At most 20000 lines."),
    ],
)
def test_a_file_beyond_all_measure_is_refused_with_little_work(text: str, why: str) -> None:
    with counted(Cells, "__init__") as calls:
        assert problems(text, room="Hall") == {"file": [why]}
    assert len(calls) <= programme.MAX_LINES


def test_a_cell_that_no_timer_could_hold_is_named_and_not_cut() -> None:
    assert problems("title,duration,description\n" + "A" * 100_000 + ",5," + "B" * 100_000) == {
        "row 2": ["title: One line of at most 200 characters.", "description: At most 2000 characters."]
    }
    assert slots_of("title,duration\n" + "A" + " " * 9_000 + "B,5")[0].values["title"] == "A B"


def test_a_long_programme_is_read_in_turns() -> None:
    taken = 0

    def others() -> None:
        nonlocal taken
        while True:
            taken += 1
            gevent.sleep(0)

    greenlet = gevent.spawn(others)
    slots_of("title,duration\n" + "A,5\n" * 400)
    greenlet.kill()
    assert taken >= 400 // programme.TURN_ROWS


def test_a_programme_is_read_before_the_room_is_held(host: Actor, room: Room) -> None:
    held: list[bool] = []

    class Watched(dict[str, Any]):
        def __getitem__(self, key: str) -> Any:
            held.append(database.in_transaction)
            return super().__getitem__(key)

    service.import_timers(actor=host, room_id=room.id, content=Watched(schedule(EVENT)))
    assert set(held) == {False}


def test_who_may_not_import_is_refused_before_anything_is_read(room: Room) -> None:
    content = schedule({})
    assert refusal(service.import_timers, actor=make_user(), room_id=room.id, content=content) == "forbidden"


def test_a_run_is_replaced_a_portion_at_a_time(host: Actor, room: Room) -> None:
    sizes = []

    def note(session: Session, *_: Any) -> None:
        sizes.append(sum(isinstance(row, Timer) for row in (*session.new, *session.deleted)))

    arguments: dict[str, Any] = {"actor": host, "room_id": room.id, "content": "title,duration\n" + "A,5\n" * 120}
    event.listen(Session, "before_flush", note)
    try:
        service.import_timers(**arguments)
        service.import_timers(**arguments, mode="replace")
    finally:
        event.remove(Session, "before_flush", note)
    assert (sum(sizes), max(sizes)) == (360, PORTION)


def test_the_schedule_of_pretalx_is_read_as_text_or_decoded() -> None:
    document = schedule(EVENT, {"title": "Later", "duration": "1:30"})
    first, second = slots_of(document, room="Hall")
    assert [first, second] == slots_of(json.dumps(document))
    assert first.values == {"title": "Welcome", "duration_ms": 45 * MINUTE_MS, "description": "Ada, Bob · Talk"}
    assert (first.start, first.alarm) == (datetime(2026, 1, 2, 8, tzinfo=UTC), None)
    assert (second.values["duration_ms"], second.start) == (90 * MINUTE_MS, None)


@pytest.mark.parametrize(
    "document",
    [
        {"schedule": 7},
        {"schedule": {"conference": {"days": [{}]}}},
        {"schedule": {"conference": {"days": [{"rooms": []}]}}},
        {"schedule": {"conference": {"days": [{"rooms": {"Hall": {}}}]}}},
    ],
)
def test_json_of_another_shape_is_refused(document: dict[str, Any]) -> None:
    assert list(problems(document)) == ["file"]


def test_a_bad_event_of_a_schedule_is_named() -> None:
    bad = {"title": 7, "duration": [], "persons": "x", "date": "soon"}
    assert problems(schedule(EVENT, bad, "?")) == {
        "day 1, Hall, 2": ["title: It is empty.", f"date: {NO_TIME}"],
        "day 1, Hall, 3": ["title: It is empty.", "duration: It is empty."],
    }


@pytest.mark.parametrize(("room", "day"), [("X", None), (None, "0"), (None, "9"), (None, "2030-01-01")])
def test_a_filter_that_leaves_nothing_is_refused(room: str | None, day: str | None) -> None:
    with pytest.raises(AppError, match="import_failed"):
        slots_of(schedule(EVENT), room=room, day=day)


@given(st.text(max_size=200))
def test_no_text_breaks_the_reader(text: str) -> None:
    for content in (text, f"title,duration\n{text}", f"start,end,duration_min,room,title\n{text}"):
        try:
            slots = slots_of(content)
        except AppError as why:
            assert why.code == "import_failed"  # noqa: PT017 - or it may be good
        else:
            assert all(slot.values["title"] for slot in slots)


def test_an_import_appends_all_or_nothing(host: Actor, room: Room, published: list[Event]) -> None:
    arguments = {"actor": host, "room_id": room.id}
    assert refusal(service.import_timers, content="title,duration\nA,5\nB,x", **arguments) == "import_failed"
    assert published == []
    service.create_timer(actor=host, room_id=room.id, values={"title": "First", "duration_ms": 1_000})
    timers = service.import_timers(content="title,duration\nA,5\nB,6", **arguments)
    assert [(timer.title, timer.position) for timer in timers] == [("A", 1), ("B", 2)]
    assert [event.name for event in published] == ["timer-created"] * 3


def test_a_replacement_takes_the_place_of_all_that_was_there(
    host: Actor, room: Room, published: list[Event], clock: FakeClock
) -> None:
    arguments: dict[str, Any] = {"actor": host, "room_id": room.id, "content": "title,duration\nA,5\nB,6"}
    service.import_timers(**arguments)
    old = list_ids(room)
    preview = service.preview_import(**arguments)
    assert ([row["title"] for row in preview.items], preview.timer_count, preview.can_replace) == (["A", "B"], 2, True)
    timers = service.import_timers(**arguments, mode="replace")
    assert list_ids(room) == [timer.id for timer in timers]
    assert not set(old) & set(list_ids(room))
    assert [event.name for event in published[2:]] == ["timer-deleted"] * 2 + ["timer-created"] * 2


@pytest.mark.parametrize("actions", [[service.start_timer], [service.start_timer, service.pause_timer]])
def test_a_run_that_is_on_is_not_replaced(host: Actor, room: Room, clock: FakeClock, actions: list[Any]) -> None:
    arguments: dict[str, Any] = {"actor": host, "room_id": room.id, "content": "title,duration\nA,5"}
    (timer,) = service.import_timers(**arguments)
    for action in actions:
        action(actor=host, timer_id=timer.id)
    assert not service.preview_import(**arguments).can_replace
    assert refusal(service.import_timers, **arguments, mode="replace") == "show_is_on"
    assert list_ids(room) == [timer.id]
    service.reset_timer(actor=host, timer_id=timer.id)
    service.import_timers(**arguments, mode="replace")
    assert timer.id not in list_ids(room)


def test_a_preview_shows_good_rows_and_names_bad_ones(host: Actor, room: Room, published: list[Event]) -> None:
    arguments: dict[str, Any] = {"actor": host, "room_id": room.id}
    preview = service.preview_import(content="title,duration\nA,5\nB,x\n,5", **arguments)
    assert ([row["title"] for row in preview.items], list(preview.problems)) == (["A"], ["row 3", "row 4"])
    assert (list_ids(room), published) == ([], [])
    assert refusal(service.preview_import, content="nothing", **arguments) == "import_failed"


def test_a_plan_starts_nothing_unless_asked(host: Actor, room: Room, clock: FakeClock) -> None:
    def imported(text: str, **options: Any) -> Any:
        return read(service.import_timers(actor=host, room_id=room.id, content=text, **options)[0])

    later = add_ms(clock.now(), MINUTE_MS)
    talk = f"start,end,duration_min,room,title\n{later.isoformat()},,5,A,T"
    planned = imported(talk)
    assert (planned.planned_at, planned.starts_at, planned.wakes_at) == (later, None, None)
    assert imported(talk, auto_start=True).wakes_at == later
    assert imported(f"title,duration,startsAt\nA,5,{later.isoformat()}").wakes_at == later
    past = imported("title,duration,startsAt\nA,5,2020-01-01T00:00Z")
    assert (past.starts_at, past.planned_at) == (None, datetime(2020, 1, 1, tzinfo=UTC))


def test_a_run_that_was_exported_is_imported_as_it_was(host: Actor, room: Room, clock: FakeClock) -> None:
    later = add_ms(clock.now(), 3_600_000)
    plan = f"title,duration_min,start\nPlanned,5,{later.isoformat()}\nFree,10,"
    planned, free = service.import_timers(actor=host, room_id=room.id, content=plan)
    rings = {"title": "Rings", "duration_ms": 60_000, "starts_at": later, "on_finish": "overtime", "warn_ms": 30_000}
    service.create_timer(actor=host, room_id=room.id, values={**rings, "danger_ms": 5_000, "description": "By itself"})
    service.order_timers(actor=host, room_id=room.id, ids=[free.id, planned.id, list_ids(room)[-1]])
    kept = ("title", "description", "duration_ms", "warn_ms", "danger_ms", "on_finish", "starts_at")
    with reading() as session:
        before = [[getattr(timer, name) for name in kept] for timer in service.list_timers(session, room.id)]
    again = service.import_timers(actor=host, room_id=room.id, content=service.export_csv(actor=host, room_id=room.id))
    assert [[getattr(timer, name) for name in kept] for timer in again] == before
    assert [(timer.title, timer.planned_at) for timer in again] == [
        ("Free", None),
        ("Planned", later),
        ("Rings", later),
    ]


def test_an_export_can_be_imported_again(host: Actor, room: Room, clock: FakeClock) -> None:
    plan = "title,duration,startsAt,description\n=SUM(A1),5,2020-01-01T00:00Z,-x\nB,1:30:00,,\n"
    service.import_timers(actor=host, room_id=room.id, content=plan)
    first = slots_of(service.export_csv(actor=host, room_id=room.id))
    assert [(slot.values["title"], slot.values["duration_ms"]) for slot in first] == [
        ("=SUM(A1)", 300_000),
        ("B", 5_400_000),
    ]


@pytest.mark.parametrize(
    ("text", "hour", "minute"),
    [
        *(("9:00", 9, 0), ("09:00", 9, 0), ("09:00:00", 9, 0), ("9h30", 9, 30), ("9.30", 9, 30)),
        *(("12:15 am", 0, 15), ("9:30 PM", 21, 30), ("12:00 p.m.", 12, 0)),
    ],
)
def test_a_time_of_day_is_of_the_day_and_zone_that_were_asked_for(text: str, hour: int, minute: int) -> None:
    times = Times(DAY, find_zone("Europe/Paris"))
    (slot,) = slots_of(f"Session,Start,Length (min)\nA,{text},25", times=times)
    assert slot.start == datetime(2026, 1, 2, hour, minute, tzinfo=find_zone("Europe/Paris"))
    assert (slot.values["duration_ms"], slot.alarm, times.asked) == (25 * MINUTE_MS, None, True)


def test_a_day_and_time_without_an_offset_is_in_the_zone_and_one_with_it_is_not() -> None:
    times = Times(DAY, find_zone("Europe/Paris"))
    local, absolute = slots_of("item;start;duration\nA;2026-07-01 09:00;5\nB;2026-07-01T09:00Z;5", times=times)
    assert local.start == datetime(2026, 7, 1, 7, tzinfo=UTC)
    assert absolute.start == datetime(2026, 7, 1, 9, tzinfo=UTC)


def test_a_show_passes_midnight_in_each_of_its_rooms() -> None:
    rows = "A,23:30,5,X\nB,00:15,5,X\nC,09:00,5,Y\nD,08:00,5,Y"
    slots = slots_of(f"title,start,duration,room\n{rows}")
    starts = {slot.values["title"]: slot.start for slot in slots}
    assert starts == {
        "A": datetime(2026, 1, 2, 23, 30, tzinfo=UTC),
        "B": datetime(2026, 1, 3, 0, 15, tzinfo=UTC),
        "C": datetime(2026, 1, 2, 9, tzinfo=UTC),
        "D": datetime(2026, 1, 2, 8, tzinfo=UTC),
    }


@pytest.mark.parametrize("text", ["24:00", "9", "0:15 am", "13:00 pm", "2026-01-02", "9999-12-31T23:00-09:00", "9:5"])
def test_what_is_no_time_is_refused(text: str) -> None:
    assert problems(f"title,duration,Begins\nA,5,{text}") == {"row 2": [f"Begins: {NO_TIME}"]}


@pytest.mark.parametrize(
    "header", ["Session,Length", "ITEM,Duration (min)", "name,minutes", "Titre,Durée (min)", "Talk,Min"]
)
def test_columns_have_the_names_that_people_give_them(header: str) -> None:
    (slot,) = slots_of(f"{header}\nA,25")
    assert slot.values == {"title": "A", "duration_ms": 25 * MINUTE_MS}


def test_a_length_in_other_units_is_not_taken_for_minutes() -> None:
    assert list(problems("title,duration (sec)\nA,25")) == ["file"]


def test_a_preview_says_what_it_ignored_and_which_day_and_zone_it_took(
    host: Actor, room: Room, clock: FakeClock
) -> None:
    arguments: dict[str, Any] = {"actor": host, "room_id": room.id}
    text = "Session,Speaker,Start,Length (min),,Track\nA,Ada,09:00,5,,x"
    preview = service.preview_import(content=text, **arguments)
    assert (preview.ignored_columns, preview.day, preview.time_zone) == (["Track"], "2026-01-01", "UTC")
    assert [row["description"] for row in preview.items] == ["Ada"]
    preview = service.preview_import(content=text, day="2026-03-01", time_zone="Asia/Tokyo", **arguments)
    assert [row["planned_at"] for row in preview.items] == [datetime(2026, 3, 1, tzinfo=UTC)]
    preview = service.preview_import(content="title,duration\nA,5", **arguments)
    assert (preview.day, preview.time_zone) == (None, None)
    (timer,) = service.import_timers(content=text, time_zone="Asia/Tokyo", **arguments)
    assert timer.planned_at == datetime(2026, 1, 1, tzinfo=UTC)


def test_a_preview_says_of_which_rooms_and_days_the_programme_is(host: Actor, room: Room) -> None:
    text = PYCONFR.read_text(encoding="utf-8")
    arguments: dict[str, Any] = {"actor": host, "room_id": room.id}
    preview = service.preview_import(content=text, **arguments)
    assert (len(preview.rooms), preview.rooms[:3]) == (8, ["B003", "B316", "B421"])
    assert preview.days == ["2025-11-01", "2025-11-02"]
    preview = service.preview_import(content=text, room="B316", day="2025-11-01", **arguments)
    assert (len(list(preview.items)), len(preview.rooms), len(preview.days)) == (7, 8, 2)
    document = service.preview_import(content=schedule(EVENT), room="Hall", **arguments)
    assert document.rooms == ["Hall"]
    assert service.preview_import(content="title,duration\nA,5", **arguments).rooms == []
    assert len(service.preview_import(content=many_rooms(), **arguments).rooms) == programme.MAX_ROOMS


def many_rooms() -> str:
    return "\n".join(["title,duration,room", *(f"A,5,Room {number}" for number in range(programme.MAX_ROOMS + 20))])


def test_a_room_or_a_day_that_a_programme_does_not_have_is_said_with_those_that_it_has(host: Actor, room: Room) -> None:
    text = PYCONFR.read_text(encoding="utf-8")
    arguments: dict[str, Any] = {"actor": host, "room_id": room.id, "content": text}
    preview = service.preview_import(room="B 316", **arguments)
    assert (preview.problems, len(preview.rooms)) == ({"room": ["The file has no such room."]}, 8)
    preview = service.preview_import(room="B316", day="2030-01-01", **arguments)
    assert (preview.problems, len(preview.days)) == ({"day": ["The file has nothing on this day."]}, 2)
    assert problems(text, room="B 316") == {"room": ["The file has no such room."]}


def test_what_happens_at_the_end_may_be_said_for_all_of_a_programme(host: Actor, room: Room) -> None:
    text = "title,duration,onFinish\nA,5,\nB,5,next"
    timers = service.import_timers(actor=host, room_id=room.id, content=text, on_finish="overtime")
    assert [timer.on_finish for timer in timers] == ["overtime", "next"]


@pytest.mark.parametrize(
    ("row", "description"),
    [("Ada & Grace,About it,", "Ada & Grace · About it"), ("Ada,,Talk", "Ada · Talk"), (",,", None)],
)
def test_who_speaks_stands_first_in_the_description(row: str, description: str | None) -> None:
    (slot,) = slots_of(f"title,duration,speakers,description,type\nA,5,{row}")
    assert slot.values.get("description") == description


def test_a_replacement_removes_only_what_its_preview_saw(host: Actor, room: Room, clock: FakeClock) -> None:
    arguments: dict[str, Any] = {"actor": host, "room_id": room.id, "content": "title,duration\nA,5"}
    service.import_timers(**arguments)
    seen = service.preview_import(**arguments).run_tag
    (more,) = service.import_timers(**arguments)
    assert refusal(service.import_timers, **arguments, mode="replace", run_tag=seen) == "run_changed"
    assert len(list_ids(room)) == 2
    seen = service.preview_import(**arguments).run_tag
    service.update_timer(actor=host, timer_id=more.id, values={"title": "Renamed"})
    assert refusal(service.import_timers, **arguments, mode="replace", run_tag=seen) == "run_changed"
    seen = service.preview_import(**arguments).run_tag
    service.import_timers(**arguments, mode="replace", run_tag=seen)
    assert len(list_ids(room)) == 1
    service.import_timers(**arguments, mode="append", run_tag=seen)
