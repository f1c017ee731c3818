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
