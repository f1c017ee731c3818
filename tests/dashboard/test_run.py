from __future__ import annotations

import io
from collections.abc import Iterator

import pytest

from app.core.clock import FakeClock
from tests.dashboard.plain_browser import PlainBrowser


@pytest.fixture
def room_id(host: PlainBrowser) -> Iterator[str]:
    """A room whose control page the host has open."""
    return host.make_room()


def timers(host: PlainBrowser, room_id: str) -> list[tuple[str, str]]:
    return [(timer["title"], timer["state"]) for timer in host.state(room_id)["timers"]]


def test_a_timer_is_added_with_its_start_and_ending(host: PlainBrowser, room_id: str) -> None:
    host.add_timer("Opening", "1:05:00", startsAt="2999-01-01T09:30", onFinish="overtime")
    (timer,) = host.state(room_id)["timers"]
    assert (timer["duration"], timer["onFinish"]) == (3_900_000, "overtime")
    assert timer["startsAt"] == "2999-01-01T09:30:00.000Z"


@pytest.mark.parametrize("length", ["", "soon", "-5", "99999999"])
def test_a_length_that_is_none_adds_nothing_and_is_told(host: PlainBrowser, room_id: str, length: str) -> None:
    page = host.add_timer("Opening", length)
    assert page.status == 422
    assert timers(host, room_id) == []


def test_a_page_as_it_was_sent_shows_what_is_left(host: PlainBrowser, room_id: str, clock: FakeClock) -> None:
    host.add_timer("Opening")
    host.submit("/start")
    clock.advance(60_500)
    share = host.share_path()
    for path in (f"/rooms/{room_id}", share, f"{share}/stage", f"{share}/crowd"):
        assert "24:00" in host.open(path).text, path


def test_every_button_of_a_timer_works_by_form(host: PlainBrowser, room_id: str, clock: FakeClock) -> None:
    host.add_timer("One")
    host.add_timer("Two")
    steps = [
        ("start", [("One", "running"), ("Two", "idle")]),
        ("plus", [("One", "running"), ("Two", "idle")]),
        ("minus", [("One", "running"), ("Two", "idle")]),
        ("pause", [("One", "paused"), ("Two", "idle")]),
        ("undo", [("One", "running"), ("Two", "idle")]),
        ("next", [("One", "finished"), ("Two", "running")]),
        ("reset", [("One", "finished"), ("Two", "idle")]),
    ]
    for action, expected in steps:
        clock.advance(1_000)
        page = host.submit(f"/{action}")
        assert page.status == 200, (action, page.text)
        assert timers(host, room_id) == expected, action


def test_an_action_that_may_not_be_is_told_and_changes_nothing(host: PlainBrowser, room_id: str) -> None:
    host.add_timer("One")
    page = host.submit("/pause")
    assert page.status == 409
    assert timers(host, room_id) == [("One", "idle")]


def test_a_timer_is_changed_moved_and_deleted_by_forms(host: PlainBrowser, room_id: str) -> None:
    host.add_timer("One")
    host.add_timer("Two")
    first = host.state(room_id)["timers"][0]["id"]
    host.submit(f"/timers/{first}", title="Renamed", duration="30", onFinish="next")
    host.submit(f"/timers/{first}/move", direction="down")
    assert [title for title, _ in timers(host, room_id)] == ["Two", "Renamed"]
    host.submit(f"/timers/{first}/move", direction="up")
    assert [title for title, _ in timers(host, room_id)] == ["Renamed", "Two"]
    host.submit(f"/timers/{first}/delete")
    assert [title for title, _ in timers(host, room_id)] == ["Two"]


def test_a_start_time_may_be_cleared(host: PlainBrowser, room_id: str) -> None:
    host.add_timer("One", startsAt="2999-01-01T09:30")
    ident = host.state(room_id)["timers"][0]["id"]
    host.submit(f"/timers/{ident}", startsAt="")
    assert host.state(room_id)["timers"][0]["startsAt"] is None


def test_a_programme_is_imported_from_a_file(host: PlainBrowser, room_id: str) -> None:
    content = b"title,duration\nOpening,10\nKeynote,45\n"
    host.submit("/import", file=(io.BytesIO(content), "run.csv"))
    assert [title for title, _ in timers(host, room_id)] == ["Opening", "Keynote"]


def test_bad_rows_import_nothing_and_are_named(host: PlainBrowser, room_id: str) -> None:
    page = host.submit("/import", file=(io.BytesIO(b"title,duration\nOpening,10\nKeynote,soon\n"), "run.csv"))
    assert page.status == 422
    assert timers(host, room_id) == []


def test_the_stage_is_written_shown_and_blacked_out_by_form(host: PlainBrowser, room_id: str) -> None:
    host.submit("/stage", text="Five minutes", visible="on", blackout="on")
    stage = host.state(room_id)["stage"]
    assert (stage["text"], stage["visible"], stage["blackout"]) == ("Five minutes", True, True)
    host.submit("/stage", visible=None, blackout=None)
    stage = host.state(room_id)["stage"]
    assert (stage["text"], stage["visible"], stage["blackout"]) == ("Five minutes", False, False)
    assert host.submit("/stage/flash").status == 200


def test_the_run_alone_is_only_for_who_may_see_the_room(
    host: PlainBrowser, browser: PlainBrowser, room_id: str
) -> None:
    host.add_timer("One")
    assert "One" in host.open(f"/rooms/{room_id}/run").text
    assert browser.open(f"/rooms/{room_id}/run").path == "/login"


def test_titles_are_shown_as_text(host: PlainBrowser, room_id: str) -> None:
    page = host.add_timer("<img src=x onerror=alert(1)>")
    assert "<img src=x onerror=alert(1)>" in page.text
    assert not [attrs for tag, attrs in page.elements if tag == "img" and "src" in attrs]
