"""`make screens`: photograph every page in a real browser, at a phone's, a tablet's and a laptop's width, light and dark.

    make screens ARGS="--out docs/screens --only control viewer"

A server of its own is started, with a room that was set up over REST; nothing of the developer's is read or changed.
"""

from __future__ import annotations

import argparse
import io
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from PIL import Image
from playwright.sync_api import Browser, Page, sync_playwright

from tests.support.binaries import chromium
from tests.support.people import PASSWORD, Person
from tests.support.server import Server

Addresses = dict[str, str]
WIDTHS = {360: 740, 768: 1024, 1440: 900}
SCHEMES = ("light", "dark")
COLOURS = 128
MINUTE_MS = 60_000
SIGNED_OUT = ("home", "sign-up", "sign-in", "join", "viewer", "stage", "crowd")
SIGNED_IN = ("rooms", "account", "control", "import", "delete", "audit", "print", "docs")
PAGES = SIGNED_OUT + SIGNED_IN
LIVE = ("viewer", "stage", "crowd", "control")
# Title, minutes, minutes after the beginning.
RUN = (
    ("Welcome", 10, 0),
    ("Typing: ten years on", 25, 10),
    ("Sockets without tears", 25, 40),
    ("Coffee", 20, 65),
    ("Lightning talks", 45, 85),
)
AFTERNOON = "Session,Length (min),Start,Speaker\nPanel: what comes next,45,13:30,Ada\nClosing,15,14:15,Grace\n"
TALK = (
    ("Grace", "text", "The stream is up, and the sound is good from the back row."),
    ("Linus", "question", "Will the slides be shared after the talk?"),
    ("Grace", "text", "Two minutes are enough for the change of speakers."),
    ("Linus", "text", "@ada Room B is nearly full, shall we open the gallery?"),
)


def main() -> None:
    """Take all pictures, or those of the pages named."""
    options = arguments()
    options.out.mkdir(parents=True, exist_ok=True)
    with demo() as (server, host, addresses), sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=str(chromium()), args=["--no-sandbox"])
        for scheme in SCHEMES:
            for width, height in WIDTHS.items():
                photographer = Photographer(browser, server.url, options.out, scheme=scheme, width=width, height=height)
                photographer.take(options.only, host, addresses)
        browser.close()


def arguments() -> argparse.Namespace:
    """What the command line asks for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=Path("docs/screens"))
    parser.add_argument("--only", nargs="+", choices=PAGES, default=PAGES, metavar="PAGE", help=", ".join(PAGES))
    return parser.parse_args()


@contextmanager
def demo() -> Iterator[tuple[Server, Person, Addresses]]:
    """A running server with a room in the middle of its morning, its host, and where the pages are, by name."""
    server = Server({"RATE_LIMIT_MAX_REQUESTS": "0"})
    server.migrate()
    with server:
        host = Person(server.url, "ada")
        room = host.post("/api/rooms", name="Main hall", description="The first day, in the big room.")
        host.post("/api/rooms", name="Workshop", description="Hands-on, with a table for everybody.", isPrivate=True)
        set_up(host, room)
        invitation = host.post(f"/api/rooms/{room['id']}/links", role="host", label="For the crew")
        yield server, host, addresses(room, invitation)


def addresses(room: dict[str, Any], invitation: dict[str, Any]) -> Addresses:
    """Where each page is; the preview of an import has the address of the control page, whose form leads to it."""
    share, control = f"/r/{room['shareToken']}", f"/rooms/{room['id']}"
    of_room = {
        "control": control,
        "import": control,
        **{name: f"{control}/{name}" for name in ("delete", "audit", "print")},
    }
    of_viewers = {
        "viewer": share,
        "stage": f"{share}/stage",
        "crowd": f"{share}/crowd",
        "join": f"/join/{invitation['token']}",
    }
    others = {
        "home": "/",
        "sign-up": "/register",
        "sign-in": "/login",
        "rooms": "/rooms",
        "account": "/account",
        "docs": "/api/docs",
    }
    return {**others, **of_viewers, **of_room}


def set_up(host: Person, room: dict[str, Any]) -> None:
    """A run of show with its second timer running, a message on the stage, and people talking."""
    path = f"/api/rooms/{room['id']}"
    begins = datetime.now(UTC).replace(second=0, microsecond=0) - timedelta(minutes=18)
    rows = ["title,duration_min,start"]
    for title, minutes, after in RUN:
        rows.append(f"{title},{minutes},{(begins + timedelta(minutes=after)).isoformat()}")
    timers = host.post(f"{path}/timers/import", csv="\n".join(rows))["items"]
    for timer in timers[1:3]:
        host.patch(f"/api/timers/{timer['id']}", onFinish="overtime")
    host.post(f"/api/timers/{timers[0]['id']}/start")
    host.post(f"/api/timers/{timers[0]['id']}/next")
    host.post(f"/api/timers/{timers[1]['id']}/adjust", deltaMs=-7 * MINUTE_MS)
    stage = {"text": "Please speak up", "visible": True, "blackout": False}
    host.request("PUT", f"{path}/stage", json=stage).raise_for_status()
    guests = {name: host.guest(room, name) for name in ("Grace", "Linus")}
    for name, kind, content in TALK:
        guests[name].post(f"{path}/messages", content=content, messageType=kind)


class Photographer:
    """One browser at one width, in light or dark."""

    def __init__(self, browser: Browser, url: str, out: Path, *, scheme: str, width: int, height: int) -> None:
        self.url = url
        self.out = out
        self.suffix = f"{width}-{scheme}"
        self.context = browser.new_context(
            viewport={"width": width, "height": height},
            color_scheme="dark" if scheme == "dark" else "light",
            reduced_motion="reduce",
        )
        self.page: Page = self.context.new_page()

    def take(self, names: list[str], host: Person, addresses: Addresses) -> None:
        """Visit the pages by name, signed out first and then as the host."""
        for name in SIGNED_OUT:
            self.shoot(names, name, addresses[name])
        self.page.goto(f"{self.url}/login")
        self.page.fill("[name=username]", host.name)
        self.page.fill("[name=password]", PASSWORD)
        self.page.click("main button[type=submit]")
        for name in SIGNED_IN:
            self.shoot(names, name, addresses[name])
        self.context.close()

    def shoot(self, names: list[str], name: str, path: str) -> None:
        """One whole page, in a palette: photographs of flat colours need no more."""
        if name not in names:
            return
        self.page.goto(self.url + path)
        if name in LIVE:
            self.page.wait_for_selector("#connection[data-state=live]", timeout=10_000)
        if name == "import":
            self.preview_import()
        self.page.wait_for_load_state("networkidle")
        picture = Image.open(io.BytesIO(self.page.screenshot(full_page=True))).convert("RGB")
        picture.quantize(COLOURS, dither=Image.Dither.NONE).save(self.out / f"{name}-{self.suffix}.png", optimize=True)

    def preview_import(self) -> None:
        """Paste a programme of the afternoon; nothing is kept of it."""
        form = self.page.locator("form[action$='/import']")
        form.evaluate("form => { form.closest('details').open = true }")
        form.locator("textarea").fill(AFTERNOON)
        form.locator("button[type=submit]").click()
        self.page.wait_for_selector("[name=mode]")


if __name__ == "__main__":
    main()
