"""Files in the conversation: picked, dropped and pasted, looked at, stopped and sent again."""

from __future__ import annotations

import base64
import os
import re
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, Route, expect

from tests.browser.conftest import Complaints, NewPage, open_live, sign_in
from tests.support.people import Person
from tests.support.waiting import eventually
from tests.uploads.support import picture

SEND = "**/api/uploads/**"
GIVE = """([how, name, mime, content]) => {
  const bytes = Uint8Array.from(atob(content), (char) => char.charCodeAt(0));
  const data = new DataTransfer();
  data.items.add(new File([bytes], name, { type: mime }));
  const options = { bubbles: true, cancelable: true };
  const text = document.getElementById("chat-text");
  if (how === "paste") text.dispatchEvent(new ClipboardEvent("paste", { ...options, clipboardData: data }));
  else for (const kind of ["dragover", "drop"]) text.dispatchEvent(new DragEvent(kind, { ...options, dataTransfer: data }));
}"""


@pytest.fixture
def page(new_page: NewPage, host: Person, room: dict[str, Any]) -> Page:
    """The host's control page."""
    page = new_page()
    sign_in(page, host)
    open_live(page, f"{host.url}/rooms/{room['id']}")
    expect(page.locator("#chat-file-label")).to_be_visible()
    return page


def give(page: Page, how: str, name: str = "hall.png", mime: str = "image/png", content: bytes = b"") -> None:
    """Give the page a file by hand: `pick`, `drop` or `paste`."""
    content = content or picture(size=(640, 480))
    if how == "pick":
        page.set_input_files("#chat-file", {"name": name, "mimeType": mime, "buffer": content})
    else:
        page.evaluate(GIVE, [how, name, mime, base64.b64encode(content).decode()])
    expect(page.locator("#chat-tray")).to_contain_text(f"With {name}")


def test_pictures_are_shown_before_described_and_viewed_after(page: Page) -> None:
    for how, alt in (("pick", "An empty hall"), ("drop", "The first guests"), ("paste", "A full hall")):
        give(page, how)
        shown = page.locator("#chat-tray-picture")
        eventually(lambda shown=shown: shown.evaluate("image => image.naturalWidth") == 640)
        page.get_by_label("What the picture shows").fill(alt)
        page.click("#chat-compose button.primary")
        small = page.locator(".message").get_by_role("img", name=alt)
        expect(small).to_be_visible()
        assert small.evaluate("image => [image.width, image.height]") == [256, 192]
        expect(page.locator("#chat-tray")).to_be_hidden()

    viewer = page.locator("#chat-viewer")
    page.get_by_role("img", name="The first guests").click()
    expect(viewer.locator("figcaption")).to_have_text("The first guests")
    large = viewer.locator("img")
    eventually(lambda: large.evaluate("image => image.complete && image.naturalWidth") == 640)
    page.keyboard.press("ArrowRight")
    expect(viewer.locator("figcaption")).to_have_text("A full hall")
    expect(viewer.locator("[data-step='1']")).to_be_hidden()
    page.keyboard.press("Escape")
    expect(viewer).to_be_hidden()
    expect(page.locator("a.file:focus")).to_have_attribute("data-filename", "hall.png")


def test_what_is_being_sent_can_be_stopped_and_sent_again(page: Page, complaints: Any) -> None:
    complaints.expect("ERR_FAILED")
    held: list[Route] = []
    page.route(SEND, lambda route: held.append(route))  # a function of its own: Playwright marks it
    give(page, "pick")
    page.fill("#chat-text", "The hall")
    page.click("#chat-compose button.primary")
    eventually(lambda: page.wait_for_timeout(20) or held)
    expect(page.locator("#chat-tray-progress")).to_be_visible()
    page.get_by_role("button", name="Stop").click()
    expect(page.locator("#chat-error")).to_have_text("Stopped.")
    expect(page.locator("#chat-text")).to_have_value("The hall")

    page.unroute(SEND)
    page.route(SEND, lambda route: route.abort())
    page.get_by_role("button", name="Try again").click()
    expect(page.locator("#chat-error")).to_have_text("The file did not arrive.")
    page.unroute(SEND)
    page.get_by_role("button", name="Try again").click()
    expect(page.locator(".message", has_text="The hall").get_by_role("img", name="The hall")).to_be_visible()
    expect(page.locator("#chat-error")).to_be_empty()


def test_who_edits_another_message_while_a_file_leaves_goes_on_with_that(
    page: Page, host: Person, room: dict[str, Any]
) -> None:
    host.post(f"/api/rooms/{room['id']}/messages", content="Doors open at nine")
    held: list[Route] = []
    page.route(SEND, lambda route: held.append(route))
    give(page, "pick")
    page.fill("#chat-text", "The hall")
    page.click("#chat-compose button.primary")
    eventually(lambda: page.wait_for_timeout(20) or held)
    page.locator(".message summary").first.click()
    page.locator(".message [data-act=edit]").first.click()
    held[0].continue_()
    expect(page.locator(".message", has_text="The hall").get_by_role("img", name="The hall")).to_be_visible()
    expect(page.locator("#chat-context")).to_be_visible()
    expect(page.locator("#chat-text")).to_have_value("Doors open at nine")


def test_what_is_refused_says_why_and_can_be_put_away(page: Page, complaints: Complaints) -> None:
    complaints.expect("415")
    give(page, "drop", "hall.png", content=b"MZ, a program")
    expect(page.locator("#chat-tray")).to_contain_text("With hall.png, no preview")
    expect(page.locator("#chat-tray-picture")).to_be_hidden()
    expect(page.get_by_label("What the picture shows")).to_be_hidden()
    page.click("#chat-compose button.primary")
    expect(page.locator("#chat-error")).to_have_text("The picture is broken, or of another type than its name.")
    page.get_by_role("button", name="Remove").click()
    expect(page.locator("#chat-tray")).to_be_hidden()
    assert page.locator(".message .file:visible").count() == 0


@pytest.mark.parametrize(
    ("name", "size", "why"),
    [
        ("IMG_0001.HEIC", 10, "Files of this type are not taken."),
        ("talk.mp4", 25_000_001, "Files of more than 25 MB are not taken."),
    ],
)
def test_what_would_be_refused_is_so_before_it_is_described_and_sent(
    page: Page, tmp_path: Path, name: str, size: int, why: str
) -> None:
    (file := tmp_path / name).touch()
    os.truncate(file, size)  # by its path, so that nobody carries 25 MB to the browser
    page.set_input_files("#chat-file", file)
    expect(page.locator("#chat-error")).to_have_text(why)
    expect(page.locator("#chat-tray")).to_be_hidden()
    give(page, "pick")
    expect(page.locator("#chat-error")).to_be_empty()


@pytest.mark.parametrize("how", ["pick", "drop"])
def test_a_file_whose_type_the_browser_does_not_know_is_taken_by_its_name(page: Page, how: str) -> None:
    name = f"notes-{how}.md"
    give(page, how, name, mime="", content=b"# Notes\n")
    page.click("#chat-compose button.primary")
    expect(page.locator(".message .file:visible", has_text=name)).to_be_visible()
    expect(page.locator("#chat-error")).to_be_empty()


def drop_by_hand(page: Page, file: Path, onto: str) -> None:
    """As a person drops a file from their desk: through the browser, which opens it where no page takes it."""
    box = page.locator(onto).bounding_box()
    assert box
    session = page.context.new_cdp_session(page)
    for kind in ("dragEnter", "dragOver", "drop"):
        place = {"x": box["x"] + box["width"] / 2, "y": box["y"] + box["height"] / 2}
        data = {"items": [], "files": [str(file)], "dragOperationsMask": 1}
        session.send("Input.dispatchDragEvent", {"type": kind, "data": data, **place})


def test_a_file_that_is_dropped_beside_the_conversation_is_taken_as_well(page: Page, tmp_path: Path) -> None:
    file = tmp_path / "hall.png"
    file.write_bytes(picture(size=(640, 480)))
    address = page.url
    drop_by_hand(page, file, "#room-name")
    expect(page.locator("#chat-tray")).to_contain_text("With hall.png")
    expect(page.locator("#chat-tray")).to_be_in_viewport()
    page.click("#chat-compose button.primary")
    message = page.locator(".message", has=page.get_by_role("img", name="hall.png"))
    expect(message).to_be_visible()
    expect(message.locator(".content")).to_be_hidden()  # the file says its name itself
    assert page.url == address


def test_a_file_that_nothing_takes_does_not_take_the_place_of_the_page(
    new_page: NewPage, host: Person, room: dict[str, Any], tmp_path: Path
) -> None:
    file = tmp_path / "hall.png"
    file.write_bytes(picture())
    page = new_page()
    for path, onto in (("", "#digits"), ("/stage", "#digits"), ("/crowd", "#run")):
        page.goto(f"{host.url}/r/{room['shareToken']}{path}")
        page.wait_for_selector("#connection[data-state=live]")
        page.evaluate("addEventListener('dragover', (event) => { document.title = event.dataTransfer.dropEffect; })")
        drop_by_hand(page, file, onto)
        # A browser with a window shows it by its pointer, and does not open the file.
        expect(page).to_have_title("none")
        assert page.url == f"{host.url}/r/{room['shareToken']}{path}"


def test_a_programme_is_dropped_on_the_field_that_imports_it(page: Page, tmp_path: Path) -> None:
    file = tmp_path / "run.csv"
    file.write_text("title,duration\nLunch,60\n")
    page.locator("#run summary", has_text="Import").click()
    drop_by_hand(page, file, "#run input[type=file]")
    expect(page.locator("#run input[type=file]")).to_have_value(re.compile(r"\brun\.csv$"))
    expect(page.locator("#chat-tray")).to_be_hidden()


def test_a_picture_whose_address_ran_out_is_fetched_anew(page: Page, complaints: Any) -> None:
    complaints.expect("404")
    give(page, "pick")
    page.click("#chat-compose button.primary")
    small = page.locator(".message").get_by_role("img", name="hall.png")
    expect(small).to_be_visible()
    page.locator("a.file:visible").evaluate(
        "link => { link.querySelector('img').src = link.href = '/api/files/gone'; }"
    )
    eventually(lambda: small.evaluate("image => image.src.startsWith('blob:') && image.naturalWidth") == 640)
    small.click()
    large = page.locator("#chat-viewer img")
    eventually(lambda: large.evaluate("image => image.complete && image.naturalWidth") == 640)
