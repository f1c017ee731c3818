"""What comes late or at the wrong moment: an answer behind a newer one, news under a finger, a reply to what is over."""

from __future__ import annotations

from typing import Any

from playwright.sync_api import Page, Route, expect

from tests.browser.conftest import NewPage, sign_in
from tests.browser.test_chat import act, enter, message, say
from tests.browser.test_room import control_page
from tests.support.people import Person
from tests.support.waiting import eventually

TIMERS = "#run-list > li"
HOLD_EDITS = """() => import(document.querySelector("script[data-ref]").src).then(({ room }) => {
  const emit = room.client.emit.bind(room.client);
  room.client.emit = async (name, ...more) => {
    const answer = await emit(name, ...more);
    if (name === "edit-message") await new Promise((resolve) => (window.release = resolve));
    return answer;
  };
})"""


def hold(page: Page, path: str, times: int | None = None) -> list[Route]:
    """The requests to `path`, which wait from now on, the first `times` of them."""
    held: list[Route] = []
    page.route(path, lambda route: held.append(route), times=times)
    return held


def held_answer(page: Page, held: list[Route]) -> Any:
    """What the server says now to the first that is held; give it to `fulfill` later."""
    eventually(lambda: page.evaluate("true") and held)
    return held[0].fetch()


def test_a_host_sees_what_the_stage_shows_since_the_page_was_made(
    new_page: NewPage, host: Person, room: dict[str, Any]
) -> None:
    page = new_page()
    sign_in(page, host)
    held = hold(page, "**/vendor/*.js")
    page.goto(f"{host.url}/rooms/{room['id']}")
    host.request("PUT", f"/api/rooms/{room['id']}/stage", json={"text": "Two minutes", "visible": True})
    eventually(lambda: page.evaluate("true") and held)
    held[0].continue_()
    expect(page.locator("#stage-shown")).to_have_text("Two minutes")
    expect(page.locator("#stage-text")).to_have_value("Two minutes")


def test_a_form_that_is_on_its_way_adds_once_and_takes_nobody_from_where_they_write(
    new_page: NewPage, host: Person, room: dict[str, Any]
) -> None:
    page = control_page(new_page, host, room)
    held = hold(page, "**/timers")
    page.fill(".add-timer [name=title]", "Panel")
    page.fill(".add-timer [name=duration]", "5")
    page.press(".add-timer [name=duration]", "Enter")
    page.press(".add-timer [name=duration]", "Enter")
    page.locator("#stage-text").press_sequentially("Two mi")
    eventually(lambda: page.evaluate("true") and held)
    for route in held:
        route.continue_()
    expect(page.locator(".add-timer [name=title]")).to_have_value("")
    page.keyboard.type("nutes")
    expect(page.locator("#stage-text")).to_have_value("Two minutes")
    expect(page.locator(TIMERS)).to_have_count(3)


def test_a_vote_that_comes_while_a_button_is_pressed_takes_nothing_from_under_the_finger(
    new_page: NewPage, host: Person, room: dict[str, Any]
) -> None:
    texts = ["Will it rain?", "Is there lunch?"]
    asked = [host.post(f"/api/rooms/{room['id']}/messages", content=text, messageType="question") for text in texts]
    linus = host.guest(room, "Linus")
    page = enter(new_page(), host, room, "Grace")
    vote = message(page, "lunch").locator(".vote")
    vote.hover()
    page.mouse.down()
    linus.request("PUT", f"/api/messages/{asked[1]['id']}/vote")
    expect(vote).to_have_text("▲ 1")
    page.mouse.up()
    expect(vote).to_have_text("▲ 2")
    page.click("#chat-tabs [data-show=questions]")
    other = message(page, "rain").locator(".vote")
    linus.request("PUT", f"/api/messages/{asked[0]['id']}/vote")
    expect(other).to_have_text("▲ 1")
    expect(page.locator("#chat-log .content")).to_have_text(texts[::-1])
    other.press("Enter")
    expect(page.locator("#chat-log .content")).to_have_text(texts)
    expect(other).to_be_focused()


def test_the_late_answer_to_an_edit_leaves_what_is_written_by_then(
    new_page: NewPage, host: Person, room: dict[str, Any]
) -> None:
    page = enter(new_page(), host, room, "Grace")
    say(page, "Doors open at nine")
    page.evaluate(HOLD_EDITS)
    act(page, "Doors open", "edit")
    say(page, "Doors open at ten")
    expect(message(page, "Doors open at ten")).to_be_visible()
    page.press("#chat-text", "Escape")
    page.fill("#chat-text", "And lunch")
    page.evaluate("window.release()")
    page.wait_for_timeout(100)
    expect(page.locator("#chat-text")).to_have_value("And lunch")


def test_the_crowds_page_asks_again_where_an_answer_does_not_come(
    new_page: NewPage, host: Person, room: dict[str, Any]
) -> None:
    page = new_page()
    page.clock.install()
    held = hold(page, "**/api/crowd/*", times=1)
    page.goto(f"{host.url}/r/{room['shareToken']}/crowd")
    eventually(lambda: page.evaluate("true") and held)
    with page.expect_response("**/api/crowd/*"):
        page.clock.run_for(12_000)
    expect(page.locator("#connection")).to_have_attribute("data-state", "live")


def test_the_overview_leaves_what_somebody_goes_to_while_it_asks(
    new_page: NewPage, host: Person, room: dict[str, Any]
) -> None:
    page = new_page()
    page.clock.install()
    sign_in(page, host)
    held = hold(page, "**/rooms")
    page.clock.run_for(16_000)
    answer = held_answer(page, held)
    link = page.get_by_role("link", name="Main hall").first
    link.focus()
    with page.expect_response("**/rooms"):
        held[0].fulfill(response=answer)
    page.wait_for_timeout(300)
    expect(link).to_be_focused()
