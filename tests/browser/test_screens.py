"""The screen board: what screens say of themselves reaches the host."""

from __future__ import annotations

import io
import re
from collections.abc import Callable
from typing import Any

from PIL import Image
from playwright.sync_api import Page, WebSocketRoute, expect

from tests.browser.conftest import NewPage, open_live
from tests.browser.test_room import control_page
from tests.support.people import Person
from tests.support.waiting import eventually

# A screen that believes the server's clock to be two seconds ahead.
MISTAKEN = """import(document.querySelector("script[data-ref]").src).then(({ room: { client: { clock } } }) => {
  const now = clock.now.bind(clock);
  clock.now = () => now() + 2000;
})"""


def test_the_host_sees_every_screen_and_which_one_is_wrong(
    new_page: NewPage, host: Person, room: dict[str, Any]
) -> None:
    share = f"{host.url}/r/{room['shareToken']}"
    open_live(new_page(), f"{share}/stage?name=Back+wall")
    wrong = open_live(new_page(), f"{share}/stage?name=Foyer")
    wrong.evaluate(MISTAKEN)
    host.request("PUT", f"/api/rooms/{room['id']}/stage", json={"text": "Hello", "visible": True}).raise_for_status()
    eventually(
        lambda: problems(host, room) == {"Foyer": ["clock"], "Back wall": []}, what="the board does not see the clock"
    )
    page = control_page(new_page, host, room)
    rows = page.locator("#screens tbody tr")
    expect(rows).to_have_count(2)
    expect(rows.first).to_contain_text("Foyer")
    expect(rows.first).to_have_class(re.compile("wrong"))


def test_the_address_that_the_board_offers_lies_over_a_picture(
    new_page: NewPage, host: Person, room: dict[str, Any]
) -> None:
    page = control_page(new_page, host, room)
    address = page.locator("#screens code", has_text="background").inner_text()
    stage = open_live(new_page(), host.url + address)
    picture = Image.open(io.BytesIO(stage.screenshot(omit_background=True)))
    assert picture.getpixel((2, 2)) == (0, 0, 0, 0)


def test_a_report_that_a_stalled_network_brought_late_is_put_right_at_once(
    new_page: NewPage, host: Person, room: dict[str, Any]
) -> None:
    page = new_page()
    held: list[tuple[WebSocketRoute, str | bytes]] = []

    def hold_back(route: WebSocketRoute) -> None:
        server = route.connect_to_server()

        def pass_on(frame: str | bytes) -> None:
            if "screen-report" in str(frame) and not held:
                held.append((server, frame))
            else:
                server.send(frame)

        route.on_message(pass_on)

    page.route_web_socket(re.compile("socket.io"), hold_back)
    open_live(page, f"{host.url}/r/{room['shareToken']}/stage?name=Back+wall")
    wait(page, lambda: held, 15, "the screen does not report")
    page.wait_for_timeout(2_000)
    [(server, frame)] = held
    server.send(frame)
    wait(page, lambda: problems(host, room) == {"Back wall": ["clock"]}, 15, "the board does not see the clock")
    wait(
        page, lambda: problems(host, room) == {"Back wall": []}, 6, "it is not put right before the next report is due"
    )


def wait(page: Page, condition: Callable[[], object], within_s: float, what: str) -> None:
    """`eventually`, while the page goes on."""

    def holds() -> object:
        page.wait_for_timeout(50)
        return condition()

    eventually(holds, within_s, what)


def problems(host: Person, room: dict[str, Any]) -> dict[str, list[str]]:
    board = host.get(f"/api/rooms/{room['id']}/screens")
    return {screen["name"]: screen["problems"] for screen in board["items"]}
