"""How soon a page is of use on a phone: `python -m bench.pages [--visits 9] [--waterfall]`.

Chromium visits the control page, the viewer's page and the stage for the first time, with its processor slowed down four
times and through a link that behaves as a phone's: the profile is Lighthouse's for mobile ("slow 4G": 150 ms there and back,
1.6 Mbit/s, github.com/GoogleChrome/lighthouse/blob/main/docs/throttling.md); the second is a good day (70 ms, 10 Mbit/s). The
browser's own emulation of a network knows neither handshakes nor slow starts, so the link is a relay in this process
(`Link`).

shown:  the first contentful paint; the page is made by the server, so forms work and the clock is right from here on
usable: the clock has been drawn and ticks, and buttons act without leaving the page; the page says so itself
        (`performance.mark("usable")` in static/js/clockface.js)
live:   the socket has joined

`--waterfall` prints what each page has asked for in its last visit: when, when the first byte was there, and the last (ms), and
how much came (bytes, headers included).
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import os
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from statistics import median
from typing import Any

from playwright.sync_api import Browser, Page, sync_playwright

from tests.support.binaries import chromium
from tests.support.people import PASSWORD, Person
from tests.support.server import Server

SEGMENT_BYTES = 1_460
FIRST_WINDOW_BYTES = 10 * SEGMENT_BYTES  # RFC 6928
SLOWER = 4
TIMES = """() => {
  const visit = performance.getEntriesByType("navigation")[0];
  const painted = performance.getEntriesByName("first-contentful-paint")[0].startTime;
  const ready = performance.getEntriesByName("usable")[0]?.startTime ?? visit.domContentLoadedEventEnd;
  return { shown: painted, usable: Math.max(painted, ready), live: performance.now() };
}"""

WATERFALL = """() => ["navigation", "resource"].flatMap((type) => performance.getEntriesByType(type)).map((entry) => [
  new URL(entry.name).pathname, entry.startTime, entry.responseStart, entry.responseEnd, entry.transferSize])"""


@dataclass(frozen=True)
class Profile:
    """A way to the server: there and back in seconds, bytes a second to the phone and from it."""

    name: str
    round_trip_s: float
    down: float
    up: float


PROFILES = (
    Profile("slow 4G, 150 ms, 1.6 Mbit/s", 0.150, 1_638_400 / 8, 750_000 / 8),
    Profile("70 ms, 10 Mbit/s", 0.070, 10_000_000 / 8, 2_000_000 / 8),
)


class Way:
    """One direction, shared by all connections: bytes leave one after the other and arrive half a round trip later."""

    def __init__(self, bytes_per_s: float, delay_s: float) -> None:
        self._rate, self._delay_s = bytes_per_s, delay_s
        self._free_at = 0.0
        self.bytes = 0

    async def carry(self, piece: bytes, arrive: Callable[[bytes], None]) -> None:
        """Returns when the last byte has left."""
        loop = asyncio.get_running_loop()
        self.bytes += len(piece)
        self._free_at = max(loop.time(), self._free_at) + len(piece) / self._rate
        loop.call_at(self._free_at + self._delay_s, arrive, piece)
        await asyncio.sleep(max(0.0, self._free_at - loop.time()))


class Link:
    """A relay to the server on `port` that delays as a phone's network does: handshakes, slow start, one line for all."""

    def __init__(self, port: int, profile: Profile) -> None:
        self._target, self._profile = port, profile
        self.down = Way(profile.down, profile.round_trip_s / 2)
        self._up = Way(profile.up, profile.round_trip_s / 2)
        self.port = 0

    async def open(self) -> asyncio.Server:
        """Listen on a free port."""
        server = await asyncio.start_server(self._connect, "127.0.0.1", 0)
        self.port = server.sockets[0].getsockname()[1]
        return server

    async def _connect(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await asyncio.sleep(self._profile.round_trip_s)  # SYN and its answer; here the system gave it at once
        from_server, to_server = await asyncio.open_connection("127.0.0.1", self._target)
        with contextlib.suppress(ConnectionError, asyncio.CancelledError):
            await asyncio.gather(
                self._pass_on(reader, to_server, self._up), self._pass_on(from_server, writer, self.down)
            )

    async def _pass_on(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, way: Way) -> None:
        window = left = FIRST_WINDOW_BYTES
        loop = asyncio.get_running_loop()
        began = loop.time()

        def arrive(piece: bytes) -> None:
            if not writer.is_closing():
                writer.write(piece)

        while data := await reader.read(SEGMENT_BYTES):
            if left == window:
                began = loop.time()
            await way.carry(data, arrive)
            left -= len(data)
            if left <= 0:  # all that may be on its way is: more when the first of it was acknowledged
                await asyncio.sleep(max(0.0, began + self._profile.round_trip_s - loop.time()))
                window = left = 2 * window
        loop.call_later(self._profile.round_trip_s, writer.close)


@contextlib.contextmanager
def linked(port: int, profile: Profile) -> Iterator[Link]:
    """A link to `port`, on a loop in a thread of its own."""
    link = Link(port, profile)
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    server = asyncio.run_coroutine_threadsafe(link.open(), loop).result()
    yield link
    asyncio.run_coroutine_threadsafe(_end(server), loop).result()
    loop.call_soon_threadsafe(loop.stop)
    thread.join()
    loop.close()


async def _end(server: asyncio.Server) -> None:
    server.close()
    left = asyncio.all_tasks() - {asyncio.current_task()}
    for task in left:
        task.cancel()
    await asyncio.gather(*left, return_exceptions=True)


@dataclass(frozen=True)
class Visit:
    """One first visit: when the page was shown, usable and live, in ms, with the kB that it took, and its requests."""

    times: dict[str, float]
    requests: list[list[Any]]


def visit(browser: Browser, server: Server, profile: Profile, path: str, cookies: list[Any]) -> Visit:
    """Go to `path` as somebody who was never here."""
    with linked(server.port, profile) as link:
        context = browser.new_context(viewport={"width": 390, "height": 844})
        context.add_cookies(cookies)
        page = context.new_page()
        page.context.new_cdp_session(page).send("Emulation.setCPUThrottlingRate", {"rate": SLOWER})
        page.goto(f"http://127.0.0.1:{link.port}{path}")
        page.wait_for_selector("#connection[data-state=live]")
        times: dict[str, float] = page.evaluate(TIMES)
        requests: list[list[Any]] = page.evaluate(WATERFALL)
        context.close()
        return Visit({**times, "kB": link.down.bytes / 1_000}, requests)


def cookies_of(browser: Browser, host: Person) -> list[Any]:
    """Those of somebody who signed in by the form; cookies do not tell ports apart."""
    context = browser.new_context()
    page: Page = context.new_page()
    page.goto(f"{host.url}/login")
    page.fill("[name=username]", host.name)
    page.fill("[name=password]", PASSWORD)
    page.click("main button[type=submit]")
    page.wait_for_url("**/rooms")
    return list(context.cookies())


def stand(server: Server) -> tuple[Person, dict[str, Any]]:
    """A room as at an event: twelve timers, one of them running, and something said."""
    host = Person(server.url)
    room: dict[str, Any] = host.post("/api/rooms", name="Main hall")
    timers = [
        host.post(f"/api/rooms/{room['id']}/timers", title=f"Talk {number}", duration=1_500_000)
        for number in range(1, 13)
    ]
    host.post(f"/api/timers/{timers[0]['id']}/start")
    for number in range(20):
        host.post(f"/api/rooms/{room['id']}/messages", content=f"Message {number}")
    return host, room


def main() -> None:
    """Measure and print a table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--visits", type=int, default=9)
    parser.add_argument("--waterfall", action="store_true")
    wanted = parser.parse_args()
    server = Server({"RATE_LIMIT_MAX_REQUESTS": "0", "WIDE_RATE_LIMIT_MAX_REQUESTS": "0", "LOG_LEVEL": "warning"})
    server.migrate()
    with server, sync_playwright() as playwright:
        host, room = stand(server)
        browser = playwright.chromium.launch(executable_path=str(chromium()), args=["--no-sandbox"])
        cookies = cookies_of(browser, host)
        share = f"/r/{room['shareToken']}"
        pages = {"control": f"/rooms/{room['id']}", "viewer": share, "stage": f"{share}/stage"}
        waterfalls: dict[str, Visit] = {}
        print(f"load {os.getloadavg()[0]:.1f} at the start: milliseconds count only where that is below 1\n")
        print("| profile | page | shown ms | usable ms | live ms | kB |\n|---|---|---|---|---|---|")
        for profile in PROFILES:
            for name, path in pages.items():
                who = cookies if name == "control" else []
                seen = [visit(browser, server, profile, path, who) for _ in range(wanted.visits + 1)][1:]
                cells = [f"{median(each.times[key] for each in seen):.0f}" for key in ("shown", "usable", "live", "kB")]
                print("|", " | ".join([profile.name, name, *cells]), "|", flush=True)
                waterfalls[f"{name}, {profile.name}"] = seen[-1]
        browser.close()
    if wanted.waterfall:
        print_waterfalls(waterfalls)


def print_waterfalls(visits: dict[str, Visit]) -> None:
    """What each page asked for, in order."""
    for title, seen in visits.items():
        print(f"\n{title}: usable after {seen.times['usable']:.0f} ms\n")
        print("| | asked ms | first byte ms | last byte ms | bytes |\n|---|---|---|---|---|")
        for path, *numbers in sorted(seen.requests, key=lambda request: request[1]):
            print("|", " | ".join([path, *(f"{number:.0f}" for number in numbers)]), "|")


if __name__ == "__main__":
    main()
