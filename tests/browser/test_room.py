"""One room on several screens."""

from __future__ import annotations

import re
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import NewPage, open_live, sign_in
from tests.support.people import Person
from tests.support.server import Server
from tests.support.waiting import eventually

# Asked of both pages for the same instant, so that only what they know of the server's clock and the timer can differ.
SHOWN_AT = """async (instant) => {
  const page = document.querySelector("script[data-ref]").src;
  const { countdown, format } = await import(page.replace(/bundle\\/[a-z]+\\.js$/, "client/index.js"));
  const { room } = await import(page);
  const now = room.client.clock.now() + (instant - Date.now());
  return format(countdown(room.store.current(), now).ms, { tenths: true });
}"""
# So well that two pages are never a tenth apart: what came with the page may be known to within a second only.
CLOCK_IS_KNOWN = (
    "import(document.querySelector('script[data-ref]').src).then(({ room }) => room.client.clock.best?.error < 50)"
)

SPACE_INTO_THE_CLOSED_DIALOG = """document.querySelector("#keys button").dispatchEvent(
  new KeyboardEvent("keydown", { key: " ", bubbles: true, cancelable: true }))"""


def control_page(new_page: NewPage, host: Person, room: dict[str, Any], **options: Any) -> Page:
    page = new_page(**options)
    sign_in(page, host)
    return open_live(page, f"{host.url}/rooms/{room['id']}")


def test_a_start_on_the_control_page_shows_on_viewer_and_stage(
    new_page: NewPage, host: Person, room: dict[str, Any]
) -> None:
    share = f"{host.url}/r/{room['shareToken']}"
    viewer, stage = open_live(new_page(), share), open_live(new_page(), f"{share}/stage")
    control = control_page(new_page, host, room)
    control.click("#main-acts >> text=Start")
    for page in (control, viewer, stage):
        expect(page.locator("body")).to_have_attribute("data-phase", "running")
        expect(page.locator("#digits")).to_have_text(re.compile(r"^24:\d\d$"))
    control.click("#main-acts >> text=Next")
    for page in (control, viewer, stage):
        expect(page.locator("#timer-title")).to_have_text("Keynote")
    control.click("#main-acts >> text=Undo")
    for page in (control, viewer, stage):
        expect(page.locator("#timer-title")).to_have_text("Opening")


def test_two_browsers_show_the_same_tenth(new_page: NewPage, host: Person, room: dict[str, Any]) -> None:
    share = f"{host.url}/r/{room['shareToken']}"
    one, other = open_live(new_page(), share), open_live(new_page(), f"{share}/stage")
    timer = host.get(f"/api/rooms/{room['id']}")["timers"][0]
    host.post(f"/api/timers/{timer['id']}/start")
    for page in (one, other):
        expect(page.locator("body")).to_have_attribute("data-phase", "running")
        page.wait_for_function(CLOCK_IS_KNOWN)
    instant = one.evaluate("Date.now()")
    tenths = [_tenths(page.evaluate(SHOWN_AT, instant)) for page in (one, other)]
    assert abs(tenths[0] - tenths[1]) <= 1, tenths


def _tenths(text: str) -> int:
    minutes, seconds, tenth = (int(part) for part in re.split("[:.]", text))
    return (minutes * 60 + seconds) * 10 + tenth


def test_keys_run_the_show_but_not_while_somebody_types(new_page: NewPage, host: Person, room: dict[str, Any]) -> None:
    page = control_page(new_page, host, room)
    page.keyboard.press("?")
    expect(page.locator("#keys")).to_be_visible()
    page.keyboard.press("Escape")
    page.keyboard.press("Space")
    expect(page.locator("body")).to_have_attribute("data-phase", "running")
    # A dialog that has closed keeps the focus until the next frame, here for sure.
    page.evaluate(SPACE_INTO_THE_CLOSED_DIALOG)
    expect(page.locator("#phase")).to_have_text("Paused")
    page.keyboard.press("Space")
    expect(page.locator("#phase")).not_to_have_text("Paused")
    page.keyboard.press("ArrowRight")
    expect(page.locator("#digits")).to_have_text(re.compile(r"^25:\d\d$"))
    page.fill("#stage-text", "")
    page.type("#stage-text", "next room")
    page.locator("#stage-text").press("Space")
    expect(page.locator("#timer-title")).to_have_text("Opening")
    expect(page.locator("body")).to_have_attribute("data-phase", "running")


def test_a_length_that_is_none_is_refused_beside_its_field_and_what_was_typed_stays(
    new_page: NewPage, host: Person, room: dict[str, Any], complaints: Any
) -> None:
    page = control_page(new_page, host, room)
    complaints.expect("422")
    page.fill(".add-timer [name=title]", "Lunch")
    page.fill(".add-timer [name=duration]", "an hour")
    page.click(".add-timer button")
    expect(page.locator(".add-timer [role=alert]")).to_contain_text("1:05:00")
    expect(page.locator(".add-timer [name=title]")).to_have_value("Lunch")
    page.fill(".add-timer [name=duration]", "1:05:00")
    page.click(".add-timer button")
    expect(page.locator("#run-list li")).to_have_count(3)
    expect(page.locator(".add-timer [role=alert]")).to_have_count(0)


def test_hours_fit_into_the_card_of_a_narrow_column(new_page: NewPage, host: Person) -> None:
    room = host.post("/api/rooms", name="Main hall")
    host.post(f"/api/rooms/{room['id']}/timers", title="Day", duration=10 * 3_600_000)
    page = open_live(new_page(viewport={"width": 1000, "height": 700}), f"{host.url}/r/{room['shareToken']}")
    expect(page.locator("#digits")).to_have_text("10:00:00")
    card, digits = (page.locator(name).bounding_box() or {} for name in ("#clock", "#digits"))
    assert card["x"] <= digits["x"]
    assert digits["x"] + digits["width"] <= card["x"] + card["width"]


def test_with_the_socket_blocked_the_page_polls_and_its_buttons_act(
    new_page: NewPage, host: Person, room: dict[str, Any], complaints: Any
) -> None:
    page = new_page()
    sign_in(page, host)
    answers: list[int] = []
    page.on(
        "response", lambda answer: answers.append(answer.status) if f"/api/rooms/{room['id']}" in answer.url else None
    )
    complaints.expect("socket.io")
    page.route("**/socket.io/**", lambda route: route.abort())
    page.add_init_script("delete window.WebSocket")
    page.goto(f"{host.url}/rooms/{room['id']}")
    page.wait_for_selector("#connection[data-state=polling]")
    page.click("#main-acts >> text=Start")
    expect(page.locator("body")).to_have_attribute("data-phase", "running")
    # The ETag of what has not changed spares the answer's body.
    eventually(lambda: page.evaluate("true") and 304 in answers)


def test_with_the_socket_blocked_a_guest_comes_in_reads_and_writes(
    new_page: NewPage, host: Person, room: dict[str, Any], complaints: Any
) -> None:
    complaints.expect("socket.io", "401")  # whether nobody in particular may read is found out by asking
    host.post(f"/api/rooms/{room['id']}/messages", content="Doors open at nine")
    page = new_page()
    page.route("**/socket.io/**", lambda route: route.abort())
    page.add_init_script("delete window.WebSocket")
    page.goto(f"{host.url}/r/{room['shareToken']}")
    page.wait_for_selector("#connection[data-state=polling]")
    page.fill("#chat-guest [name=name]", "Grace")
    page.click("#chat-guest button")
    expect(page.locator("#chat-log")).to_contain_text("Doors open at nine")
    page.fill("#chat-text", "On my way")
    page.click("#chat-compose >> text=Send")
    mine = page.locator("#chat-log .message:not(.pending)", has_text="On my way")
    expect(mine).to_have_count(1)
    mine.locator(".menu summary").click()
    mine.locator("[data-act=edit]").click()
    page.fill("#chat-text", "On my way, late")
    page.click("#chat-compose >> text=Send")
    expect(mine.locator(".content")).to_have_text("On my way, late")
    theirs = page.locator("#chat-log .message", has_text="Doors open at nine")
    theirs.locator(".menu summary").click()
    expect(theirs.locator("[data-act=edit], [data-act=delete]")).to_have_count(0)
    page.keyboard.press("Escape")
    mine.locator(".menu summary").click()
    mine.locator("[data-act=delete]").click()
    expect(page.locator("#chat-log .content.soft")).to_have_count(1)


def test_lines_that_nobody_typed_speak_the_language_of_the_page(
    new_page: NewPage, host: Person, room: dict[str, Any]
) -> None:
    timer = host.get(f"/api/rooms/{room['id']}")["timers"][0]
    host.post(f"/api/timers/{timer['id']}/start")
    page = control_page(new_page, host, room, locale="fr-FR")
    expect(page.locator("#chat-log")).to_contain_text("«\N{NO-BREAK SPACE}Opening\N{NO-BREAK SPACE}» a commencé.")


def test_when_the_server_is_gone_the_clock_runs_on_and_says_so(
    new_page: NewPage, start_server: Any, complaints: Any
) -> None:
    server: Server = start_server()
    host = Person(server.url)
    room = host.post("/api/rooms", name="Main hall")
    timer = host.post(f"/api/rooms/{room['id']}/timers", title="Opening", duration=600_000)
    host.post(f"/api/timers/{timer['id']}/start")
    page = open_live(new_page(), f"{host.url}/r/{room['shareToken']}/stage")
    complaints.expect("ERR_CONNECTION_REFUSED", "ERR_EMPTY_RESPONSE", "ERR_CONNECTION_RESET", "WebSocket")
    server.kill()
    expect(page.locator("#connection")).to_have_attribute("data-state", "stale")
    shown = page.locator("#digits").text_content()
    page.wait_for_function("(shown) => document.getElementById('digits').textContent !== shown", arg=shown)


def test_no_page_is_wider_than_a_small_phone(new_page: NewPage, host: Person, room: dict[str, Any]) -> None:
    page = new_page(viewport={"width": 360, "height": 740})
    share = f"/r/{room['shareToken']}"
    paths = ["/", "/register", "/login", share, f"{share}/stage"]
    wide = [path for path in paths if _is_wide(page, host.url + path)]
    sign_in(page, host)
    wide += [
        path
        for path in ("/rooms", f"/rooms/{room['id']}", f"/rooms/{room['id']}/print")
        if _is_wide(page, host.url + path)
    ]
    assert wide == []


@pytest.mark.parametrize("lang", ["en", "fr"])
def test_the_header_is_as_narrow_as_the_smallest_phone(
    new_page: NewPage, server: Server, host: Person, room: dict[str, Any], lang: str
) -> None:
    page = new_page(viewport={"width": 320, "height": 640}, locale=lang)
    paths = ["/", "/login", "/register", "/api/docs"]
    assert [path for path in paths if _is_wide(page, server.url + path)] == []
    sign_in(page, host)
    paths = ["/rooms", "/account", f"/rooms/{room['id']}"]
    assert [path for path in paths if _is_wide(page, server.url + path)] == []


def _is_wide(page: Page, url: str) -> bool:
    page.goto(url)
    return bool(page.evaluate("document.documentElement.scrollWidth > document.documentElement.clientWidth"))


def test_a_host_runs_a_room_without_javascript(new_page: NewPage, host: Person) -> None:
    page = new_page(java_script_enabled=False)
    sign_in(page, host)
    page.fill("[name=name]", "Plain")
    page.click("text=Make the room")
    page.fill(".add-timer [name=title]", "Opening")
    page.fill(".add-timer [name=duration]", "25")
    page.click(".add-timer button")
    page.click("#main-acts >> text=Start")
    expect(page.locator("#run-list li")).to_have_attribute("data-state", "running")
    page.fill("#stage-text", "Hello")
    page.click("#stage-form >> text=Send")
    page.click("text=Viewer page")
    expect(page.locator("#stage-message")).to_have_text("Hello")
    page.go_back()
    page.click("text=Sign out")
    expect(page.locator("h1")).to_be_visible()


def test_a_member_who_is_removed_is_shown_their_rooms_and_stays_out(
    new_page: NewPage, host: Person, room: dict[str, Any], complaints: Any
) -> None:
    complaints.expect("403")  # of what the page asked for before it heard of it
    member = Person(host.url)
    page = new_page()
    sign_in(page, member)
    open_live(page, f"{host.url}/r/{room['shareToken']}")
    host.delete(f"/api/rooms/{room['id']}/members/{member.id}")
    page.wait_for_url("**/rooms")
    assert member.id not in str(host.get(f"/api/rooms/{room['id']}/members"))
