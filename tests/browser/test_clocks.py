"""All clocks of a page tell the same second at every moment that somebody sees."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import NewPage, open_live
from tests.browser.test_room import control_page
from tests.support.people import Person

# In each frame what the small clock says beside the big one, where they differ, until the big one has shown three seconds.
DIFFERING = """([small, part]) => new Promise((resolve) => {
  const [seen, odd] = [new Set(), new Set()];
  const look = () => {
    const big = document.getElementById("digits").textContent.split(".")[0];
    const text = document.querySelector(small).textContent;
    seen.add(big);
    if (text !== part.replace("{}", big)) odd.add(`${big} beside ${text}`);
    if (seen.size > 3) resolve([...odd]);
    else requestAnimationFrame(look);
  };
  requestAnimationFrame(look);
})"""


@pytest.fixture
def talk(host: Person, room: dict[str, Any]) -> dict[str, Any]:
    """A short talk in the room, in front of all others once it is started."""
    timer: dict[str, Any] = host.post(
        f"/api/rooms/{room['id']}/timers", title="Lightning", duration=1_000, onFinish="overtime"
    )
    return timer


def test_what_runs_over_is_the_same_in_the_clock_and_in_the_list(
    new_page: NewPage, host: Person, room: dict[str, Any], talk: dict[str, Any]
) -> None:
    host.post(f"/api/timers/{talk['id']}/start")
    share = f"{host.url}/r/{room['shareToken']}"
    pages = {
        "#run-list [aria-current] [data-left]": control_page(new_page, host, room),
        "#run [aria-current] .over": open_live(new_page(), share),
        "#run li[aria-current] .over": open_live(new_page(), f"{share}/crowd"),
    }
    for small, page in pages.items():
        expect(page.locator("body")).to_have_attribute("data-phase", "overtime")
        expect(page.locator(small)).to_contain_text("over")
        assert page.evaluate(DIFFERING, [small, "{} over"]) == []


@pytest.mark.parametrize("length_ms", [1_500_000, 50_000], ids=["whole seconds", "tenths"])
def test_what_is_left_is_the_same_in_the_clock_and_in_the_list(
    new_page: NewPage, host: Person, room: dict[str, Any], talk: dict[str, Any], length_ms: int
) -> None:
    host.request("PATCH", f"/api/timers/{talk['id']}", json={"duration": length_ms}).raise_for_status()
    host.post(f"/api/timers/{talk['id']}/start")
    page = control_page(new_page, host, room)
    small = "#run-list [aria-current] [data-left]"
    expect(page.locator(small)).not_to_be_empty()
    assert page.evaluate(DIFFERING, [small, "{}"]) == []


AT = """([instant, timeZone]) =>
  new Date(instant).toLocaleTimeString("en-GB", { timeZone, hour: "2-digit", minute: "2-digit" })"""


def zone_at_noon() -> str:
    """A time zone in which the day does not end before a test does."""
    return f"Etc/GMT{datetime.now(UTC).hour - 12:+d}"


def test_a_run_without_a_plan_says_about_when_what_follows_begins_and_the_day_ends(
    new_page: NewPage, host: Person, room: dict[str, Any]
) -> None:
    zone = zone_at_noon()
    page = control_page(new_page, host, room, locale="en-GB", timezone_id=zone)
    about = page.locator("#run-list [data-about]")
    expect(page.locator("#run-ends")).to_be_empty()
    opening = host.get(f"/api/rooms/{room['id']}")["timers"][0]
    ends = host.post(f"/api/timers/{opening['id']}/start")["endTimestamp"]
    following = page.evaluate(AT, [ends, zone])
    expect(about).to_have_text(["", f"about {following}"])
    last = page.evaluate("([instant, ms]) => Date.parse(instant) + ms", [ends, 25 * 60_000])
    expect(page.locator("#run-ends")).to_have_text(f"Ends about {page.evaluate(AT, [last, zone])}")
