"""The run of show is put in order: by dragging, by the keyboard, and by forms alone."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import NewPage, open_live, sign_in
from tests.support.people import Person

TITLES = "#run-list > li .what > b"


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


def test_forms_alone_move_a_timer(new_page: NewPage, host: Person, room: dict[str, Any]) -> None:
    page = new_page(java_script_enabled=False)
    sign_in(page, host)
    page.goto(f"{host.url}/rooms/{room['id']}")
    page.locator("#run-list > li summary").first.click()
    page.locator("#run-list > li button[value=down]").first.click()
    expect(page.locator(TITLES)).to_have_text(["Keynote", "Opening"])
    assert order_of(host, room) == ["Keynote", "Opening"]
