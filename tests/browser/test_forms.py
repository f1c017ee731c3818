"""What becomes of what somebody types into a page's forms."""

from __future__ import annotations

from typing import Any

from playwright.sync_api import Page, Route, expect

from tests.browser.conftest import Complaints, NewPage, open_live, sign_in
from tests.support.people import PASSWORD, Person
from tests.support.waiting import eventually


def open_control(page: Page, host: Person, room: dict[str, Any]) -> Page:
    sign_in(page, host)
    return open_live(page, f"{host.url}/rooms/{room['id']}")


def add(page: Page, title: str) -> None:
    page.fill(".add-timer [name=title]", title)
    page.fill(".add-timer [name=duration]", "5")
    page.click(".add-timer button")


def test_who_signed_out_in_another_tab_is_told_and_loses_nothing(
    new_page: NewPage, host: Person, room: dict[str, Any]
) -> None:
    page = open_control(new_page(), host, room)
    other = page.context.new_page()
    other.goto(f"{host.url}/rooms")
    other.click("text=Sign out")
    other.wait_for_url(f"{host.url}/")
    add(page, "Closing")
    expect(page.locator(".add-timer .field-error")).to_have_text("Sign in first.")
    expect(page.locator(".add-timer [name=title]")).to_have_value("Closing")
    expect(page.locator("#trouble")).to_have_text("Sign in first.")
    expect(page.locator("[name=password]")).to_have_count(0)  # no part of the page is a page to sign in

    with page.context.expect_page() as opened:
        page.click("#trouble a")
    again = opened.value
    again.fill("[name=username]", host.name)
    again.fill("[name=password]", PASSWORD)
    again.click("main button[type=submit]")
    again.wait_for_url("**/rooms")
    expect(page.locator("#trouble")).to_be_empty()
    expect(page.locator(".add-timer .field-error")).to_have_count(0)
    page.click(".add-timer button")
    expect(page.locator("#run-list li")).to_have_count(3)
    expect(page.locator(".add-timer [name=title]")).to_have_value("")


def test_what_was_refused_without_a_connection_is_no_news_when_it_is_back(
    new_page: NewPage, host: Person, room: dict[str, Any], complaints: Complaints
) -> None:
    complaints.expect("net::ERR_")
    page = open_control(new_page(), host, room)
    page.route("**/*", lambda route: route.abort())  # a cut that the socket outlives
    page.keyboard.press("b")
    expect(page.locator("#action-error")).to_have_text("No connection.")
    add(page, "Closing")
    expect(page.locator(".add-timer .field-error")).to_have_count(1)
    page.unroute("**/*")
    expect(page.locator("#action-error")).to_be_empty()
    expect(page.locator(".add-timer .field-error")).to_have_count(0)
    expect(page.locator(".add-timer [name=title]")).to_have_value("Closing")


def test_what_is_typed_while_a_form_is_on_its_way_stays(new_page: NewPage, host: Person, room: dict[str, Any]) -> None:
    page = open_control(new_page(), host, room)
    held: list[Route] = []
    page.route("**/timers", lambda route: held.append(route))
    add(page, "Closing")
    eventually(lambda: page.wait_for_timeout(20) or held)
    page.fill(".add-timer [name=title]", "After party")
    page.locator(".add-timer [name=title]").press("End")
    held[0].continue_()
    expect(page.locator("#run-list li")).to_have_count(3)
    expect(page.locator(".add-timer [name=duration]")).to_have_value("")
    expect(page.locator(".add-timer [name=title]")).to_have_value("After party")


def test_who_went_elsewhere_while_a_form_was_on_its_way_is_not_taken_back(
    new_page: NewPage, host: Person, room: dict[str, Any]
) -> None:
    page = open_control(new_page(), host, room)
    held: list[Route] = []
    page.route("**/timers", lambda route: held.append(route))
    add(page, "Closing")
    eventually(lambda: page.wait_for_timeout(20) or held)
    page.focus("#stage-text")
    held[0].continue_()
    expect(page.locator(".add-timer [name=title]")).to_have_value("")
    expect(page.locator("#stage-text")).to_be_focused()


def test_a_message_that_is_sent_is_shown_unless_somebody_says_otherwise(
    new_page: NewPage, host: Person, room: dict[str, Any]
) -> None:
    page = open_control(new_page(), host, room)
    viewer = open_live(new_page(), f"{host.url}/r/{room['shareToken']}")
    shown, send = viewer.locator("#stage-message"), page.locator("#stage-form").get_by_text("Send")
    for text in ("Two minutes", "One minute"):
        page.fill("#stage-text", text)
        send.click()
        expect(shown).to_have_text(text)
        page.click("#stage-now button")
        expect(shown).to_be_empty()
    expect(page.locator("#stage-form [name=visible]")).not_to_be_checked()
    page.fill("#stage-text", "Not yet")
    page.uncheck("#stage-form [name=visible]")
    send.click()
    expect(page.locator("#stage-shown")).to_have_text("Not yet")
    expect(shown).to_be_empty()
