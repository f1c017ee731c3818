"""What leaves the pages: link previews, the installed app, the calendar."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import NewPage, open_live, sign_in
from tests.support.people import Person

PAGES = ("", "/stage", "/crowd")
PREVIEW = """() => Object.fromEntries([...document.head.querySelectorAll("meta[property^='og:'], meta[name]")]
  .map((meta) => [meta.getAttribute("property") ?? meta.name, meta.content]))"""
PLAN = "title,duration,startsAt\nOpening,25,2030-05-04T08:00:00Z\n“Keynote”; with notes,45,2030-05-04T08:25:00Z\n"


@pytest.mark.parametrize("path", PAGES)
def test_a_share_link_is_previewed_with_the_rooms_name_and_a_picture_that_is_there(
    new_page: NewPage, host: Person, path: str
) -> None:
    room = host.post("/api/rooms", name='The "big" hall', description="Both days, <streamed>")
    page = new_page()
    page.goto(f"{host.url}/r/{room['shareToken']}{path}")
    shown = page.evaluate(PREVIEW)
    assert (shown["og:title"], shown["og:description"]) == ('The "big" hall', "Both days, <streamed>")
    assert shown["og:url"] == f"{host.url}/r/{room['shareToken']}"
    assert shown["robots"] == "noindex"
    picture = page.request.get(shown["og:image"])
    assert (picture.status, picture.headers["content-type"]) == (200, "image/png")
    size = page.evaluate(
        "(src) => { const i = new Image(); i.src = src; return i.decode().then(() => [i.width, i.height]); }",
        shown["og:image"],
    )
    assert size == [int(shown["og:image:width"]), int(shown["og:image:height"])]


@pytest.mark.parametrize("path", PAGES)
def test_the_preview_of_a_private_room_says_nothing_of_it(new_page: NewPage, host: Person, path: str) -> None:
    room = host.post("/api/rooms", name="Board meeting", description="Who has to go", isPrivate=True)
    host.post(f"/api/rooms/{room['id']}/timers", title="Redundancies", duration=60_000)
    page = new_page()
    page.goto(f"{host.url}/r/{room['shareToken']}{path}")
    shown = json.dumps(page.evaluate(PREVIEW))
    assert '"og:title": "Greenroom"' in shown
    for secret in ("Board", "go", "Redundancies"):
        assert not re.search(rf"\b{secret}\b", shown)
    page.goto(f"{host.url}/rooms/{room['id']}")
    assert "Board" not in page.content()


def test_the_app_can_be_installed_from_its_manifest(new_page: NewPage, host: Person, room: dict[str, Any]) -> None:
    page = new_page()
    for path in ("/", f"/r/{room['shareToken']}"):
        page.goto(host.url + path)
        answer = page.context.new_cdp_session(page).send("Page.getAppManifest")
        assert (answer["url"].startswith(host.url), answer["errors"]) == (True, [])
        manifest = json.loads(answer["data"])
        assert (manifest["name"], manifest["display"], manifest["start_url"]) == ("Greenroom", "standalone", "/")
        assert {"any", "maskable"} <= {icon.get("purpose", "any") for icon in manifest["icons"]}
        for icon in manifest["icons"]:
            size = page.evaluate(
                """([src, base]) => { const i = new Image(); i.src = new URL(src, base);
                return i.decode().then(() => `${i.naturalWidth}x${i.naturalHeight}`); }""",
                [icon["src"], answer["url"]],
            )
            assert icon["sizes"] in (size, "any")


def test_the_run_of_show_goes_into_a_calendar(new_page: NewPage, host: Person, tmp_path: Path) -> None:
    room = host.post("/api/rooms", name="Main hall")
    host.post(f"/api/rooms/{room['id']}/timers/import", csv=PLAN)
    page = new_page()
    sign_in(page, host)
    open_live(page, f"{host.url}/rooms/{room['id']}")
    page.locator("#run summary", has_text="Import").click()
    with page.expect_download() as download:
        page.get_by_role("link", name="calendar").click()
    file = tmp_path / download.value.suggested_filename
    download.value.save_as(file)
    assert file.suffix == ".ics"
    lines = file.read_bytes().decode().split("\r\n")
    assert (lines[0], lines[-2:]) == ("BEGIN:VCALENDAR", ["END:VCALENDAR", ""])
    assert [line for line in lines if line.startswith(("SUMMARY", "DTSTART", "DTEND"))] == [
        "DTSTART:20300504T080000Z", "DTEND:20300504T082500Z", "SUMMARY:Opening",
        "DTSTART:20300504T082500Z", "DTEND:20300504T091000Z", "SUMMARY:“Keynote”\\; with notes",
    ]  # fmt: skip
    assert len({line for line in lines if line.startswith("UID:")}) == 2


def test_the_link_of_an_invitation_is_copied(new_page: NewPage, host: Person, room: dict[str, Any]) -> None:
    token = host.post(f"/api/rooms/{room['id']}/links", role="member", label="Crew")["token"]
    page = new_page()
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    sign_in(page, host)
    open_live(page, f"{host.url}/rooms/{room['id']}")
    button = page.locator("#share .link-row [data-copy]")
    expect(button).to_have_accessible_name("Copy the link of the invitation Crew")
    button.click()
    expect(button).to_have_text("Copied")
    assert page.evaluate("navigator.clipboard.readText()") == f"{host.url}/join/{token}"
