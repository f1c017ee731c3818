"""The control page at a phone's, a tablet's and a laptop's width: what is in sight, and what lies over what."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import NewPage, open_live, sign_in
from tests.browser.test_room import control_page
from tests.support.people import Person

PHONE = {"viewport": {"width": 360, "height": 740}, "has_touch": True, "is_mobile": True}
TABLET = {"viewport": {"width": 768, "height": 1024}}
LAPTOP = {"viewport": {"width": 1440, "height": 900}}
NARROW = {"viewport": {"width": 1200, "height": 800}}
SMALL_LAPTOP = {"viewport": {"width": 1280, "height": 800}}
# Elements that take more than one line of their own text.
BROKEN = """selector => [...document.querySelectorAll(selector)].filter((part) => part.checkVisibility())
  .filter((part) => { const range = document.createRange(); range.selectNodeContents(part);
    return new Set([...range.getClientRects()].map(({ bottom }) => Math.round(bottom / 8))).size > 1; })
  .map((part) => part.textContent)"""
LAID_OUT = """selector => [...document.querySelectorAll(selector)].map((part) => part.getBoundingClientRect())
  .filter(({ width }) => width).map(({ y, right }) => ({ y, right }))"""
BOXES = (
    """selectors => selectors.map((selector) => document.querySelector(selector).getBoundingClientRect().toJSON())"""
)
COVERED = """() => {
  const menu = document.querySelector("details.menu[open] .more").getBoundingClientRect();
  return [...document.querySelectorAll("#run-list .acts > form > button, #run-list summary")]
    .filter((button) => button.checkVisibility())
    .filter((button) => { const box = button.getBoundingClientRect();
      return box.left < menu.right && box.right > menu.left && box.top < menu.bottom && box.bottom > menu.top; })
    .map((button) => button.ariaLabel);
}"""


@pytest.fixture
def show(host: Person, room: dict[str, Any]) -> dict[str, Any]:
    """A room in the middle of its show: one timer is over, one runs late, the others are planned."""
    path = f"/api/rooms/{room['id']}"
    for timer in host.get(path)["timers"]:
        host.delete(f"/api/timers/{timer['id']}")
    rows = [
        f"{title},25,2999-01-01T09:{minute}:00Z" for title, minute in (("Welcome", "00"), ("Typing: ten years on", 30))
    ]
    host.post(
        f"{path}/timers/import", csv="\n".join(["title,duration,startsAt", *rows, "Coffee,20,", "Lightning talks,5,"])
    )
    first = host.get(path)["timers"][0]
    host.post(f"/api/timers/{first['id']}/start")
    host.post(f"/api/timers/{first['id']}/next")
    return room


def control_of(page: Page, host: Person, room: dict[str, Any]) -> Page:
    sign_in(page, host)
    open_live(page, f"{host.url}/rooms/{room['id']}")
    expect(page.locator("#main-acts")).to_have_attribute("data-state", "running")
    return page


@pytest.mark.parametrize("locale", ["en-US", "fr-FR"])
def test_on_a_phone_the_clock_leaves_room_and_rows_have_a_line_of_facts(
    new_page: NewPage, host: Person, show: dict[str, Any], locale: str
) -> None:
    page = control_of(new_page(**PHONE, locale=locale), host, show)
    before = page.locator("#clock").bounding_box()
    assert before
    assert before["height"] <= 150
    assert (
        page.evaluate(BROKEN, "#run-list time, #run-list .facts > :not(:has(time)), #clock .title, #clock .next-up")
        == []
    )
    assert page.evaluate("[...document.querySelectorAll('.facts')].every((facts) => facts.scrollHeight < 25)")
    assert page.evaluate(
        "[...document.querySelectorAll('.facts')].every(({ scrollWidth, clientWidth }) => scrollWidth <= clientWidth)"
    )
    assert page.evaluate("document.documentElement.scrollWidth") == 360
    page.locator("#main-acts [data-action=pause] button").click()
    expect(page.locator("#main-acts")).to_have_attribute("data-state", "paused")
    after = page.locator("#clock").bounding_box()
    assert after
    assert after["height"] == before["height"]


@pytest.mark.parametrize("size", [TABLET, SMALL_LAPTOP, LAPTOP], ids=["tablet", "small", "laptop"])
def test_an_open_menu_of_the_run_covers_no_button_of_it(
    new_page: NewPage, host: Person, show: dict[str, Any], size: dict[str, Any]
) -> None:
    page = control_of(new_page(**size), host, show)
    for row in range(4):
        page.locator("#run-list summary").nth(row).click()
        expect(page.locator("#run-list details[open]")).to_have_count(1)
        assert page.evaluate(COVERED) == []


def boxes_of(page: Page, *selectors: str) -> list[dict[str, float]]:
    """Where each is at one moment."""
    boxes: list[dict[str, float]] = page.evaluate(BOXES, selectors)
    return boxes


def box_of(page: Page, selector: str) -> dict[str, float]:
    (box,) = boxes_of(page, selector)
    return box


@pytest.mark.parametrize("locale", ["en-US", "fr-FR"])
@pytest.mark.parametrize("size", [SMALL_LAPTOP, LAPTOP], ids=["small", "laptop"])
def test_on_a_laptop_the_conversation_is_in_sight_and_no_time_breaks(
    new_page: NewPage, host: Person, show: dict[str, Any], size: dict[str, Any], locale: str
) -> None:
    guest = host.guest(show, "Somebody with a rather long name here")
    guest.post(f"/api/rooms/{show['id']}/messages", content="Good morning")
    page = control_of(new_page(**size, locale=locale), host, show)
    expect(page.locator(".message", has_text="Good morning")).to_be_visible()
    assert page.evaluate(BROKEN, "time") == []
    assert box_of(page, "#chat-compose button.primary")["bottom"] <= size["viewport"]["height"]


@pytest.mark.parametrize("width", [1200, 1280, 1375, 1376, 1440])
def test_the_conversation_and_the_stage_stand_beside_the_run_and_the_clock_above_it(
    new_page: NewPage, host: Person, show: dict[str, Any], width: int
) -> None:
    page = control_of(new_page(viewport={"width": width, "height": 800}), host, show)
    clock, run, stage, chat = boxes_of(page, "#clock", "#run", "#stage", "#chat")
    assert chat["y"] == clock["y"]
    assert clock["x"] == run["x"]
    assert 0 < run["y"] - clock["bottom"] < 20
    assert run["right"] < stage["x"] < stage["right"] < chat["x"]
    assert clock["right"] < chat["x"]
    assert page.evaluate("document.documentElement.scrollWidth") == width


def test_on_a_small_laptop_the_clock_and_the_conversation_stay_in_sight(
    new_page: NewPage, host: Person, show: dict[str, Any]
) -> None:
    page = control_of(new_page(**SMALL_LAPTOP), host, show)
    page.mouse.wheel(0, 900)
    page.wait_for_function("() => scrollY > 600")
    expect(page.locator("#clock")).to_be_in_viewport(ratio=1)
    expect(page.locator("#chat-compose")).to_be_in_viewport(ratio=1)


@pytest.mark.parametrize("locale", ["en-US", "fr-FR"])
@pytest.mark.parametrize("size", [PHONE, TABLET, NARROW, SMALL_LAPTOP, LAPTOP], ids=str)
def test_the_clocks_buttons_are_in_one_line_within_their_card(
    new_page: NewPage, host: Person, show: dict[str, Any], size: dict[str, Any], locale: str
) -> None:
    page = control_of(new_page(**size, locale=locale), host, show)
    boxes = page.evaluate(LAID_OUT, "#main-acts button")
    assert len(boxes) == 6  # that of Undo as well, whose place is kept
    assert len({box["y"] for box in boxes}) == 1
    assert max(box["right"] for box in boxes) <= box_of(page, "#clock")["right"]


def test_what_a_timer_ran_over_by_lies_over_nothing_on_a_phone(
    new_page: NewPage, host: Person, room: dict[str, Any]
) -> None:
    for title in ("Welcome", "Lightning talks of the afternoon"):
        timer = host.post(f"/api/rooms/{room['id']}/timers", title=title, duration=1_000, onFinish="overtime")
        host.post(f"/api/timers/{timer['id']}/start")
    page = control_page(new_page, host, room, viewport={"width": 360, "height": 740}, locale="fr-FR")
    rows = page.locator("#run-list > li:has(.left.over)")
    expect(rows).to_have_count(2)
    over = """row => [...row.querySelectorAll(".what > b, .facts > *")].filter((part) => part.checkVisibility())
      .map((part) => part.getBoundingClientRect().right - row.querySelector(".left").getBoundingClientRect().left)
      .filter((px) => px > 0)"""
    assert [row.evaluate(over) for row in rows.all()] == [[], []]


MENU = """() => {
  const boxOf = (name) => document.querySelector(name).getBoundingClientRect();
  const [menu, clock] = [boxOf("details.menu[open] .more"), boxOf("#clock")];
  const bar = boxOf(".sections");
  const { scrollHeight, clientHeight } = document.querySelector("details.menu[open] .more");
  return { left: menu.left, right: innerWidth - menu.right, underClock: menu.top - clock.bottom,
    above: (bar.height ? bar.top : innerHeight) - menu.bottom, scrolls: scrollHeight > clientHeight };
}"""


@pytest.mark.parametrize("locale", ["en-US", "fr-FR"])
@pytest.mark.parametrize("size", [(360, 780), (390, 844), (1280, 800)], ids=str)
def test_the_menu_of_a_timer_is_whole_between_the_clock_and_the_lower_edge(
    new_page: NewPage, host: Person, room: dict[str, Any], size: tuple[int, int], locale: str
) -> None:
    for number in range(6):
        host.post(f"/api/rooms/{room['id']}/timers", title=f"Talk {number}", duration=600_000)
    width, height = size
    is_phone = width < 600
    options = {"viewport": {"width": width, "height": height}, "has_touch": is_phone, "is_mobile": is_phone}
    page = control_page(new_page, host, room, locale=locale, reduced_motion="reduce", **options)
    for row in (0, 3, 7):
        page.locator("#run-list summary").nth(row).click()
        expect(page.locator("#run-list details[open]")).to_have_count(1)
        menu = page.evaluate(MENU)
        assert not menu.pop("scrolls")
        assert min(menu.values()) >= 0, (row, menu)
        for name in ("title", "dangerMs", "onFinish"):
            expect(page.locator(f"details.menu[open] [name={name}]")).to_be_in_viewport(ratio=1)
        page.keyboard.press("Escape")


def test_a_menu_is_in_its_place_before_it_is_drawn(new_page: NewPage, host: Person, room: dict[str, Any]) -> None:
    """It used to be placed by an event that may come a frame late, and to be seen above the page until then."""
    for number in range(6):
        host.post(f"/api/rooms/{room['id']}/timers", title=f"Talk {number}", duration=600_000)
    page = control_page(new_page, host, room, viewport={"width": 360, "height": 780})
    # Measured in the task of the click itself: no frame comes between.
    menu = page.evaluate(f"""() => {{
      document.querySelectorAll("#run-list summary")[3].click();
      return Promise.resolve().then({MENU});
    }}""")
    assert min(menu[side] for side in ("left", "right", "underClock", "above")) >= 0, menu


LONG = "Please move closer to the microphone, the people in the last rows cannot hear you at all"


@pytest.mark.parametrize("size", [PHONE, NARROW, LAPTOP], ids=str)
def test_a_long_message_on_the_stage_widens_nothing_and_covers_no_button(
    new_page: NewPage, host: Person, show: dict[str, Any], size: dict[str, Any]
) -> None:
    stage = {"text": LONG, "visible": True, "blackout": False}
    host.request("PUT", f"/api/rooms/{show['id']}/stage", json=stage).raise_for_status()
    page = control_of(new_page(**size), host, show)
    expect(page.locator("#stage-shown")).to_have_text(LONG)
    right = box_of(page, "#stage")["right"]
    boxes = page.evaluate(LAID_OUT, "#stage *")
    assert max(box["right"] for box in boxes) <= right
    assert page.evaluate("document.documentElement.scrollWidth") == size["viewport"]["width"]
    page.click("#stage-now button")
    expect(page.locator("#stage-now")).to_have_attribute("data-shown", "false")
