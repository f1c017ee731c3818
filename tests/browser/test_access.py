"""Everybody can use it: axe-core finds nothing serious, and a keyboard is enough."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import NewPage, sign_in
from tests.support.people import PASSWORD, Person

AXE = Path(__file__).parents[1] / "js" / "node_modules" / "axe-core" / "axe.min.js"
JUDGE = """async () => {
  for (const fold of document.querySelectorAll("main details")) fold.open = true;
  const { violations } = await axe.run(document, { resultTypes: ["violations"] });
  return violations
    .filter(({ impact }) => ["serious", "critical"].includes(impact))
    .flatMap(({ id, nodes }) => nodes.map(({ target, failureSummary }) => `${id}: ${target.join(" ")}: ${failureSummary}`));
}"""
MOST_TABS = 120


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_serious_on_any_page(
    new_page: NewPage, host: Person, room: dict[str, Any], complaints: Any, scheme: str
) -> None:
    complaints.expect("status of 404")
    host.post(f"/api/rooms/{room['id']}/messages", content="Can you hear me?", messageType="question")
    host.post(f"/api/timers/{host.get('/api/rooms/' + room['id'])['timers'][0]['id']}/start")
    invitation = host.post(f"/api/rooms/{room['id']}/links", role="member", label="Speakers")["token"]
    share, control = f"/r/{room['shareToken']}", f"/rooms/{room['id']}"
    page = new_page(color_scheme=scheme, reduced_motion="reduce")
    found = _judge(
        page, host.url, ["/", "/register", "/login", share, f"{share}/stage", f"{share}/crowd", "/r/nowhere"]
    )
    sign_in(page, host)
    mine = ["/rooms", "/account", control, f"{control}/print", f"{control}/delete", f"/join/{invitation}", "/api/docs"]
    found |= _judge(page, host.url, mine)
    assert found == {}


def _judge(page: Page, url: str, paths: list[str]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for path in paths:
        page.goto(url + path)
        page.evaluate(AXE.read_text())
        if problems := page.evaluate(JUDGE):
            found[path] = problems
    return found


def tab_to(page: Page, selector: str) -> None:
    """Press Tab until the element has the focus."""
    for _ in range(MOST_TABS):
        page.keyboard.press("Tab")
        if page.evaluate("selector => document.activeElement.matches(selector)", selector):
            return
    raise AssertionError(f"Tab never reaches {selector}")


def enter(page: Page, selector: str, text: str) -> None:
    tab_to(page, selector)
    page.keyboard.insert_text(text)


def test_a_keyboard_is_enough_to_run_a_room(new_page: NewPage, host: Person) -> None:
    page = new_page()
    page.goto(f"{host.url}/login")
    enter(page, "[name=username]", host.name)
    enter(page, "[name=password]", PASSWORD)
    page.keyboard.press("Enter")
    page.wait_for_url("**/rooms")
    enter(page, "[name=name]", "By hand")
    page.keyboard.press("Enter")
    page.wait_for_selector("#connection[data-state=live]")
    enter(page, ".add-timer [name=title]", "Opening")
    enter(page, ".add-timer [name=duration]", "25")
    page.keyboard.press("Enter")
    expect(page.locator("#timer-title")).to_have_text("Opening")
    tab_to(page, "#main-acts [data-action=start] button")
    page.keyboard.press("Enter")
    expect(page.locator("body")).to_have_attribute("data-phase", "running")
    enter(page, "#stage-text", "Two minutes")
    tab_to(page, "#stage-form button[type=submit]")
    page.keyboard.press("Enter")
    enter(page, "#chat-text", "Welcome")
    page.keyboard.press("Enter")
    expect(page.locator(".message .content", has_text="Welcome")).to_be_visible()
    tab_to(page, 'a[href*="/r/"]')
    page.keyboard.press("Enter")
    expect(page.locator("#stage-message")).to_have_text("Two minutes")


def test_a_keyboard_is_enough_to_talk_as_a_guest(new_page: NewPage, host: Person, room: dict[str, Any]) -> None:
    page = new_page()
    page.goto(f"{host.url}/r/{room['shareToken']}")
    page.wait_for_selector("#connection[data-state=live]")
    expect(page.locator("#chat-guest")).to_be_visible()
    enter(page, "#chat-guest input", "Grace")
    page.keyboard.press("Enter")
    expect(page.locator("#chat-compose")).to_be_visible()
    expect(page.locator("#chat-text")).to_be_focused()
    page.keyboard.insert_text("Hello from the keyboard")
    page.keyboard.press("Enter")
    mine = page.locator(".message.mine")
    expect(mine).to_contain_text("Hello from the keyboard")
    tab_to(page, ".message.mine summary")
    page.keyboard.press("Enter")
    tab_to(page, '.message.mine [data-act="delete"]')
    page.keyboard.press("Enter")
    expect(mine).to_contain_text("Deleted")
