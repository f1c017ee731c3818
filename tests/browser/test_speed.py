"""What a first visit costs. Bytes and round trips are counted and bounded; the time on a slow phone is printed."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.sync_api import Page

from tests.browser.conftest import NewPage, sign_in
from tests.support.people import Person

MOST_BYTES = 120_000
MOST_DEEP = 4  # the page, its module, what that imports, what those import: each is a round trip on a phone
PHONE = {
    "offline": False,
    "latency": 70,
    "downloadThroughput": 1_250_000,
    "uploadThroughput": 250_000,
}  # 10 Mbit/s, 70 ms


class Visit:
    """What travels for a page, as the browser's network stack counts it: headers and compressed bodies."""

    def __init__(self, page: Page) -> None:
        self.bytes = 0
        self._sent_by: dict[str, str | None] = {}
        self.session = page.context.new_cdp_session(page)
        self.session.on("Network.requestWillBeSent", self._note)
        self.session.on("Network.loadingFinished", self._count)
        self.session.send("Network.enable")

    def _note(self, event: dict[str, Any]) -> None:
        initiator = event["initiator"]
        frames = initiator.get("stack", {}).get("callFrames", [])
        self._sent_by[event["request"]["url"]] = initiator.get("url") or (frames[0]["url"] if frames else None)

    def _count(self, event: dict[str, Any]) -> None:
        self.bytes += int(event["encodedDataLength"])

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


@pytest.mark.parametrize("which", ["viewer", "control"])
def test_a_first_visit_on_a_phone_is_small_and_short(
    new_page: NewPage, host: Person, room: dict[str, Any], which: str
) -> None:
    page = new_page(viewport={"width": 390, "height": 844})
    if which == "control":
        sign_in(page, host)
    visit = Visit(page)
    visit.session.send("Network.setCacheDisabled", {"cacheDisabled": True})
    visit.session.send("Network.emulateNetworkConditions", PHONE)
    visit.session.send("Emulation.setCPUThrottlingRate", {"rate": 4})
    page.goto(host.url + (f"/rooms/{room['id']}" if which == "control" else f"/r/{room['shareToken']}"))
    page.wait_for_selector("#connection[data-state=live]")
    painted = page.evaluate("performance.getEntriesByName('first-contentful-paint')[0]?.startTime")
    ready = page.evaluate("performance.getEntriesByType('navigation')[0].domContentLoadedEventEnd")
    print(f"{which}: {visit.bytes} bytes, {visit.requests} requests, {visit.depth} deep")
    print(f"shown after {painted:.0f} ms, usable after {ready:.0f} ms")
    assert visit.bytes <= MOST_BYTES
    assert visit.depth <= MOST_DEEP
