"""The conversation on the viewer's and the control page."""

from __future__ import annotations

import io
from typing import Any

from PIL import Image
from playwright.sync_api import Locator, Page, expect

from tests.browser.conftest import Complaints, NewPage, open_live, sign_in
from tests.support.people import Person
from tests.support.waiting import eventually

MINE = ".message.mine"
TOP = "element => element.getBoundingClientRect().top"
KNOWS = """name => import(document.querySelector("script[data-ref]").src)
  .then(({ room }) => room.store.users.some((person) => person.name === name))"""


def enter(page: Page, host: Person, room: dict[str, Any], name: str) -> Page:
    """Open the share link and pick a nickname."""
    open_live(page, f"{host.url}/r/{room['shareToken']}")
    page.fill("#chat-guest input", name)
    page.click("#chat-guest button")
    expect(page.locator("#chat-compose")).to_be_visible()
    return page


def say(page: Page, text: str) -> None:
    page.fill("#chat-text", text)
    page.press("#chat-text", "Enter")


def message(page: Page, text: str) -> Locator:
    """The message that says `text` itself, not the one that quotes it."""
    return page.locator(".message", has=page.locator(".content", has_text=text))


def act(page: Page, text: str, action: str) -> None:
    found = message(page, text)
    found.hover()
    found.locator("summary").click()
    found.locator(f'[data-act="{action}"]').click()


def look_back(page: Page, reading: Locator) -> float:
    """Scroll up until more comes; where `reading` was then. What comes in at the same moment may take one back to the end."""
    for _ in range(5):
        page.evaluate("document.getElementById('chat-log').scrollTop = 10")
        place: float = reading.evaluate(TOP)
        page.wait_for_timeout(200)
        if page.locator("#chat-log[aria-busy]").count() or page.get_by_text("line 0", exact=True).count():
            break
    return place


def test_two_guests_talk_reply_edit_delete_and_vote(new_page: NewPage, host: Person, room: dict[str, Any]) -> None:
    grace, linus = (enter(new_page(), host, room, name) for name in ("Grace", "Linus"))
    say(grace, "Can you <b>hear</b> me?")
    line = message(linus, "Can you <b>hear</b> me?")
    expect(line).to_be_visible()
    expect(line.locator(".content b")).to_have_count(0)

    act(linus, "Can you", "reply")
    say(linus, "Loud and clear")
    expect(message(grace, "Loud and clear").locator(".quote")).to_contain_text("Grace")

    act(grace, "Can you", "edit")
    say(grace, "Can everybody hear me?")
    expect(message(linus, "Can everybody hear me?").locator(".edited")).to_be_visible()

    linus.check("#chat-question")
    say(linus, "Will there be slides?")
    question = message(grace, "Will there be slides?")
    question.locator(".vote").click()
    expect(message(linus, "Will there be slides?").locator(".vote")).to_have_text("▲ 1")

    act(grace, "Can everybody", "delete")
    expect(linus.locator(".message .content", has_text="Deleted")).to_be_visible()


def test_a_mention_is_completed_and_typing_is_shown(new_page: NewPage, host: Person, room: dict[str, Any]) -> None:
    grace, linus = (enter(new_page(), host, room, name) for name in ("Grace", "Linus"))
    grace.wait_for_function(KNOWS, arg="Linus")  # only who is known to be there is offered
    grace.type("#chat-text", "hello @li")
    expect(linus.locator("#chat-typing")).to_contain_text("Grace is typing")
    expect(grace.locator("#chat-mentions li")).to_have_text("@Linus")
    grace.press("#chat-text", "Enter")
    expect(grace.locator("#chat-text")).to_have_value("hello @Linus ")
    grace.press("#chat-text", "Enter")
    expect(linus.locator(".message.mentions-me")).to_contain_text("hello @Linus")


def test_what_could_not_be_sent_is_kept_and_sent_once(
    new_page: NewPage, host: Person, room: dict[str, Any], complaints: Any
) -> None:
    page = new_page()
    sign_in(page, host)
    open_live(page, f"{host.url}/rooms/{room['id']}")
    expect(page.locator("#chat-compose")).to_be_visible()
    complaints.expect("INTERNET_DISCONNECTED")
    page.context.set_offline(True)
    page.evaluate(
        "import(document.querySelector('script[data-ref]').src).then(({room}) => room.client.socket.disconnect())"
    )
    say(page, "written in the tunnel")
    expect(page.locator(f"{MINE}.pending")).to_contain_text("written in the tunnel")
    page.context.set_offline(False)
    open_live(page, f"{host.url}/rooms/{room['id']}")
    expect(page.locator(MINE, has_text="written in the tunnel")).to_have_count(1)
    expect(page.locator(f"{MINE}.pending")).to_have_count(0)
    items = host.get(f"/api/rooms/{room['id']}/messages")["items"]
    assert [item["content"] for item in items if item["userId"]] == ["written in the tunnel"]


def test_a_picture_goes_along_with_what_is_said_of_it(new_page: NewPage, host: Person, room: dict[str, Any]) -> None:
    guest, control = enter(new_page(), host, room, "Grace"), new_page()
    sign_in(control, host)
    open_live(control, f"{host.url}/rooms/{room['id']}")
    expect(guest.locator("#chat-file-label")).to_be_hidden()
    picture = io.BytesIO()
    Image.new("RGB", (64, 48), "green").save(picture, "PNG")
    control.set_input_files("#chat-file", {"name": "hall.png", "mimeType": "image/png", "buffer": picture.getvalue()})
    say(control, "The hall is ready")
    line = message(guest, "The hall is ready")
    expect(line.locator(".file")).to_contain_text("hall.png")
    shown = line.get_by_role("img", name="The hall is ready")
    expect(shown).to_be_visible()
    eventually(lambda: shown.evaluate("image => image.complete && image.naturalWidth > 0"))


def test_older_messages_come_when_scrolling_up(new_page: NewPage, host: Person, room: dict[str, Any]) -> None:
    for number in range(70):
        host.post(f"/api/rooms/{room['id']}/messages", content=f"line {number}")
    page = new_page()
    sign_in(page, host)
    open_live(page, f"{host.url}/rooms/{room['id']}")
    expect(page.get_by_text("line 69", exact=True)).to_be_visible()
    expect(page.get_by_text("line 5", exact=True)).to_have_count(0)
    look_back(page, page.get_by_text("line 20", exact=True))
    expect(page.get_by_text("line 5", exact=True)).to_have_count(1)
    lines = page.locator(".message .content").all_text_contents()
    assert lines == [f"line {number}" for number in range(70)]


def test_a_host_sends_a_message_to_the_stage_and_bans_who_disturbs(
    new_page: NewPage, host: Person, room: dict[str, Any], complaints: Complaints
) -> None:
    complaints.expect("401")  # a page that is out asks whether it is let in again
    guest = enter(new_page(), host, room, "Grace")
    control = new_page()
    sign_in(control, host)
    open_live(control, f"{host.url}/rooms/{room['id']}")
    say(guest, "Doors open at nine")
    act(control, "Doors open at nine", "stage")
    expect(guest.locator("#stage-message")).to_have_text("Doors open at nine")
    # What the stage shows is kept in the conversation as well, as the host's.
    line = message(control, "Doors open at nine").and_(control.locator("[data-kind=text]"))
    line.hover()
    line.locator("summary").click()
    line.locator('[data-act="ban"]').click()
    control.click("#ask [value=yes]")
    expect(guest.locator("#chat-compose")).to_be_hidden()
