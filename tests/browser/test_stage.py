"""What the stage and the crowd's page show, and when."""

from __future__ import annotations

import re
from typing import Any

from playwright.sync_api import Page, expect

from tests.browser.conftest import NewPage, open_live
from tests.support.people import Person

# When a page first shows that the timer runs, on the server's clock as the page knows it.
WATCH_START = """import(document.querySelector("script[data-ref]").src).then(({ room }) => {
  window.shownAt = undefined;
  document.addEventListener("phase", ({ detail }) => {
    if (detail === "running") window.shownAt ??= room.client.clock.now();
  });
})"""


def start(host: Person, room: dict[str, Any]) -> dict[str, Any]:
    timer = host.get(f"/api/rooms/{room['id']}")["timers"][0]
    started: dict[str, Any] = host.post(f"/api/timers/{timer['id']}/start")
    return started


def shown_at(page: Page) -> float:
    page.wait_for_function("() => window.shownAt !== undefined")
    return float(page.evaluate("window.shownAt"))


def test_a_start_shows_on_all_screens_at_the_same_moment_ahead(
    new_page: NewPage, host: Person, room: dict[str, Any]
) -> None:
    share = f"{host.url}/r/{room['shareToken']}"
    pages = [open_live(new_page(), share), open_live(new_page(), f"{share}/stage")]
    for page in pages:
        page.evaluate(WATCH_START)
    timer = start(host, room)
    began = pages[0].evaluate("(instant) => Date.parse(instant)", timer["startTimestamp"])
    after = [shown_at(page) - began for page in pages]
    # Never before the lead; a slow machine may draw a frame late.
    assert all(ms >= 149 for ms in after), after
    assert timer["endTimestamp"] > timer["startTimestamp"]


def test_the_stage_counts_up_tells_the_time_and_keeps_its_places(
    new_page: NewPage, host: Person, room: dict[str, Any]
) -> None:
    stage = open_live(
        new_page(viewport={"width": 1280, "height": 720}), f"{host.url}/r/{room['shareToken']}/stage?mode=up"
    )
    start(host, room)
    expect(stage.locator("#digits")).to_have_text(re.compile(r"^0:0\d$"))
    stage.keyboard.press("Tab")
    stage.select_option("#mode", "clock")
    expect(stage.locator("#digits")).to_have_text(re.compile(r"^\d\d:\d\d:\d\d( [AP]M)?$"))
    stage.select_option("#mode", "left")
    expect(stage.locator("#digits")).to_have_text(re.compile(r"^24:5\d$"))
    before = stage.locator("#digits").bounding_box()
    host.request("PUT", f"/api/rooms/{room['id']}/stage", json={"text": "Please wrap up", "visible": True})
    expect(stage.locator("#stage-message")).to_have_text("Please wrap up")
    assert stage.locator("#digits").bounding_box() == before


def test_a_stage_is_dark_flashes_and_sounds_only_when_told(
    new_page: NewPage, host: Person, room: dict[str, Any]
) -> None:
    stage = open_live(
        new_page(reduced_motion="reduce"), f"{host.url}/r/{room['shareToken']}/stage?mirror=1&color=%23ff0"
    )
    expect(stage.locator("body")).to_have_class(re.compile("mirror"))
    assert stage.evaluate("getComputedStyle(document.body).color") == "rgb(255, 255, 0)"
    path = f"/api/rooms/{room['id']}/stage"
    host.request("PUT", path, json={"text": "", "visible": False, "blackout": True}).raise_for_status()
    expect(stage.locator("#digits")).to_be_hidden()
    host.post(f"{path}/flash")
    expect(stage.locator("body")).to_have_class(re.compile("flash"))
    assert stage.evaluate("getComputedStyle(document.body).animationName") == "none"
    stage.keyboard.press("Tab")
    expect(stage.locator("#sound")).to_have_attribute("aria-pressed", "false")
    stage.click("#sound")
    expect(stage.locator("#sound")).to_have_attribute("aria-pressed", "true")


def test_two_timers_at_once_are_both_shown(new_page: NewPage, host: Person, room: dict[str, Any]) -> None:
    viewer = open_live(new_page(), f"{host.url}/r/{room['shareToken']}")
    for timer in host.get(f"/api/rooms/{room['id']}")["timers"]:
        host.post(f"/api/timers/{timer['id']}/start")
    expect(viewer.locator("#timer-title")).to_have_text("Keynote")
    expect(viewer.locator("#others li")).to_have_text(re.compile(r"^Opening 24:5\d$"))


def test_the_crowds_page_follows_without_a_socket(new_page: NewPage, host: Person, room: dict[str, Any]) -> None:
    page = new_page()
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    open_live(page, f"{host.url}/r/{room['shareToken']}?crowd=1")
    start(host, room)
    expect(page.locator("#digits")).to_have_text(re.compile(r"^24:5\d$"))
    host.request("PUT", f"/api/rooms/{room['id']}/stage", json={"text": "Hello", "visible": True})
    expect(page.locator("#stage-message")).to_have_text("Hello")
    assert [url for url in asked if "socket" in url] == []
