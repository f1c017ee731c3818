"""The page of the API in a real browser, under its own strict policy: what it shows can be tried."""

from __future__ import annotations

from collections.abc import Callable

from playwright.sync_api import Page, expect

from tests.support.people import PASSWORD, Person
from tests.support.server import Server


def test_an_operation_is_tried_as_whoever_is_signed_in_or_by_a_token(
    server: Server, new_page: Callable[..., Page], host: Person
) -> None:
    page = new_page()
    page.goto(f"{server.url}/register")
    page.locator('input[name="name"]').fill("Reader")
    page.locator('input[name="email"]').fill(f"reader-{host.name}@example.org")
    page.locator('input[name="password"]').fill(PASSWORD)
    page.locator('input[name="password"]').press("Enter")
    page.wait_for_url("**/rooms")
    page.goto(f"{server.url}/api/docs")
    making = page.locator("details", has=page.locator('form[data-method="POST"][data-path="/api/rooms"]'))
    making.locator("summary").click()
    making.locator("button").click()
    expect(making.locator("output")).to_contain_text("201")
    expect(making.locator("output")).to_contain_text('"role": "owner"')
    reading = page.locator("details", has=page.locator('form[data-method="GET"][data-path="/api/me"]'))
    page.locator("#token").fill(str(host.token))
    reading.locator("summary").click()
    reading.locator("button").click()
    expect(reading.locator("output")).to_contain_text(str(host.id))


def test_the_page_is_in_groups_and_what_is_searched_for_is_what_is_there(
    server: Server, new_page: Callable[..., Page]
) -> None:
    page = new_page()
    page.goto(f"{server.url}/api/docs")
    page.locator(".docs-nav").get_by_role("link", name="timers").click()
    expect(page.locator("#timers")).to_be_in_viewport()
    page.locator("#docs-search").fill("POST undo")
    expect(page.locator(".entry:visible summary")).to_have_count(1)
    expect(page.locator(".entry:visible summary")).to_contain_text("/api/timers/{timer_id}/undo")
    page.locator("#docs-search").fill("stage-flash")
    expect(page.locator("#send .entry:visible")).to_have_count(1)
    page.locator("#docs-search").fill("no such word")
    expect(page.locator("#docs-none")).to_have_text("Nothing has all these words.")
    page.locator("#docs-search").fill("")
    expect(page.locator("#auth")).to_be_visible()
