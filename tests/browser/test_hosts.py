"""Two hosts at one run of show: what each of them writes, and what they are told of each other."""

from __future__ import annotations

from typing import Any

from playwright.sync_api import Locator, Page, expect

from tests.browser.conftest import MINUTE_MS, NewPage, open_live
from tests.browser.test_room import control_page
from tests.support.people import Person


def menu_of(page: Page, title: str) -> Locator:
    """The menu of a timer, open, once the page can send forms."""
    entry = page.locator("#run-list > li", has_text=title)
    expect(entry).to_have_count(1)
    entry.locator("summary").click()
    return entry


def save(entry: Locator) -> None:
    entry.get_by_role("button", name="Save").click()
    expect(entry.locator("details")).not_to_have_attribute("open", "")


def test_two_hosts_change_one_timer_and_neither_loses_what_the_other_wrote(
    new_page: NewPage, host: Person, room: dict[str, Any]
) -> None:
    first, second = control_page(new_page, host, room), control_page(new_page, host, room)
    ours, theirs = menu_of(first, "Keynote"), menu_of(second, "Keynote")
    ours.get_by_label("Title").fill("Keynote: Time")
    theirs.get_by_label("Length").fill("40")
    theirs.get_by_label("Red at").fill("0:30")
    save(theirs)
    expect(ours.get_by_label("Length")).to_have_value("40")
    expect(ours.get_by_label("Red at")).to_have_value("0:30")
    expect(ours.get_by_label("Title")).to_have_value("Keynote: Time")
    expect(ours.get_by_role("alert")).to_have_count(0)
    save(ours)
    timer = host.get(f"/api/rooms/{room['id']}")["timers"][1]
    assert (timer["title"], timer["duration"], timer["dangerMs"]) == ("Keynote: Time", 40 * MINUTE_MS, 30_000)


def test_a_host_is_told_when_another_one_changed_the_same(
    new_page: NewPage, host: Person, room: dict[str, Any]
) -> None:
    page = control_page(new_page, host, room)
    entry = menu_of(page, "Keynote")
    entry.get_by_label("Length").fill("30")
    entry.get_by_label("At the end").select_option("overtime")
    ident = host.get(f"/api/rooms/{room['id']}")["timers"][1]["id"]
    host.patch(f"/api/timers/{ident}", duration=40 * MINUTE_MS, onFinish="next")
    told = entry.get_by_role("alert")
    expect(told).to_contain_text("Length: 40")
    expect(told).to_contain_text("At the end: Start the next")
    expect(entry.get_by_label("Length")).to_have_value("30")
    save(entry)
    timer = host.get(f"/api/rooms/{room['id']}")["timers"][1]
    assert (timer["duration"], timer["onFinish"]) == (30 * MINUTE_MS, "overtime")


def test_a_planned_start_is_moved_on_the_page_and_every_page_follows(
    new_page: NewPage, host: Person, room: dict[str, Any]
) -> None:
    opening, keynote = host.get(f"/api/rooms/{room['id']}")["timers"]
    host.patch(f"/api/timers/{opening['id']}", plannedAt="2030-05-04T09:00:00Z")
    options: dict[str, Any] = {"timezone_id": "Europe/Paris", "locale": "fr-FR"}
    other, viewer = control_page(new_page, host, room, **options), new_page(**options)
    open_live(viewer, f"{host.url}/r/{room['shareToken']}")
    page = control_page(new_page, host, room, timezone_id="Asia/Tokyo", locale="en-GB")
    entry = menu_of(page, "Keynote")
    field = entry.get_by_label("Planned start")
    expect(field).to_have_value("2030-05-04T18:25")
    field.fill("2030-05-04T18:40")
    save(entry)
    expect(entry.locator("[data-clock]")).to_have_text("18:40")
    expect(other.locator(f'#run-list > [data-id="{keynote["id"]}"] [data-clock]')).to_have_text("11:40")
    expect(viewer.locator(f'#run > [data-id="{keynote["id"]}"] time')).to_have_text("11:40")
    host.patch(f"/api/timers/{opening['id']}", plannedAt="2030-05-04T09:05:00Z")
    expect(viewer.locator(f'#run > [data-id="{opening["id"]}"] time')).to_have_text("11:05")
    expect(other.locator(f'#run-list > [data-id="{opening["id"]}"] [data-clock]')).to_have_text("11:05")


def test_what_is_half_written_outlives_the_sending_of_another_form(
    new_page: NewPage, host: Person, room: dict[str, Any]
) -> None:
    page = control_page(new_page, host, room)
    guest = Person(host.url)
    page.locator("#people summary", has_text="Members").click()
    page.locator("#people summary", has_text="Add a member").click()
    page.locator("#stage-form [name=text]").fill("Half a message to the st")
    page.locator("#chat-text").fill("Half a line")
    page.get_by_label("Username or e-mail").fill(guest.name)
    page.locator("#people form", has_text="Username or e-mail").get_by_role("button", name="Add").click()
    expect(page.locator("#members")).to_contain_text(guest.name)
    expect(page.locator("#people summary", has_text="Members")).to_contain_text("2")
    expect(page.locator("#members")).to_be_visible()
    expect(page.locator("#stage-form [name=text]")).to_have_value("Half a message to the st")
    expect(page.locator("#chat-text")).to_have_value("Half a line")
    expect(page.get_by_label("Username or e-mail")).to_have_value("")
    host.request("PUT", f"/api/rooms/{room['id']}/stage", json={"text": "Theirs", "visible": True}).raise_for_status()
    expect(page.locator("#stage-shown")).to_have_text("Theirs")
    expect(page.locator("#stage-form [name=text]")).to_have_value("Half a message to the st")
    page.reload()
    expect(page.locator("#stage-form [name=text]")).to_have_value("Theirs")
