"""What a page costs the first time, on a venue's network: at most 120 kB, and nothing from elsewhere."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

from playwright.sync_api import Page

from tests.browser.conftest import NewPage, open_live, sign_in
from tests.support.people import Person

MOST_BYTES = 120_000


class Scale:
    """Weighs what a page loads over HTTP, compressed and with its headers."""

    def __init__(self, page: Page) -> None:
        self.addresses: list[str] = []
        self.total = 0
        session = page.context.new_cdp_session(page)
        session.send("Network.enable")
        session.send("Network.setCacheDisabled", {"cacheDisabled": True})
        session.on("Network.requestWillBeSent", lambda event: self.addresses.append(event["request"]["url"]))
        session.on("Network.loadingFinished", self._weigh)

    def _weigh(self, event: dict[str, Any]) -> None:
        self.total += int(event["encodedDataLength"])

    def hosts(self) -> set[str]:
        return {urlsplit(address).netloc for address in self.addresses if address.startswith("http")}


def weigh(page: Page, url: str) -> Scale:
    scale = Scale(page)
    open_live(page, url)
    page.wait_for_load_state("networkidle")
    return scale


def test_the_viewers_the_stages_and_the_crowds_page_are_light(
    new_page: NewPage, host: Person, room: dict[str, Any]
) -> None:
    share = f"{host.url}/r/{room['shareToken']}"
    scales = {path: weigh(new_page(), share + path) for path in ("", "/stage", "/crowd")}
    assert {path: scale.total for path, scale in scales.items() if not 10_000 < scale.total <= MOST_BYTES} == {}
    assert scales["/crowd"].total < scales[""].total / 2
    assert {place for scale in scales.values() for place in scale.hosts()} == {urlsplit(host.url).netloc}


def test_the_control_page_is_light_too(new_page: NewPage, host: Person, room: dict[str, Any]) -> None:
    page = new_page()
    sign_in(page, host)
    scale = weigh(page, f"{host.url}/rooms/{room['id']}")
    assert 10_000 < scale.total <= MOST_BYTES
