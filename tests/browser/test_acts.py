"""The buttons and keys of the control page: what they do, and that they say so where they can do nothing."""

from __future__ import annotations

import re
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import Complaints, NewPage
from tests.browser.test_room import control_page
from tests.support.people import Person

OF_USE = """() => [...document.querySelectorAll("#main-acts button")]
  .filter((button) => button.checkVisibility({ visibilityProperty: true }) && !button.disabled)
  .map((button) => button.form.dataset.action)"""
PLACES = """() => [...document.querySelectorAll("#main-acts button")].map((button) => button.getBoundingClientRect())
  .filter(({ width }) => width).slice(0, 5).map(({ x, y }) => [x, y])"""


def main_act(page: Page, action: str) -> Any:
    return page.locator(f'#main-acts form[data-action="{action}"] button')


def three_talks(host: Person, **last: Any) -> dict[str, Any]:
    """A room with two talks and a last one of a second."""
    room: dict[str, Any] = host.post("/api/rooms", name="Main hall")
    for title in ("Opening", "Keynote"):
        host.post(f"/api/rooms/{room['id']}/timers", title=title, duration=1_500_000)
    host.post(f"/api/rooms/{room['id']}/timers", **{"title": "Lightning", "duration": 1_000, **last})
    return room


def test_space_after_a_click_starts_and_pauses_and_presses_nothing_again(new_page: NewPage, host: Person) -> None:
    page = control_page(new_page, host, three_talks(host))
    main_act(page, "start").click()
    main_act(page, "next").click()
    expect(page.locator("#timer-title")).to_have_text("Keynote")
    page.keyboard.press("Space")
    expect(page.locator("#main-acts")).to_have_attribute("data-state", "paused")
    expect(page.locator("#timer-title")).to_have_text("Keynote")
    main_act(page, "plus").click()
    expect(page.locator("#run-list [aria-current] [data-length]")).to_have_text("25:00 +1:00")
    expect(page.locator("#digits")).to_have_text(re.compile(r"^(25:\d\d|26:00)$"))
    page.keyboard.press("Space")
    expect(page.locator("#main-acts")).to_have_attribute("data-state", "running")


def test_who_presses_buttons_by_keyboard_keeps_their_place(new_page: NewPage, host: Person) -> None:
    page = control_page(new_page, host, three_talks(host))
    plus = main_act(page, "plus")
    plus.focus()
    for minutes in (1, 2):
        page.keyboard.press("Space")
        expect(page.locator("#run-list [aria-current] [data-length]")).to_have_text(f"25:00 +{minutes}:00")
        expect(plus).to_be_focused()


def test_of_a_timer_that_is_over_only_what_acts_can_be_pressed_and_nothing_moves(
    new_page: NewPage, host: Person
) -> None:
    room = three_talks(host, position=0)
    page = control_page(new_page, host, room)
    main_act(page, "start").click()
    expect(page.locator("#main-acts")).to_have_attribute("data-state", "running")
    before = page.evaluate(PLACES)
    expect(page.locator("#main-acts")).to_have_attribute("data-state", "finished")
    expect(main_act(page, "undo")).not_to_be_visible()
    assert page.evaluate(OF_USE) == ["next", "reset"]
    assert page.evaluate(PLACES) == before
    expect(main_act(page, "next")).to_have_class(re.compile("primary"))
    page.keyboard.press("Space")
    expect(page.locator("#action-error")).to_have_text(re.compile("press N to start the next one"))
    expect(page.locator("#main-acts")).to_have_attribute("data-state", "finished")
    page.reload()
    assert page.evaluate(OF_USE) == ["next", "reset"]
    page.keyboard.press("n")
    expect(page.locator("#timer-title")).to_have_text("Opening")
    expect(page.locator("#action-error")).to_be_empty()


def test_the_overtime_of_the_last_timer_is_ended_by_stop(new_page: NewPage, host: Person) -> None:
    room = three_talks(host, onFinish="overtime")
    last = host.get(f"/api/rooms/{room['id']}")["timers"][2]
    host.post(f"/api/timers/{last['id']}/start")
    page = control_page(new_page, host, room)
    expect(page.locator("body")).to_have_attribute("data-phase", "overtime")
    stop = main_act(page, "reset")
    for _ in range(2):
        expect(stop).to_have_text("Stop")
        expect(stop).to_have_class(re.compile("primary"))
        expect(page.locator("#stop-ends")).to_be_visible()
        page.reload()
    page.keyboard.press("ArrowRight")
    expect(page.locator("#action-error")).to_have_text(re.compile("press R"))
    stop.click()
    expect(page.locator("body")).to_have_attribute("data-phase", "idle")
    expect(page.locator("#stop-ends")).to_be_hidden()
    expect(main_act(page, "reset")).to_have_text("Reset")


def test_next_cannot_be_pressed_where_nothing_follows(new_page: NewPage, host: Person) -> None:
    room = three_talks(host, duration=1_500_000)
    last = host.get(f"/api/rooms/{room['id']}")["timers"][2]
    page = control_page(new_page, host, room)
    expect(main_act(page, "next")).to_be_enabled()
    host.post(f"/api/timers/{last['id']}/start")
    expect(main_act(page, "next")).to_be_disabled()


@pytest.mark.parametrize("device", [{}, {"viewport": {"width": 360, "height": 780}}], ids=["laptop", "phone"])
def test_several_that_run_are_told_and_the_others_are_paused_by_one_button(
    new_page: NewPage, host: Person, device: dict[str, Any]
) -> None:
    room = three_talks(host)
    page = control_page(new_page, host, room, **device)
    main_act(page, "start").click()
    expect(page.locator("#main-acts")).to_have_attribute("data-state", "running")
    expect(page.locator("#several")).to_be_hidden()
    list_at = page.locator("#run-list").bounding_box()
    page.locator("#run-list > li").nth(1).locator(".sign-start").click()
    expect(page.locator("#several")).to_contain_text("2 timers run at once")
    expect(page.locator("#others")).to_be_visible()
    after = page.locator("#run-list").bounding_box()
    assert list_at
    assert after
    assert after["y"] - list_at["y"] == pytest.approx(
        # Only the line in the clock that names the other one moves the list.
        page.locator("#others").evaluate(
            "(line) => line.offsetHeight + parseFloat(getComputedStyle(line.parentElement).rowGap)"
        ),
        abs=1,
    )
    page.get_by_role("button", name="Pause the others").click()
    expect(page.locator("#run-list > li").first).to_have_attribute("data-state", "paused")
    expect(page.locator("#run-list > li").nth(1)).to_have_attribute("data-state", "running")
    expect(page.locator("#several")).to_be_hidden()


def test_a_blackout_cannot_be_overlooked_and_ends_where_it_is_told(new_page: NewPage, host: Person) -> None:
    room = three_talks(host)
    host.request("PUT", f"/api/rooms/{room['id']}/stage", json={"text": "Hello", "visible": True}).raise_for_status()
    page = control_page(new_page, host, room)
    signs = ("#dark-sign", ".stage-dark", "#clock .dark-tag")
    for sign in signs:
        expect(page.locator(sign)).to_be_hidden()
    page.keyboard.press("b")
    for reload in (False, True):
        if reload:
            page.reload()
        for sign in signs:
            expect(page.locator(sign)).to_contain_text("Blackout")
            expect(page.locator(sign)).to_be_visible()
        expect(page.locator("#stage-now")).to_be_hidden()
    page.get_by_role("button", name="End it").click()
    for sign in signs:
        expect(page.locator(sign)).to_be_hidden()
    expect(page.locator("#stage-now")).to_contain_text("Hello")


@pytest.mark.parametrize(("lang", "words"), [("en", "No connection."), ("fr", "Pas de connexion.")])
def test_a_form_and_a_button_say_the_same_words_without_a_connection(
    new_page: NewPage, host: Person, complaints: Complaints, lang: str, words: str
) -> None:
    page = control_page(new_page, host, three_talks(host), locale=lang)
    complaints.expect("ERR_INTERNET_DISCONNECTED", "socket.io")
    page.context.set_offline(True)
    page.fill("#stage-text", "Please wrap up")
    page.locator("#stage-form button.primary").click()
    expect(page.locator("#stage-form > .field-error")).to_have_text(words)
    page.locator("#flash-form button").click()
    expect(page.locator("#flash-form > .field-error")).to_have_text(words)
    page.context.set_offline(False)


def test_what_is_sent_to_a_dark_stage_leaves_it_dark(new_page: NewPage, host: Person) -> None:
    room = three_talks(host)
    page = control_page(new_page, host, room)
    page.fill("#stage-text", "Please wrap up")  # begun before it is dark, sent while it is
    page.locator("h1").click()
    page.keyboard.press("b")
    expect(page.locator("#stage-form [name=blackout]")).to_be_checked()
    expect(page.locator("#stage-text")).to_have_value("Please wrap up")
    page.press("#stage-text", "Control+Enter")
    expect(page.locator("#stage-shown")).to_have_text("Please wrap up")
    assert host.get(f"/api/rooms/{room['id']}")["stage"]["blackout"] is True
    page.uncheck("#stage-form [name=blackout]")
    page.click("#stage-form button.primary")
    expect(page.locator("body")).not_to_have_class(re.compile("dark-stage"))


def test_a_description_is_changed_and_the_length_of_what_runs_is_not(new_page: NewPage, host: Person) -> None:
    room = three_talks(host)
    page = control_page(new_page, host, room)
    row = page.locator("#run-list > li").first
    row.locator("summary").click()
    length = row.locator("[name=duration]")
    expect(length).to_be_editable()
    row.locator("[name=description]").fill("Ada Lovelace")
    row.get_by_role("button", name="Save").click()
    expect(row.locator(".about")).to_have_text("Ada Lovelace")
    main_act(page, "start").click()
    expect(row).to_have_attribute("data-state", "running")
    row.locator("summary").click()
    expect(length).not_to_be_editable()
    expect(row.locator(".length-is-fixed")).to_be_visible()
    row.locator("[name=description]").fill("")
    row.get_by_role("button", name="Save").click()
    expect(row.locator(".about")).to_have_count(0)
    assert host.get(f"/api/rooms/{room['id']}")["timers"][0]["description"] is None
