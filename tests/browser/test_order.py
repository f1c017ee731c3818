"""The run of show is put in order: by dragging, by the keyboard, and by forms alone."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.sync_api import APIResponse, Page, Route, expect

from tests.browser.conftest import NewPage, open_live, sign_in
from tests.support.people import Person
from tests.support.waiting import eventually

TITLES = "#run-list > li .what > b"
KNOWS = """title => import(document.querySelector("script[data-ref]").src)
  .then(({ room }) => room.store.room.timers.some((timer) => timer.title === title))"""


@pytest.fixture
def control(new_page: NewPage, host: Person, room: dict[str, Any]) -> Page:
    host.post(f"/api/rooms/{room['id']}/timers", title="Panel", duration=60_000)
    page = new_page()
    sign_in(page, host)
    return open_live(page, f"{host.url}/rooms/{room['id']}")


def order_of(host: Person, room: dict[str, Any]) -> list[str]:
    return [timer["title"] for timer in host.get(f"/api/rooms/{room['id']}")["timers"]]


def grip(page: Page, number: int) -> Any:
    return page.locator("#run-list > li .grip").nth(number)


def test_dragging_a_timer_moves_it_on_every_control_page(
    control: Page, new_page: NewPage, host: Person, room: dict[str, Any]
) -> None:
    other = new_page()
    sign_in(other, host)
    open_live(other, f"{host.url}/rooms/{room['id']}")
    with control.expect_response("**/timers/order") as answer:
        grip(control, 2).drag_to(control.locator("#run-list > li").first, target_position={"x": 20, "y": 2})
    assert answer.value.ok
    for page in (control, other):
        expect(page.locator(TITLES)).to_have_text(["Panel", "Opening", "Keynote"])
    assert order_of(host, room) == ["Panel", "Opening", "Keynote"]


def test_a_drag_that_is_given_up_changes_nothing(control: Page, host: Person, room: dict[str, Any]) -> None:
    grip(control, 2).hover()
    control.mouse.down()
    control.locator("#run-list > li").first.hover(position={"x": 20, "y": 2})
    control.locator("#run-list > li").first.hover(position={"x": 24, "y": 4})
    expect(control.locator(TITLES)).to_have_text(["Panel", "Opening", "Keynote"])
    control.keyboard.press("Escape")
    control.mouse.up()
    expect(control.locator(TITLES)).to_have_text(["Opening", "Keynote", "Panel"])
    assert order_of(host, room) == ["Opening", "Keynote", "Panel"]


def test_the_keyboard_moves_a_timer_and_stays_at_it(control: Page, host: Person, room: dict[str, Any]) -> None:
    control.locator("#run-list > li summary").first.focus()
    for title_order in (["Keynote", "Opening", "Panel"], ["Keynote", "Panel", "Opening"]):
        control.keyboard.press("Enter")
        control.locator("#run-list details[open] button[value=down]").focus()
        control.keyboard.press("Enter")
        expect(control.locator(TITLES)).to_have_text(title_order)
        expect(control.locator("#run-list > li", has_text="Opening").locator("summary")).to_be_focused()
    assert order_of(host, room) == ["Keynote", "Panel", "Opening"]


def add(host: Person, room: dict[str, Any], title: str) -> None:
    host.post(f"/api/rooms/{room['id']}/timers", title=title, duration=60_000)


def test_a_menu_that_was_opened_while_the_run_was_on_its_way_stays_open(
    control: Page, host: Person, room: dict[str, Any]
) -> None:
    held: list[Route] = []
    control.route("**/run", lambda route: held.append(route))
    add(host, room, "Lunch")
    eventually(lambda: control.wait_for_timeout(20) or held)
    control.locator("#run-list > li summary").first.click()
    with control.expect_response("**/run"):
        held[0].continue_()
    control.unroute("**/run")
    control.wait_for_timeout(300)  # longer than the page takes to put it there
    expect(control.locator("#run-list details[open] button[value=down]")).to_be_visible()
    expect(control.locator("#run-list > li")).to_have_count(3)
    control.keyboard.press("Escape")
    expect(control.locator(TITLES)).to_have_text(["Opening", "Keynote", "Panel", "Lunch"])


def test_of_two_changes_of_the_run_the_later_is_shown_whatever_answer_comes_first(
    control: Page, host: Person, room: dict[str, Any]
) -> None:
    held: list[tuple[Route, APIResponse]] = []
    control.route("**/run", lambda route: held.append((route, route.fetch())), times=1)
    add(host, room, "Lunch")
    eventually(lambda: control.wait_for_timeout(20) or held)
    add(host, room, "Closing")
    control.wait_for_function(KNOWS, arg="Closing")
    control.wait_for_timeout(300)  # longer than an answer takes that is not held back
    [(route, older)] = held
    with control.expect_response("**/run"):
        route.fulfill(response=older)
    control.wait_for_timeout(300)
    expect(control.locator(TITLES)).to_have_text(["Opening", "Keynote", "Panel", "Lunch", "Closing"])


def test_forms_alone_move_a_timer(new_page: NewPage, host: Person, room: dict[str, Any]) -> None:
    page = new_page(java_script_enabled=False)
    sign_in(page, host)
    page.goto(f"{host.url}/rooms/{room['id']}")
    page.locator("#run-list > li summary").first.click()
    page.locator("#run-list > li button[value=down]").first.click()
    expect(page.locator(TITLES)).to_have_text(["Keynote", "Opening"])
    assert order_of(host, room) == ["Keynote", "Opening"]
