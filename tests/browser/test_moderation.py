"""What is hard to take back is asked first, by mouse and by keyboard; what can be undone says for how long."""

from __future__ import annotations

from typing import Any

from playwright.sync_api import Page, expect

from tests.browser.conftest import NewPage, open_live, sign_in
from tests.browser.test_access import AXE, JUDGE, tab_to
from tests.browser.test_room import control_page
from tests.support.people import Person

UNDO_MS = 10_000


def guests(host: Person, room: dict[str, Any]) -> list[str]:
    return [guest["name"] for guest in host.get(f"/api/rooms/{room['id']}/guests")["items"]]


def has_focus(page: Page, selector: str) -> bool:
    return bool(page.evaluate("selector => document.activeElement.matches(selector)", selector))


def test_a_ban_is_asked_and_escape_means_no_by_keyboard_alone(
    new_page: NewPage, host: Person, room: dict[str, Any]
) -> None:
    host.guest(room, "Grace")
    page = control_page(new_page, host, room, reduced_motion="reduce")
    page.locator("#people-place summary", has_text="Members").focus()
    page.keyboard.press("Enter")
    tab_to(page, "#members summary")
    page.keyboard.press("Enter")
    tab_to(page, "#members a[data-ban]")
    page.keyboard.press("Enter")
    dialog = page.get_by_role("alertdialog", name="Ban Grace?")
    expect(dialog).to_be_visible()
    expect(dialog.get_by_role("button", name="Cancel")).to_be_focused()
    page.evaluate(AXE.read_text())
    assert page.evaluate(JUDGE.replace('"main details"', '"none"')) == []
    page.keyboard.press("n")  # no key of the page acts behind it
    page.keyboard.press("Escape")
    expect(dialog).to_be_hidden()
    assert has_focus(page, "#members summary")
    assert guests(host, room) == ["Grace"]
    page.keyboard.press("Enter")
    tab_to(page, "#members a[data-ban]")
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(page.locator("#bans")).to_contain_text("Grace")
    assert guests(host, room) == []
    assert has_focus(page, "#people-place *")


def test_a_ban_out_of_the_conversation_is_asked_too(new_page: NewPage, host: Person, room: dict[str, Any]) -> None:
    host.guest(room, "Linus").post(f"/api/rooms/{room['id']}/messages", content="Buy this")
    page = control_page(new_page, host, room)
    message = page.locator("#chat-log .message", has_text="Buy this")
    for answer, left in (("Cancel", ["Linus"]), ("Ban Linus", [])):
        message.locator("summary").click()
        message.locator("[data-act=ban]").click()
        page.get_by_role("alertdialog", name="Ban Linus?").get_by_role("button", name=answer).click()
        expect(page.get_by_role("alertdialog")).to_be_hidden()
        page.wait_for_function(
            "([url, most]) => fetch(url).then((answer) => answer.json()).then(({ items }) => items.length === most)",
            arg=[f"/api/rooms/{room['id']}/guests", len(left)],
        )


def test_undo_is_there_for_ten_seconds_and_then_says_that_it_is_too_late(
    new_page: NewPage, host: Person, room: dict[str, Any]
) -> None:
    page = new_page()
    sign_in(page, host)
    page.clock.install()
    open_live(page, f"{host.url}/rooms/{room['id']}")
    undo = page.locator('#main-acts [data-action="undo"] button')
    expect(undo).to_be_hidden()
    page.locator("#main-acts").get_by_role("button", name="Start").click()
    expect(undo).to_be_visible()
    page.clock.run_for(UNDO_MS + 1_000)
    expect(undo).to_be_hidden()
    page.keyboard.press("z")
    expect(page.locator("#action-error")).to_contain_text("ten seconds")


def test_lines_of_an_undone_next_leave_the_conversation_and_stay_away(
    new_page: NewPage, host: Person, room: dict[str, Any]
) -> None:
    page = control_page(new_page, host, room)
    page.click("#main-acts >> text=Start")
    page.click("#main-acts >> text=Next")
    log = page.locator("#chat-log")
    expect(log).to_contain_text("“Keynote” started.")
    page.click("#main-acts >> text=Undo")
    for _ in range(2):
        expect(log.locator(".message")).to_have_count(1)
        expect(log).to_contain_text("“Opening” started.")
        expect(log).not_to_contain_text("Keynote")
        page.reload()
        page.wait_for_selector("#connection[data-state=live]")
