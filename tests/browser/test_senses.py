"""What a stage does beyond its document: sound, a small window, the screen's sleep, other sites' frames, an overlay."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote, unquote

import pytest
from gevent.pywsgi import WSGIServer
from PIL import Image
from playwright.sync_api import Page, WebSocketRoute, expect

from tests.browser.conftest import Complaints, NewPage, open_live
from tests.support.people import Person
from tests.support.waiting import eventually

# Real sound in a real context; it is only noted what begins to play, and whether it is heard.
LISTEN = """
  window.tones = [];
  window.contexts = 0;
  const start = OscillatorNode.prototype.start;
  OscillatorNode.prototype.start = function (...when) {
    window.tones.push([this.frequency.value, this.context.state]);
    return start.apply(this, when);
  };
  window.AudioContext = class extends AudioContext {
    constructor(...options) {
      super(...options);
      window.contexts += 1;
      window.context = this;
    }
  };
"""
IS_HEARD = "window.context.state === 'running'"
# The browser's own lock, each kept to be looked at.
KEEP_LOCKS = """
  window.locks = [];
  const request = WakeLock.prototype.request;
  WakeLock.prototype.request = async function (kind) {
    const lock = await request.call(this, kind);
    window.locks.push(lock);
    return lock;
  };
"""
COME_BACK = "document.dispatchEvent(new Event('visibilitychange'))"


def stage_url(host: Person, room: dict[str, Any], query: str = "") -> str:
    return f"{host.url}/r/{room['shareToken']}/stage{query}"


def short_timer(host: Person, room: dict[str, Any]) -> dict[str, Any]:
    """Three seconds, of which the last two are a warning."""
    timer: dict[str, Any] = host.post(
        f"/api/rooms/{room['id']}/timers", title="Short", duration=3_000, warnMs=2_000, dangerMs=100
    )
    return timer


def start_first(host: Person, room: dict[str, Any]) -> None:
    timer = host.get(f"/api/rooms/{room['id']}")["timers"][0]
    host.post(f"/api/timers/{timer['id']}/start")


def run_out(host: Person, page: Page, timer: dict[str, Any]) -> None:
    host.post(f"/api/timers/{timer['id']}/reset")
    host.post(f"/api/timers/{timer['id']}/start")
    expect(page.locator("body")).to_have_attribute("data-phase", "warn")
    expect(page.locator("body")).to_have_attribute("data-phase", "finished")


def test_a_stage_sounds_at_the_warning_and_at_zero_and_only_when_it_was_touched(
    new_page: NewPage, host: Person, room: dict[str, Any]
) -> None:
    page = new_page()
    page.add_init_script(LISTEN)
    timer = short_timer(host, room)
    open_live(page, stage_url(host, room))
    run_out(host, page, timer)
    assert page.evaluate("[window.contexts, window.tones]") == [0, []]
    page.keyboard.press("Tab")
    page.click("#sound")
    page.wait_for_function(IS_HEARD)
    run_out(host, page, timer)
    page.wait_for_function("window.tones.length >= 2")
    warning, zero = page.evaluate("window.tones")
    assert warning[1] == zero[1] == "running"
    assert warning[0] != zero[0]
    page.click("#sound")
    run_out(host, page, timer)
    assert len(page.evaluate("window.tones")) == 2


def test_the_servers_late_word_of_an_end_that_has_sounded_makes_no_second_tone(
    new_page: NewPage, host: Person, room: dict[str, Any]
) -> None:
    page = new_page()
    page.add_init_script(LISTEN)
    timer = short_timer(host, room)
    late: list[tuple[WebSocketRoute, str | bytes]] = []

    def hold_back(route: WebSocketRoute) -> None:
        def pass_on(frame: str | bytes) -> None:
            if "timer-finished" in str(frame):
                late.append((route, frame))
            else:
                route.send(frame)

        route.connect_to_server().on_message(pass_on)

    page.route_web_socket(re.compile("socket.io"), hold_back)
    open_live(page, stage_url(host, room))
    page.keyboard.press("Tab")
    page.click("#sound")
    run_out(host, page, timer)
    page.wait_for_function("window.tones.length === 2")
    eventually(lambda: page.wait_for_timeout(20) or late)
    page.wait_for_timeout(2_500)
    [(route, frame)] = late
    route.send(frame)
    page.wait_for_timeout(500)
    assert len(page.evaluate("window.tones")) == 2


def test_the_small_window_is_a_document_that_ticks_by_itself(
    new_page: NewPage, host: Person, room: dict[str, Any]
) -> None:
    page = open_live(new_page(), f"{host.url}/r/{room['shareToken']}")
    start_first(host, room)
    expect(page.locator("#digits")).to_have_text(re.compile(r"^24:\d\d$"))
    with page.context.expect_page() as opened:
        page.click("#pip")
    small = opened.value
    expect(small.locator(".title, p.small")).to_have_text("Opening")
    expect(small.locator(".digits")).to_have_text(re.compile(r"^24:\d\d$"))
    shown = small.text_content(".digits")
    small.wait_for_function("(shown) => document.querySelector('.digits').textContent !== shown", arg=shown)


def test_where_there_are_no_small_windows_there_is_no_button_for_one(
    new_page: NewPage, host: Person, room: dict[str, Any]
) -> None:
    page = new_page()
    page.add_init_script(
        "delete window.documentPictureInPicture;"
        "Object.defineProperty(document, 'pictureInPictureEnabled', { value: false });"
    )
    open_live(page, f"{host.url}/r/{room['shareToken']}")
    expect(page.locator("#pip")).to_be_hidden()


def test_a_stage_keeps_the_screen_on_and_does_so_again_after_it_was_hidden(
    page_with_windows: Page, host: Person, room: dict[str, Any]
) -> None:
    page = page_with_windows
    page.add_init_script(KEEP_LOCKS)
    open_live(page, stage_url(host, room))
    page.wait_for_function("window.locks.length === 1 && !window.locks[0].released")
    page.evaluate("window.locks[0].release()")  # as the browser does when the page is hidden
    page.evaluate(COME_BACK)
    page.wait_for_function("window.locks.length === 2 && !window.locks[1].released")


def test_a_tab_that_was_frozen_catches_up(new_page: NewPage, host: Person, room: dict[str, Any]) -> None:
    page = open_live(new_page(), stage_url(host, room))
    session = page.context.new_cdp_session(page)
    timers = host.get(f"/api/rooms/{room['id']}")["timers"]
    session.send("Page.setWebLifecycleState", {"state": "frozen"})
    host.post(f"/api/timers/{timers[0]['id']}/start")
    host.post(f"/api/timers/{timers[0]['id']}/next")
    session.send("Page.setWebLifecycleState", {"state": "active"})
    expect(page.locator("#timer-title")).to_have_text("Keynote")
    expect(page.locator("#digits")).to_have_text(re.compile(r"^24:\d\d$"))
    expect(page.locator("#connection")).to_have_attribute("data-state", "live")


@pytest.fixture
def elsewhere() -> Iterator[str]:
    """Another site, whose page shows in a frame what its query says."""

    def answer(environ: dict[str, Any], start_response: Any) -> list[bytes]:
        start_response("200 OK", [("Content-Type", "text/html")])
        url = unquote(environ["QUERY_STRING"])
        return [
            f'<!doctype html><title>Elsewhere</title><iframe src="{url}" width="800" height="450"></iframe>'.encode()
        ]

    server = WSGIServer(("127.0.0.1", 0), answer, log=None)
    server.start()
    yield f"http://localhost:{server.server_port}/?"  # to browsers another site than 127.0.0.1
    server.stop()


@pytest.mark.parametrize("end", ["/stage", "", "/crowd"])
def test_a_room_is_framed_by_other_sites_where_its_owner_allows_it(  # noqa: PLR0917
    new_page: NewPage, host: Person, room: dict[str, Any], complaints: Complaints, elsewhere: str, end: str
) -> None:
    url = f"{host.url}/r/{room['shareToken']}{end}"
    complaints.expect("frame-ancestors", "X-Frame-Options", "chrome-error")
    refused = new_page()
    with refused.expect_event("requestfailed") as failing:
        refused.goto(elsewhere + quote(url))
    assert (failing.value.url, failing.value.failure) == (url, "net::ERR_BLOCKED_BY_RESPONSE")
    host.request("PATCH", f"/api/rooms/{room['id']}", json={"settings": {"embeddable": True}}).raise_for_status()
    allowed = new_page()
    allowed.goto(elsewhere + quote(url))
    frame = allowed.frame_locator("iframe")
    expect(frame.locator("#connection")).to_have_attribute("data-state", "live")
    start_first(host, room)
    expect(frame.locator("#digits")).to_have_text(re.compile(r"^24:\d\d$"))


def test_a_stage_lies_over_a_video_as_its_address_says(new_page: NewPage, host: Person, room: dict[str, Any]) -> None:
    query = "?background=transparent&color=%2300ff88&font=serif&mirror=1&tenths=always&mode=left"
    page = open_live(new_page(viewport={"width": 1280, "height": 720}), stage_url(host, room, query))
    style = page.evaluate("""() => {
      const { color } = getComputedStyle(document.body);
      return { color, font: getComputedStyle(document.getElementById("digits")).fontFamily };
    }""")
    assert style == {"color": "rgb(0, 255, 136)", "font": "serif"}
    expect(page.locator("body")).to_have_class(re.compile("mirror"))
    expect(page.locator("#digits")).to_have_text("25:00.0")
    picture = Image.open(io.BytesIO(page.screenshot(omit_background=True)))
    assert picture.getpixel((2, 2))[3] == 0  # type: ignore[index]
    assert (0, 255, 136, 255) in {colour for _, colour in picture.getcolors(1 << 20) or ()}


def test_an_address_cannot_put_anything_else_into_the_style(
    new_page: NewPage, host: Person, room: dict[str, Any]
) -> None:
    query = "?background=url(https://elsewhere.example/x)&color=red;display:none&font=x;}*{display:none"
    page = open_live(new_page(), stage_url(host, room, query))
    assert page.evaluate("document.body.getAttribute('style')") is None
    expect(page.locator("#digits")).to_be_visible()
