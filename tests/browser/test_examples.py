"""The example apps, each at an origin of its own, and the bot beside them."""

from __future__ import annotations

import re
import subprocess
import sys
import threading
from collections.abc import Iterator
from functools import partial
from http.server import ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, Route, expect

from examples.serve import Files
from tests.browser.conftest import Complaints, NewPage
from tests.support.databases import SqliteTemplate
from tests.support.people import PASSWORD, Person
from tests.support.processes import accepts, free_port
from tests.support.server import Server, environment
from tests.support.waiting import eventually

EXAMPLES = Path(__file__).parents[2] / "examples"
LINES = 60
AT_THE_END = """() => {
  const log = document.querySelector(".log");
  return log.scrollTop > 0 && log.scrollHeight - log.scrollTop - log.clientHeight < 2;
}"""


@pytest.fixture(scope="module", params=["vue", "react"])
def app(request: pytest.FixtureRequest, sqlite_template: SqliteTemplate) -> Iterator[tuple[str, Server]]:
    """The address of an example, and the server that lets its origin in."""
    folder = EXAMPLES / request.param
    if not (folder / "node_modules").exists():
        subprocess.run(["npm", "ci", "--no-audit", "--no-fund"], cwd=folder, check=True, timeout=300)
    files = ThreadingHTTPServer(("127.0.0.1", 0), partial(Files, app=folder, greenroom=""))
    origin = f"http://localhost:{files.server_port}"
    server = Server({"CORS_ORIGIN": origin, "RATE_LIMIT_MAX_REQUESTS": "0"})
    sqlite_template.copy_to(Path(server.settings["DATA_DIR"]))
    files.RequestHandlerClass = partial(Files, app=folder, greenroom=server.url)  # type: ignore[assignment]
    serving = threading.Thread(target=files.serve_forever, daemon=True)
    serving.start()
    with server:
        yield origin, server
    files.shutdown()
    files.server_close()


def sign_in(page: Page, origin: str, person: Person) -> None:
    page.goto(f"{origin}/login")
    page.get_by_label("Username").fill(person.name)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("heading", name="Rooms")).to_be_visible()


def test_two_people_run_a_room_in_the_example_app(new_page: NewPage, app: tuple[str, Server]) -> None:
    origin, server = app
    ada, grace = Person(server.url), Person(server.url)
    host, guest = new_page(), new_page()
    sign_in(host, origin, ada)
    host.get_by_label("New room").fill("Main hall")
    host.get_by_role("button", name="Make it").click()
    expect(host.get_by_role("status")).to_have_text("live")
    host.get_by_label("Title").fill("Opening")
    host.get_by_role("button", name="Add").click()
    host.get_by_label("Title").fill("Keynote")
    host.get_by_role("button", name="Add").click()
    expect(host.get_by_role("list", name="Run of show").get_by_role("listitem")).to_have_count(2)
    host.get_by_role("button", name="Start").click()
    room_id = host.url.rsplit("/", 1)[-1]

    sign_in(guest, origin, grace)
    guest.get_by_role("link", name="Main hall").click()
    for page in (host, guest):
        expect(page.get_by_role("timer")).to_have_text(re.compile(r"^9:\d\d$"))
    expect(guest.get_by_role("button", name="Pause")).to_have_count(0)
    shown = guest.get_by_role("timer").text_content()
    expect(guest.get_by_role("timer")).not_to_have_text(str(shown))

    for number in range(LINES):
        ada.post(f"/api/rooms/{room_id}/messages", content=f"line {number}")
    expect(guest.get_by_text(f"line {LINES - 1}", exact=False)).to_be_visible()
    guest.get_by_label("Message", exact=True).fill("I can hear you")
    guest.get_by_role("button", name="Send").click()
    expect(host.get_by_text("I can hear you")).to_be_visible()

    # Anew, so that only the newest fifty are there; the others come by scrolling up.
    host.reload()
    expect(host.get_by_text("I can hear you")).to_be_visible()
    expect(host.get_by_text("line 3", exact=True)).to_have_count(0)
    host.wait_for_function(AT_THE_END)
    host.get_by_label("Messages").evaluate("log => { log.scrollTop = 0 }")
    expect(host.get_by_text(re.compile("line 3$"))).to_have_count(1)


def test_who_signs_in_while_the_sign_out_is_on_its_way_stays_in(new_page: NewPage, app: tuple[str, Server]) -> None:
    origin, server = app
    ada = Person(server.url)
    page = new_page()
    sign_in(page, origin, ada)
    held: list[Route] = []
    page.route("**/api/auth/logout", lambda route: held.append(route))
    page.get_by_role("button", name="Sign out").click()
    page.get_by_label("Username").fill(ada.name)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    page.get_by_label("New room").fill("Main hall")
    page.get_by_role("button", name="Make it").click()
    expect(page.get_by_role("status")).to_have_text("live")
    with page.expect_response("**/api/auth/logout"):
        held[0].continue_()
    page.wait_for_timeout(100)
    expect(page.get_by_role("status")).to_have_text("live")


def test_the_example_app_says_what_is_wrong_with_a_sign_up(
    new_page: NewPage, app: tuple[str, Server], complaints: Complaints
) -> None:
    origin, _ = app
    complaints.expect("422")
    page = new_page()
    page.goto(f"{origin}/login")
    page.get_by_label("Username").fill("ada")
    page.get_by_label("Password").fill("short")
    page.locator("form").evaluate("form => { form.noValidate = true }")  # as a page without these rules
    page.get_by_role("button", name="Sign up").click()
    expect(page.get_by_role("alert")).to_contain_text("password:")


def test_the_example_app_says_why_a_room_cannot_be_entered_or_a_message_not_be_sent(
    new_page: NewPage, app: tuple[str, Server], complaints: Complaints
) -> None:
    origin, server = app
    complaints.expect("404")
    ada, grace = Person(server.url), Person(server.url)
    page = new_page()
    sign_in(page, origin, grace)
    page.goto(f"{origin}/rooms/nowhere")
    expect(page.get_by_role("status")).to_have_text("There is no such room.")
    room = ada.post("/api/rooms", name="Quiet hall", settings={"chatMode": "closed"})
    page.goto(f"{origin}/rooms/{room['id']}")
    expect(page.get_by_role("status")).to_have_text("live")
    page.get_by_label("Message", exact=True).fill("Can you hear me?")
    page.get_by_role("button", name="Send").click()
    expect(page.get_by_role("listitem").filter(has_text="Can you hear me?")).to_contain_text(
        "The conversation is closed"
    )
    ada.delete(f"/api/rooms/{room['id']}/members/{grace.id}")
    expect(page.get_by_role("status")).to_have_text("A host has taken you out of this room.")


def test_the_bot_announces_and_answers(server: Server, room: dict[str, Any], host: Person) -> None:
    program = [sys.executable, "-m", "examples.bot", f"{server.url}/r/{room['shareToken']}"]
    variables = environment({"PYTHONPATH": f"{EXAMPLES.parent}:{EXAMPLES.parent / 'clients/python/src'}"})
    with subprocess.Popen(program, env=variables, stdout=subprocess.PIPE, text=True) as bot:
        try:
            assert bot.stdout
            assert "Keeping time" in bot.stdout.readline()
            host.post(f"/api/rooms/{room['id']}/messages", content="time?")
            eventually(lambda: any("Opening: 25:00 left." in text for text in said(host, room)), 15)
        finally:
            bot.terminate()


def test_an_example_that_is_ended_takes_its_greenroom_with_it(tmp_path: Path) -> None:
    port, app_port = free_port(), free_port()
    program = [sys.executable, "-m", "examples.serve", "vue", "--port", str(app_port)]
    variables = environment({"PORT": str(port), "HOST": "127.0.0.1", "DATA_DIR": str(tmp_path)})
    with subprocess.Popen(program, env=variables, cwd=EXAMPLES.parent, stdout=subprocess.DEVNULL) as example:
        eventually(lambda: accepts(port) and accepts(app_port), 60)
        example.terminate()
        assert example.wait(30) == 0
    assert not accepts(port)


def said(host: Person, room: dict[str, Any]) -> list[str]:
    return [message["content"] for message in host.get(f"/api/rooms/{room['id']}/messages")["items"]]
