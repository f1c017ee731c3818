"""A run of show out of a file: looked at, then added to what is there or put in its place."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import NewPage, open_live, sign_in
from tests.browser.test_access import AXE, JUDGE
from tests.support.people import Person

ROWS = "title,duration,startsAt\nDoors,10,2999-01-01T09:00:00Z\nNew keynote,45,\n"
PYCONFR = Path(__file__).parents[2] / "examples/data/pyconfr-2025.csv"
PHONE = {"viewport": {"width": 360, "height": 740}, "has_touch": True, "is_mobile": True}


def choose(page: Page, rows: str) -> None:
    """Give the import's form a file, and send it."""
    page.locator("#run summary", has_text="Import").click()
    page.set_input_files("#run input[type=file]", {"name": "run.csv", "mimeType": "text/csv", "buffer": rows.encode()})
    page.locator("#run form[action$=import] button").click()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_file_is_looked_at_before_it_takes_the_place_of_the_run(
    new_page: NewPage, host: Person, room: dict[str, Any], scheme: Any
) -> None:
    page = new_page(**PHONE, color_scheme=scheme)
    sign_in(page, host)
    open_live(page, f"{host.url}/rooms/{room['id']}")
    choose(page, ROWS)
    expect(page.locator("tbody tr")).to_have_count(2)
    expect(page.locator("main")).to_contain_text("The room has timers already: 2.")
    page.evaluate(AXE.read_text())
    assert page.evaluate(JUDGE) == []
    assert page.evaluate("document.documentElement.scrollWidth") == 360
    page.get_by_role("button", name="Replace all 2").click()
    expect(page.locator("#run-list .what > b")).to_have_text(["Doors", "New keynote"])


def test_what_is_wrong_with_a_file_is_said_by_row_and_nothing_is_asked(
    new_page: NewPage, host: Person, room: dict[str, Any], complaints: Any
) -> None:
    complaints.expect("422")
    page = new_page()
    sign_in(page, host)
    open_live(page, f"{host.url}/rooms/{room['id']}")
    choose(page, f"{ROWS}Lunch,soon,\n")
    expect(page.get_by_role("alert")).to_contain_text("Row 4: duration: Use minutes")
    expect(page.locator("tbody tr")).to_have_count(2)
    expect(page.locator("[name=mode]")).to_have_count(0)
    page.get_by_role("link", name="Back to the room").click()
    expect(page.locator("#run-list .what > b")).to_have_text(["Opening", "Keynote"])


def test_a_run_that_was_replaced_comes_back_within_ten_seconds(
    new_page: NewPage, host: Person, room: dict[str, Any]
) -> None:
    page = new_page()
    sign_in(page, host)
    open_live(page, f"{host.url}/rooms/{room['id']}")
    choose(page, ROWS)
    page.get_by_role("button", name="Replace all 2").click()
    expect(page.locator("#run-list .what > b")).to_have_text(["Doors", "New keynote"])
    page.locator("#main-acts").get_by_role("button", name="Undo").click()
    expect(page.locator("#run-list .what > b")).to_have_text(["Opening", "Keynote"])
    expect(page).to_have_url(re.compile(r"/rooms/[^?]+$"))
    assert [timer["title"] for timer in host.get(f"/api/rooms/{room['id']}")["timers"]] == ["Opening", "Keynote"]


def test_times_of_day_are_those_of_who_imports_them(new_page: NewPage, host: Person, room: dict[str, Any]) -> None:
    page = new_page(timezone_id="Asia/Tokyo")
    sign_in(page, host)
    open_live(page, f"{host.url}/rooms/{room['id']}")
    expect(page.locator("#run [name=timeZone]")).to_have_value("Asia/Tokyo")
    choose(page, "Session,Length (min),Start\nPanel,45,13:30\n")
    expect(page.locator("main")).to_contain_text("Asia/Tokyo")
    expect(page.locator("tbody time")).to_contain_text("1:30")


@pytest.mark.parametrize("size", [PHONE, {"viewport": {"width": 1440, "height": 900}}], ids=["phone", "laptop"])
def test_of_a_conference_one_room_and_day_is_taken_and_all_its_talks_count_their_overtime(
    new_page: NewPage, host: Person, size: dict[str, Any], complaints: Any
) -> None:
    complaints.expect("422")
    room = host.post("/api/rooms", name="B316")
    page = new_page(**size)
    sign_in(page, host)
    open_live(page, f"{host.url}/rooms/{room['id']}")
    page.locator("#run summary", has_text="Import").click()
    page.fill("#run [name=room]", "B 316")
    page.set_input_files("#run input[type=file]", PYCONFR)
    page.locator("#run form[action$=import] button").click()
    expect(page.get_by_role("alert")).to_contain_text("The file has no such room.")
    expect(page.locator("[name=mode]")).to_have_count(0)

    room_choice, day_choice = page.get_by_label("Only this room"), page.get_by_label("Only this day")
    room_choice.select_option("B316")  # the file is still there, and asked anew at once
    expect(page.locator("tbody tr")).to_have_count(14)
    expect(page.locator("#how-many")).to_contain_text("Timers to add: 14.")
    expect(room_choice).to_be_focused()
    day_choice.select_option("2025-11-01")
    expect(page.locator("tbody tr")).to_have_count(7)
    expect(day_choice).to_be_focused()
    expect(room_choice).to_be_in_viewport(ratio=1)
    expect(page.get_by_label("Only this room")).to_have_value("B316")
    assert page.evaluate("document.documentElement.scrollWidth") == size["viewport"]["width"]
    page.get_by_label("At the end").select_option("overtime")
    page.locator("[name=mode]").click()
    expect(page.locator("#run-list .what > b")).to_have_count(7)
    assert {timer["onFinish"] for timer in host.get(f"/api/rooms/{room['id']}")["timers"]} == {"overtime"}


def test_the_room_of_a_file_comes_first_and_is_asked_for_by_a_button_without_scripts(
    new_page: NewPage, host: Person
) -> None:
    room = host.post("/api/rooms", name="Somewhere")
    page = new_page(java_script_enabled=False)
    sign_in(page, host)
    page.goto(f"{host.url}/rooms/{room['id']}")
    choose(page, PYCONFR.read_text())
    assert page.locator("main p, main label, main th").first.inner_text().startswith("Only this room")
    page.get_by_label("Only this room").select_option("B316")
    page.locator(".choices").get_by_role("button", name="Look again").click()
    expect(page.locator("#how-many")).to_contain_text("Timers to add: 14.")
