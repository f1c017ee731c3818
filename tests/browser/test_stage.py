"""What the stage and the crowd's page show, and when."""

from __future__ import annotations

import io
import re
from typing import Any

import pytest
from PIL import Image
from playwright.sync_api import Page, expect

from tests.browser.conftest import NewPage, open_live, sign_in
from tests.browser.test_room import control_page
from tests.support.fixtures import StartServer
from tests.support.people import Person
from tests.support.waiting import eventually

# When a page first shows that the timer runs, on the server's clock as the page knows it.
WATCH_START = """import(document.querySelector("script[data-ref]").src).then(({ room }) => {
  window.shownAt = undefined;
  document.addEventListener("phase", ({ detail }) => {
    if (detail.phase === "running") window.shownAt ??= room.client.clock.now();
  });
})"""

IS_WHOLE = "text => text.scrollHeight <= text.clientHeight + 1 && text.scrollWidth <= text.clientWidth + 1"


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


def test_the_crowds_page_waits_for_the_same_moment_where_it_hears_of_a_start_in_time(
    new_page: NewPage, start_server: StartServer
) -> None:
    server = start_server(START_LEAD_MS="2000", RATE_LIMIT_MAX_REQUESTS="0")  # it polls every 1 to 1.5 s
    host = Person(server.url)
    room = host.post("/api/rooms", name="Main hall")
    host.post(f"/api/rooms/{room['id']}/timers", title="Opening", duration=600_000)
    share = f"{host.url}/r/{room['shareToken']}"
    crowd, stage = open_live(new_page(), f"{share}/crowd"), open_live(new_page(), f"{share}/stage")
    for page in (crowd, stage):
        page.evaluate(WATCH_START)
    timer = start(host, room)
    began = stage.evaluate("(instant) => Date.parse(instant)", timer["startTimestamp"])
    after = [shown_at(page) - began for page in (crowd, stage)]
    # The crowd's clock is known to within the second that HTTP's Date has; neither is before the lead by its own clock.
    assert all(ms >= 1_999 for ms in after), after


def test_the_stage_counts_up_tells_the_time_and_keeps_its_places(
    new_page: NewPage, host: Person, room: dict[str, Any]
) -> None:
    stage = open_live(
        new_page(viewport={"width": 1280, "height": 720}), f"{host.url}/r/{room['shareToken']}/stage?mode=up"
    )
    start(host, room)
    expect(stage.locator("#digits")).to_have_text(re.compile(r"^0:\d\d$"))
    stage.keyboard.press("Tab")
    stage.select_option("#mode", "clock")
    expect(stage.locator("#digits")).to_have_text(re.compile(r"^\d\d:\d\d:\d\d( [AP]M)?$"))
    stage.select_option("#mode", "left")
    expect(stage.locator("#digits")).to_have_text(re.compile(r"^24:\d\d$"))
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
    expect(viewer.locator("#others li")).to_have_text(re.compile(r"^Opening 24:\d\d$"))


def test_the_crowds_page_follows_without_a_socket(new_page: NewPage, host: Person, room: dict[str, Any]) -> None:
    page = new_page()
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    open_live(page, f"{host.url}/r/{room['shareToken']}?crowd=1")
    start(host, room)
    expect(page.locator("#digits")).to_have_text(re.compile(r"^24:\d\d$"))
    host.request("PUT", f"/api/rooms/{room['id']}/stage", json={"text": "Hello", "visible": True})
    expect(page.locator("#stage-message")).to_have_text("Hello")
    assert [url for url in asked if "socket" in url] == []


def test_a_clock_without_a_timer_says_so_until_there_is_one_again(
    new_page: NewPage, host: Person, room: dict[str, Any]
) -> None:
    share = f"{host.url}/r/{room['shareToken']}"
    opening, *others = host.get(f"/api/rooms/{room['id']}")["timers"]
    for timer in others:
        host.delete(f"/api/timers/{timer['id']}")
    host.post(f"/api/timers/{opening['id']}/start")
    pages = {
        control_page(new_page, host, room): "No timers yet",
        open_live(new_page(), share): "No timers yet",
        open_live(new_page(), f"{share}/crowd"): "No timers yet",
        open_live(new_page(), f"{share}/stage"): room["name"],
    }
    for page in pages:
        expect(page.locator("body")).to_have_attribute("data-phase", "running")
    host.delete(f"/api/timers/{opening['id']}")
    for page, nothing in pages.items():
        expect(page.locator("#timer-title")).to_have_text(nothing)
        expect(page.locator("#digits")).to_have_text("–:––")
        expect(page.locator("#phase")).to_be_empty()
        expect(page.locator("#progress")).to_have_js_property("value", 0)
    host.post(f"/api/timers/{opening['id']}/undo")
    for page in pages:
        expect(page.locator("#timer-title")).to_have_text(opening["title"])
        expect(page.locator("#digits")).not_to_contain_text("–")


@pytest.mark.parametrize("size", [(1920, 1080), (768, 1024), (360, 740)])
def test_a_long_title_and_a_long_message_are_shown_whole_beside_large_digits(
    new_page: NewPage, host: Person, room: dict[str, Any], size: tuple[int, int]
) -> None:
    title, question = ("Talking to each other, " * 9)[:200], ("Will the slides be shared? " * 20)[:500]
    width, height = size
    stage = open_live(new_page(viewport={"width": width, "height": height}), f"{host.url}/r/{room['shareToken']}/stage")
    usual = stage.locator("#timer-title").evaluate("text => parseFloat(getComputedStyle(text).fontSize)")
    long = host.post(f"/api/rooms/{room['id']}/timers", title=title, duration=600_000)
    host.post(f"/api/timers/{long['id']}/start")
    host.request("PUT", f"/api/rooms/{room['id']}/stage", json={"text": question, "visible": True}).raise_for_status()
    expect(stage.locator("#timer-title")).to_have_text(title.strip())
    expect(stage.locator("#stage-message")).to_have_text(question.strip())
    for text in ("#timer-title", "#stage-message"):
        eventually(lambda text=text: stage.locator(text).evaluate(IS_WHOLE))
        expect(stage.locator(text)).to_be_in_viewport(ratio=1)
    expect(stage.locator("#digits")).to_be_in_viewport(ratio=1)
    assert stage.locator("#digits").evaluate("text => text.offsetHeight") > min(size) / 6
    host.post(f"/api/timers/{long['id']}/reset")
    expect(stage.locator("#timer-title")).to_have_text("Opening")
    eventually(
        lambda: stage.locator("#timer-title").evaluate("text => parseFloat(getComputedStyle(text).fontSize)") == usual
    )


def test_what_runs_over_stays_in_front_until_another_one_begins(
    new_page: NewPage, host: Person, room: dict[str, Any]
) -> None:
    share = f"{host.url}/r/{room['shareToken']}"
    beside = host.get(f"/api/rooms/{room['id']}")["timers"][0]
    talk = host.post(f"/api/rooms/{room['id']}/timers", title="Lightning", duration=1_000, onFinish="overtime")
    host.post(f"/api/timers/{beside['id']}/start")
    host.post(f"/api/timers/{talk['id']}/start")
    viewer, stage = open_live(new_page(), share), open_live(new_page(), f"{share}/stage")
    control = control_page(new_page, host, room)
    for page in (viewer, stage, control):
        expect(page.locator("body")).to_have_attribute("data-phase", "overtime")
        expect(page.locator("#timer-title")).to_have_text("Lightning")
        expect(page.locator("#digits")).to_have_text(re.compile(r"^\+0:\d\d$"))
        expect(page.locator("#others")).to_contain_text(re.compile(r"^Opening 24:\d\d$"))
    host.post(f"/api/timers/{beside['id']}/pause")
    for page in (viewer, stage, control):
        expect(page.locator("#others")).to_contain_text("Opening")
        expect(page.locator("#timer-title")).to_have_text("Lightning")
    host.post(f"/api/timers/{beside['id']}/start")  # goes on: it is wanted in front, and the talk has not ended
    for page in (viewer, stage, control):
        expect(page.locator("#timer-title")).to_have_text("Opening")
        expect(page.locator("#others")).to_have_text(re.compile(r"^Lightning \+0:\d\d over$"))
    keynote = host.get(f"/api/rooms/{room['id']}")["timers"][1]
    host.post(f"/api/timers/{keynote['id']}/start")
    for page in (viewer, stage, control):
        expect(page.locator("#timer-title")).to_have_text("Keynote")
        expect(page.locator("#others")).not_to_contain_text("Lightning")
    kept = re.compile(r"\+0:\d\d over")
    rows = [viewer.locator("#run li"), control.locator("#run-list li")]
    shown = [row.filter(has_text="Lightning").locator(".over") for row in rows]
    for over in shown:
        expect(over).to_have_text(kept)
    before = [over.text_content() for over in shown]
    viewer.wait_for_timeout(1_500)
    assert [over.text_content() for over in shown] == before
    assert before[0] == before[1]


def test_the_overview_of_rooms_shows_what_runs_over(new_page: NewPage, host: Person, room: dict[str, Any]) -> None:
    talk = host.post(f"/api/rooms/{room['id']}/timers", title="Lightning", duration=1_000, onFinish="overtime")
    host.post(f"/api/timers/{talk['id']}/start")
    page = new_page()
    sign_in(page, host)
    eventually(lambda: host.get(f"/api/rooms/{room['id']}")["timers"][2]["state"] == "finished")
    page.reload()
    expect(page.locator(".room-now .digits")).to_have_text(re.compile(r"^\+0:\d\d$"))
    expect(page.locator(".room-now")).to_contain_text("over time")
    first = page.locator(".room-now .digits").text_content()
    expect(page.locator(".room-now .digits")).not_to_have_text(str(first))


# The page's clock is set ahead: what it shows is a later moment of the same timer.
SET_AHEAD = """(ms) => import(document.querySelector("script[data-ref]").src).then(({ room: { client: { clock } } }) => {
  const now = clock.now.bind(clock);
  clock.now = () => now() + ms;
})"""
TOLD_APART = 3  # WCAG 2.2, 1.4.11


def luminance(pixel: tuple[int, ...]) -> float:
    red, green, blue = (
        value / 12.92 if value <= 0.04045 else ((value + 0.055) / 1.055) ** 2.4
        for value in (v / 255 for v in pixel[:3])
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: tuple[int, ...], other: tuple[int, ...]) -> float:
    light, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("path", ["", "/stage"])
def test_the_bar_tells_what_has_passed_from_what_is_left(
    new_page: NewPage, host: Person, path: str, scheme: str
) -> None:
    room = host.post("/api/rooms", name="Main hall")
    timer = host.post(
        f"/api/rooms/{room['id']}/timers", title="Talk", duration=600_000, warnMs=240_000, dangerMs=120_000
    )
    host.post(f"/api/timers/{timer['id']}/start")
    page = new_page(color_scheme=scheme, viewport={"width": 1440, "height": 900}, reduced_motion="reduce")
    open_live(page, f"{host.url}/r/{room['shareToken']}{path}")
    low = {}
    for phase, ahead_ms in (("running", 240_000), ("warn", 420_000), ("danger", 540_000)):
        page.reload()
        page.wait_for_selector("#connection[data-state=live]")
        page.evaluate(SET_AHEAD, ahead_ms)
        expect(page.locator("body")).to_have_attribute("data-phase", phase)
        bar = Image.open(io.BytesIO(page.locator("#progress").screenshot())).convert("RGB")
        passed, left, soon = (bar.getpixel((int(bar.width * share), bar.height // 2)) for share in (0.1, 0.97, 0.5))
        # Its first row may lie between two of the screen's.
        edge = max(contrast(bar.getpixel((bar.width // 2, row)), ground_of(page)) for row in range(2))
        if min(contrast(passed, left), edge) < TOLD_APART:
            low[phase] = (passed, left, edge)
        if phase == "running":
            assert soon != left, "where the warnings begin stands on the bar"
    assert low == {}


def ground_of(page: Page) -> tuple[int, ...]:
    """The colour beside the bar."""
    box = page.locator("#progress").bounding_box()
    assert box is not None
    clip = {"x": box["x"] + box["width"] / 2, "y": box["y"] - 6, "width": 2, "height": 2}
    ground: tuple[int, ...] = Image.open(io.BytesIO(page.screenshot(clip=clip))).convert("RGB").getpixel((0, 0))
    return ground


def test_lengths_are_the_planned_ones_with_what_was_given_beside_them(
    new_page: NewPage, host: Person, room: dict[str, Any]
) -> None:
    viewer = open_live(new_page(), f"{host.url}/r/{room['shareToken']}")
    control = control_page(new_page, host, room)
    control.locator('#main-acts [data-action="plus"] button').click()
    lengths = [viewer.locator("#run li .digits"), control.locator("#run-list [data-length]")]
    for length in lengths:
        expect(length).to_have_text(["25:00 +1:00", "25:00"])
    control.reload()
    expect(lengths[1]).to_have_text(["25:00 +1:00", "25:00"])


def test_a_minutes_timer_is_calm_until_half_of_it_has_passed(
    new_page: NewPage, host: Person, room: dict[str, Any]
) -> None:
    short = host.post(f"/api/rooms/{room['id']}/timers", title="Pitch", duration=60_000)
    stage = open_live(new_page(), f"{host.url}/r/{room['shareToken']}/stage")
    host.post(f"/api/timers/{short['id']}/start")
    expect(stage.locator("#timer-title")).to_have_text("Pitch")
    expect(stage.locator("body")).to_have_attribute("data-phase", "running")
    stage.evaluate(SET_AHEAD, 33_000)
    expect(stage.locator("body")).to_have_attribute("data-phase", "warn")
    stage.evaluate(SET_AHEAD, 16_000)
    expect(stage.locator("body")).to_have_attribute("data-phase", "danger")
