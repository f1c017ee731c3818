"""A real Chromium, one for the session; each test gets fresh contexts. What its pages complain about fails the test."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, Playwright, expect, sync_playwright

from tests.support import binaries
from tests.support.databases import SqliteTemplate
from tests.support.people import PASSWORD, Person
from tests.support.server import Server

NewPage = Callable[..., Page]
MINUTE_MS = 60_000
#: A packet that crosses the server's close on its way. The browser says so, nobody can prevent it, and it is sent again.
CROSSED = "WebSocket is already in CLOSING or CLOSED state"
PATIENCE_MS = 15_000  # how long a busy machine may take; a quiet one never waits for it

expect.set_options(timeout=PATIENCE_MS)


@pytest.fixture(scope="session")
def server(sqlite_template: SqliteTemplate) -> Iterator[Server]:
    """One embedded server for all pages; they share an address, so nobody counts their requests."""
    server = Server({"RATE_LIMIT_MAX_REQUESTS": "0"})
    sqlite_template.copy_to(Path(server.settings["DATA_DIR"]))
    with server:
        yield server


@pytest.fixture(scope="session")
def playwright() -> Iterator[Playwright]:
    """What drives browsers."""
    with sync_playwright() as playwright:
        yield playwright


@pytest.fixture(scope="session")
def chromium(playwright: Playwright, chromium_path: Path) -> Iterator[Browser]:
    """The browser's process."""
    browser = playwright.chromium.launch(executable_path=str(chromium_path), args=["--no-sandbox"])
    yield browser
    browser.close()


@pytest.fixture
def page_with_windows(playwright: Playwright) -> Iterator[Page]:
    """A page of a browser that has windows, for what its shell cannot do: keep the screen on."""
    browser = playwright.chromium.launch(executable_path=str(binaries.chromium()), args=["--no-sandbox"])
    page = browser.new_page()
    page.set_default_timeout(PATIENCE_MS)
    yield page
    browser.close()


class Complaints:
    """What pages write to their console as errors, what they throw, and what their policy refuses."""

    def __init__(self) -> None:
        self.heard: list[str] = []
        self._expected = [CROSSED]

    def expect(self, *parts: str) -> None:
        """Complaints that contain one of `parts` are what this test is about; also those that are still to come."""
        self._expected += parts

    def unexpected(self) -> list[str]:
        """What nobody should have seen."""
        return [text for text in self.heard if not any(part in text for part in self._expected)]

    def listen(self, page: Page) -> None:
        page.on("pageerror", lambda error: self.heard.append(f"{page.url}: {error}"))
        page.on("console", lambda message: self._hear(page, message))

    def _hear(self, page: Page, message: ConsoleMessage) -> None:
        if message.type == "error" or "Content Security Policy" in message.text:
            self.heard.append(f"{page.url}: {message.text} {message.location}")


@pytest.fixture
def complaints() -> Iterator[Complaints]:
    """There must be none in the end but those that a test which breaks the network says that it expects."""
    complaints = Complaints()
    yield complaints
    assert complaints.unexpected() == []


@pytest.fixture
def new_page(chromium: Browser, complaints: Complaints) -> Iterator[NewPage]:
    """Open a page in a context of its own: `new_page(viewport=…, java_script_enabled=False)`."""
    contexts: list[BrowserContext] = []

    def open_page(**options: Any) -> Page:
        context = chromium.new_context(**options)
        context.set_default_timeout(PATIENCE_MS)
        contexts.append(context)
        page = context.new_page()
        complaints.listen(page)
        # From the beginning: whoever begins to wait for one later may miss it, for the browser is asked for them only then.
        for event in ("request", "response"):
            page.on(event, lambda _: None)
        return page

    yield open_page
    for context in contexts:
        context.close()


@pytest.fixture
def host(server: Server) -> Person:
    """Somebody with an account."""
    return Person(server.url)


@pytest.fixture
def room(host: Person) -> dict[str, Any]:
    """The host's room with a run of two timers."""
    room: dict[str, Any] = host.post("/api/rooms", name="Main hall")
    for title in ("Opening", "Keynote"):
        host.post(f"/api/rooms/{room['id']}/timers", title=title, duration=25 * MINUTE_MS)
    return room


def sign_in(page: Page, person: Person) -> None:
    """By the form, as people do."""
    page.goto(f"{person.url}/login")
    page.fill("[name=username]", person.name)
    page.fill("[name=password]", PASSWORD)
    page.click("main button[type=submit]")
    page.wait_for_url("**/rooms")


def open_live(page: Page, url: str) -> Page:
    """Open a room's page and wait until it is live."""
    page.goto(url)
    page.wait_for_selector("#connection[data-state=live]")
    return page
