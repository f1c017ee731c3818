"""What a first visit costs, counted: bytes, requests, and how many wait for one another. Milliseconds are for `bench.pages`."""

from __future__ import annotations

import re
from typing import Any

import pytest
from playwright.sync_api import Page, Route, expect

from tests.browser.conftest import NewPage, sign_in
from tests.support.people import Person

MOST_BYTES = {"viewer": 52_000, "control": 68_000}
FIRST_WINDOW_BYTES = 14_600  # what a new connection brings before the phone has answered (RFC 6928)
MOST_DEEP = 3  # the page, its script, the library of sockets: each is a round trip on a phone
MOST_REQUESTS = 12
NEEDED = re.compile(r"/(css/[\w+]+\.css|bundle/\w+\.js)$")
WRONG_CLOCK = "{ const now = Date.now; Date.now = () => now() - 86_400_000; }"


class Visit:
    """What travels for a page, as the browser's network stack counts it: headers and compressed bodies."""

    def __init__(self, page: Page) -> None:
        self.sizes: dict[str, int] = {}
        self._urls: dict[str, str] = {}
        self._sent_by: dict[str, str | None] = {}
        self.session = page.context.new_cdp_session(page)
        self.session.on("Network.requestWillBeSent", self._note)
        self.session.on("Network.loadingFinished", self._count)
        self.session.send("Network.enable")
        self.session.send("Network.setCacheDisabled", {"cacheDisabled": True})

    def _note(self, event: dict[str, Any]) -> None:
        initiator = event["initiator"]
        frames = initiator.get("stack", {}).get("callFrames", [])
        self._urls[event["requestId"]] = event["request"]["url"]
        self._sent_by[event["request"]["url"]] = initiator.get("url") or (frames[0]["url"] if frames else None)

    def _count(self, event: dict[str, Any]) -> None:
        if url := self._urls.get(event["requestId"]):  # else the page before this one asked for it
            self.sizes[url] = int(event["encodedDataLength"])

    @property
    def bytes(self) -> int:
        return sum(self.sizes.values())

    @property
    def depth(self) -> int:
        """The longest chain of requests of which one asks for the next, the socket's left out."""
        return max(self._depth(url) for url in self._sent_by if "socket.io/?" not in url)

    @property
    def requests(self) -> int:
        return len(self._sent_by)

    def _depth(self, url: str) -> int:
        asker = self._sent_by.get(url)
        return 1 + (self._depth(asker) if asker and asker != url and asker in self._sent_by else 0)


def address(page: Page, host: Person, room: dict[str, Any], which: str) -> str:
    """Where `page` finds the room; a host signs in for the control page."""
    if which == "control":
        sign_in(page, host)
        return f"{host.url}/rooms/{room['id']}"
    return f"{host.url}/r/{room['shareToken']}"


@pytest.mark.parametrize("which", ["viewer", "control"])
def test_a_first_visit_is_small_and_short(new_page: NewPage, host: Person, room: dict[str, Any], which: str) -> None:
    for number in range(20):
        host.post(f"/api/rooms/{room['id']}/timers", title=f"Talk {number}", duration=1_500_000)
    page = new_page(viewport={"width": 390, "height": 844})
    url = address(page, host, room, which)
    visit = Visit(page)
    page.goto(url)
    page.wait_for_selector("#connection[data-state=live]")
    page.wait_for_load_state("networkidle")
    print(f"{which}: {visit.bytes} bytes, {visit.requests} requests, {visit.depth} deep")
    assert visit.bytes <= MOST_BYTES[which]
    needed = {url: size for url, size in visit.sizes.items() if NEEDED.search(url)}
    assert len(needed) == 2
    assert max(needed.values()) <= FIRST_WINDOW_BYTES, needed
    assert visit.depth <= MOST_DEEP
    assert visit.requests <= MOST_REQUESTS


def only_what_is_needed(page: Page) -> list[str]:
    """Let nothing through but documents, one style sheet, one script and REST; the addresses that a page asked for."""
    asked: list[str] = []

    def judge(route: Route) -> None:
        url = route.request.url
        if route.request.resource_type in ("stylesheet", "script"):
            asked.append(url)
        passes = route.request.resource_type == "document" or NEEDED.search(url) or "/api/" in url
        route.continue_() if passes else route.abort()

    page.route("**/*", judge)
    return asked


@pytest.mark.parametrize("which", ["viewer", "control"])
def test_a_page_is_of_use_with_its_style_sheet_and_one_script_whatever_the_device_thinks_the_time_is(
    new_page: NewPage, host: Person, room: dict[str, Any], which: str, complaints: Any
) -> None:
    complaints.expect("net::ERR_FAILED")
    timer = host.get(f"/api/rooms/{room['id']}")["timers"][0]
    if which == "viewer":
        host.post(f"/api/timers/{timer['id']}/start")
    page = new_page()
    url = address(page, host, room, which)
    page.add_init_script(WRONG_CLOCK)
    asked = only_what_is_needed(page)
    page.goto(url)
    if which == "control":
        page.click("#main-acts >> text=Start")
        page.wait_for_selector("#main-acts[data-state=running]")
        assert page.evaluate("performance.getEntriesByName('usable').length") == 1  # the page was not left
    expect(page.locator("#digits")).to_have_text(re.compile(r"^24:\d\d$"))
    shown = page.text_content("#digits")
    page.wait_for_function("(shown) => document.getElementById('digits').textContent !== shown", arg=shown)
    assert sorted(url.rsplit(".", 1)[1] for url in asked if NEEDED.search(url)) == ["css", "js"]


def test_menus_that_are_closed_cost_no_layout(new_page: NewPage, host: Person, room: dict[str, Any]) -> None:
    page = new_page()
    sign_in(page, host)
    page.goto(f"{host.url}/rooms/{room['id']}")
    shown = "[...document.querySelectorAll('details.menu > .more')].map((menu) => getComputedStyle(menu).display)"
    closed = page.evaluate(shown)
    assert closed
    assert set(closed) == {"none"}
    page.click("#run-list li:first-child details.menu > summary")
    assert page.evaluate(shown).count("none") == len(closed) - 1


def test_buttons_work_before_any_script_has_arrived(
    new_page: NewPage, host: Person, room: dict[str, Any], complaints: Any
) -> None:
    complaints.expect("net::ERR_FAILED")
    page = new_page()
    sign_in(page, host)
    page.route("**/*.js", lambda route: route.abort())
    page.goto(f"{host.url}/rooms/{room['id']}")
    page.click("#main-acts >> text=Start")
    expect(page.locator("#run-list li").first).to_have_attribute("data-state", "running")
    expect(page.locator("#connection")).to_be_hidden()  # nobody can say how fresh it is


def test_a_conversation_that_arrives_while_the_room_is_polled_shows_what_was_said(
    new_page: NewPage, host: Person, room: dict[str, Any], complaints: Any
) -> None:
    complaints.expect("socket.io")
    host.post(f"/api/rooms/{room['id']}/messages", content="Read without a socket")
    page = new_page()
    sign_in(page, host)
    page.route("**/socket.io/**", lambda route: route.abort())
    page.route_web_socket(re.compile("socket.io"), lambda socket: socket.close())
    held: list[Route] = []
    page.route("**/bundle/control+chat.js", lambda route: held.append(route))
    page.goto(f"{host.url}/rooms/{room['id']}")
    expect(page.locator("#connection")).to_have_attribute("data-state", "polling")
    held[0].continue_()
    expect(page.locator(".message .content")).to_have_text("Read without a socket")


@pytest.mark.parametrize("lost", ["vendor/*.js", "bundle/viewer+chat.js"])
def test_a_page_that_lost_what_it_imports_later_asks_for_it_again(
    new_page: NewPage, host: Person, room: dict[str, Any], complaints: Any, lost: str
) -> None:
    complaints.expect("net::ERR_FAILED")
    page = new_page()
    page.route(f"**/{lost}", lambda route: route.abort(), times=1)
    page.goto(f"{host.url}/r/{room['shareToken']}")
    expect(page.locator("#connection")).to_have_attribute("data-state", "live")
    expect(page.locator("#chat-guest")).to_be_visible()


def test_a_conversation_that_arrives_after_the_room_was_joined_shows_what_was_said_and_voted_for(
    new_page: NewPage, host: Person, room: dict[str, Any]
) -> None:
    question = host.post(f"/api/rooms/{room['id']}/messages", content="When is lunch?", messageType="question")
    host.request("PUT", f"/api/messages/{question['id']}/vote")
    page = new_page()
    sign_in(page, host)
    held: list[Route] = []
    page.route("**/bundle/control+chat.js", lambda route: held.append(route))
    page.goto(f"{host.url}/rooms/{room['id']}")
    expect(page.locator("#connection")).to_have_attribute("data-state", "live")
    expect(page.locator("#chat-note")).to_have_text("Connecting to the conversation")
    held[0].continue_()
    expect(page.locator(".message .vote")).to_have_attribute("aria-pressed", "true")
    expect(page.locator("#chat-compose")).to_be_visible()


def test_without_scripts_the_header_says_nothing_of_a_connection(
    new_page: NewPage, host: Person, room: dict[str, Any]
) -> None:
    page = new_page(java_script_enabled=False)
    for end in ("", "/stage", "/crowd"):
        page.goto(f"{host.url}/r/{room['shareToken']}{end}")
        expect(page.locator("#connection")).to_be_hidden()
        expect(page.locator("#connection")).to_have_text("")
