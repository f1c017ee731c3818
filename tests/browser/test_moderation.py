"""What is hard to take back is asked first, by mouse and by keyboard; what can be undone says for how long."""

from __future__ import annotations

import re
from typing import Any

from playwright.sync_api import Page, expect

from tests.browser.conftest import Complaints, NewPage, open_live, sign_in
from tests.browser.test_access import AXE, JUDGE, tab_to
from tests.browser.test_room import control_page
from tests.support.people import Person

UNDO_MS = 10_000


def guests(host: Person, room: dict[str, Any]) -> list[str]:
    return [guest["name"] for guest in host.get(f"/api/rooms/{room['id']}/guests")["items"]]


def has_focus(page: Page, selector: str) -> bool:
    return bool(page.evaluate("selector => document.activeElement.matches(selector)", selector))


def test_a_ban_is_asked_and_escape_means_no_by_keyboard_alone(
    new_page: NewPage, host: Person, room: dict[str, Any]
) -> None:
    host.guest(room, "Grace")
    page = control_page(new_page, host, room, reduced_motion="reduce")
    page.locator("#people-place summary", has_text="Members").focus()
    page.keyboard.press("Enter")
    tab_to(page, "#members summary")
    page.keyboard.press("Enter")
    tab_to(page, "#members a[data-ask-why]")
    page.keyboard.press("Enter")
    dialog = page.get_by_role("alertdialog", name="Ban Grace?")
    expect(dialog).to_contain_text("under a new nickname from another browser")
    expect(dialog.get_by_role("button", name="Cancel")).to_be_focused()
    page.evaluate(AXE.read_text())
    assert page.evaluate(JUDGE.replace('"main details"', '"none"')) == []
    page.keyboard.press("n")  # no key of the page acts behind it
    page.keyboard.press("Escape")
    expect(dialog).to_be_hidden()
    assert has_focus(page, "#members summary")
    assert guests(host, room) == ["Grace"]
    page.keyboard.press("Enter")
    tab_to(page, "#members a[data-ask-why]")
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(page.locator("#bans")).to_contain_text("Grace")
    assert guests(host, room) == []
    assert has_focus(page, "#people-place *")


def test_a_ban_out_of_the_conversation_is_asked_too(new_page: NewPage, host: Person, room: dict[str, Any]) -> None:
    host.guest(room, "Linus").post(f"/api/rooms/{room['id']}/messages", content="Buy this")
    page = control_page(new_page, host, room)
    message = page.locator("#chat-log .message", has_text="Buy this")
    for answer, left in (("Cancel", ["Linus"]), ("Ban Linus", [])):
        message.locator("summary").click()
        message.locator("[data-act=ban]").click()
        expect(page.get_by_role("alertdialog")).to_contain_text("under a new nickname from another browser")
        page.get_by_role("alertdialog", name="Ban Linus?").get_by_role("button", name=answer).click()
        expect(page.get_by_role("alertdialog")).to_be_hidden()
        page.wait_for_function(
            "([url, most]) => fetch(url).then((answer) => answer.json()).then(({ items }) => items.length === most)",
            arg=[f"/api/rooms/{room['id']}/guests", len(left)],
        )


def test_a_host_is_asked_before_somebodys_message_is_deleted(
    new_page: NewPage, host: Person, room: dict[str, Any]
) -> None:
    host.guest(room, "Linus").post(f"/api/rooms/{room['id']}/messages", content="Buy this")
    page = control_page(new_page, host, room)
    message = page.locator("#chat-log .message").first
    dialog = page.get_by_role("alertdialog", name="Delete what Linus wrote?")
    for answer, left in (("Cancel", "Buy this"), ("Delete", "Deleted")):
        expect(message.locator(".content")).to_have_text("Buy this")
        message.locator("summary").click()
        message.locator("[data-act=delete]").click()
        expect(dialog).to_contain_text("cannot be undone")
        expect(dialog.get_by_label("Reason")).to_be_hidden()
        dialog.get_by_role("button", name=answer).click()
        expect(dialog).to_be_hidden()
        expect(message.locator(".content")).to_have_text(left)
    assert [item["content"] for item in host.get(f"/api/rooms/{room['id']}/messages")["items"]] == [""]


def test_a_reason_goes_along_with_a_ban_and_is_in_the_list(
    new_page: NewPage, host: Person, room: dict[str, Any]
) -> None:
    host.guest(room, "Grace")
    page = control_page(new_page, host, room)
    page.locator("#people-place summary", has_text="Members").click()
    page.locator("#members summary").click()
    page.locator("#members a[data-ask-why]").click()
    reason = page.get_by_role("alertdialog").get_by_label("Reason")
    reason.fill("Sells things")
    reason.press("Enter")
    expect(page.locator("#bans")).to_contain_text("Sells things")
    assert host.get(f"/api/rooms/{room['id']}/bans")["items"][0]["reason"] == "Sells things"


HOLD_BODIES = """() => {
  const { text } = Response.prototype;
  const released = new Promise((resolve) => (window.release = resolve));
  Response.prototype.text = async function () {
    window.held = this.url;
    await released;
    return text.call(this);
  };
}"""


def test_a_menu_that_was_opened_while_the_list_was_on_its_way_stays_open(
    new_page: NewPage, host: Person, room: dict[str, Any]
) -> None:
    host.guest(room, "Grace")
    page = control_page(new_page, host, room)
    page.locator("#people-place summary", has_text="Members").click()
    page.evaluate(HOLD_BODIES)
    host.guest(room, "Linus")
    host.patch(f"/api/rooms/{room['id']}", name="Great hall")
    page.wait_for_function("() => window.held?.endsWith('/people')")
    page.locator("#members summary").first.click()
    page.evaluate("window.release()")
    page.wait_for_timeout(300)  # longer than the page takes to put it there
    expect(page.get_by_role("link", name="Ban Grace")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.locator("#members")).to_contain_text("Linus")


def test_a_room_is_not_deleted_by_enter_alone(
    new_page: NewPage, host: Person, room: dict[str, Any], complaints: Complaints
) -> None:
    complaints.expect("404")  # of what the page had asked for at the moment at which the room went
    page = control_page(new_page, host, room)
    page.locator("#settings summary").click()
    link = page.get_by_role("link", name="Delete the room")
    dialog = page.get_by_role("alertdialog", name="Delete “Main hall”?")
    for no in ("Enter", "Escape"):
        link.focus()
        page.keyboard.press("Enter")
        expect(dialog).to_contain_text("this cannot be undone")
        expect(dialog.get_by_label("Reason")).to_be_hidden()
        expect(dialog.get_by_role("button", name="Cancel")).to_be_focused()
        page.keyboard.press(no)
        expect(dialog).to_be_hidden()
        expect(link).to_be_focused()
    assert host.get(f"/api/rooms/{room['id']}")["name"] == "Main hall"
    page.keyboard.press("Enter")
    dialog.get_by_role("button", name="Delete the room").click()
    page.wait_for_url("**/rooms")
    expect(page.locator("h1")).to_have_text("Rooms")
    expect(page.locator(f"a[href$='{room['id']}']")).to_have_count(0)


def test_a_new_share_link_is_asked_and_then_shown(new_page: NewPage, host: Person, room: dict[str, Any]) -> None:
    page = control_page(new_page, host, room)
    page.locator("#share summary", has_text="Invitations").click()
    for answer in ("Cancel", "Make a new link"):
        expect(page.locator("#share .share-link").first).to_have_text(f"{host.url}/r/{room['shareToken']}")
        page.get_by_role("link", name="New share link").click()
        page.get_by_role("alertdialog", name="Make a new share link?").get_by_role("button", name=answer).click()
        expect(page.get_by_role("alertdialog")).to_be_hidden()
    expect(page.locator("#share .share-link").first).not_to_have_text(f"{host.url}/r/{room['shareToken']}")
    token = host.get(f"/api/rooms/{room['id']}")["shareToken"]
    expect(page.locator("#share .share-link").first).to_have_text(f"{host.url}/r/{token}")


def test_a_member_is_removed_only_after_a_yes_and_the_page_stays(
    new_page: NewPage, host: Person, room: dict[str, Any]
) -> None:
    bob = Person(host.url)
    bob.post(f"/api/rooms/{room['id']}/join")
    page = control_page(new_page, host, room)
    page.fill("#stage-text", "A draft")
    page.locator("#people-place summary", has_text="Members").click()
    for answer, left in (("Cancel", 2), (f"Remove {bob.name}", 1)):
        page.locator("#members summary").click()
        page.get_by_role("link", name=f"Remove {bob.name}").click()
        page.get_by_role("alertdialog", name=f"Remove {bob.name}?").get_by_role("button", name=answer).click()
        expect(page.locator("#members > li")).to_have_count(left)
    assert [member["role"] for member in host.get(f"/api/rooms/{room['id']}/members")["items"]] == ["owner"]
    expect(page.locator("#stage-text")).to_have_value("A draft")


def test_what_cannot_be_done_for_want_of_a_connection_is_said(
    new_page: NewPage, host: Person, room: dict[str, Any], complaints: Any
) -> None:
    complaints.expect("ERR_INTERNET_DISCONNECTED")
    page = control_page(new_page, host, room)
    page.locator("#settings summary").click()
    page.context.set_offline(True)
    page.get_by_role("link", name="Delete the room").click()
    page.get_by_role("alertdialog").get_by_role("button", name="Delete the room").click()
    expect(page.locator("#trouble")).to_contain_text("No connection")
    assert host.get(f"/api/rooms/{room['id']}")["name"] == "Main hall"


def test_undo_is_there_for_ten_seconds_and_then_says_that_it_is_too_late(
    new_page: NewPage, host: Person, room: dict[str, Any]
) -> None:
    page = new_page()
    sign_in(page, host)
    page.clock.install()
    open_live(page, f"{host.url}/rooms/{room['id']}")
    undo = page.locator('#main-acts [data-action="undo"] button')
    expect(undo).to_be_hidden()
    page.locator("#main-acts").get_by_role("button", name="Start").click()
    expect(undo).to_be_visible()
    page.clock.run_for(UNDO_MS + 1_000)
    expect(undo).to_be_hidden()
    page.keyboard.press("z")
    expect(page.locator("#action-error")).to_contain_text("ten seconds")


def test_lines_of_an_undone_next_leave_the_conversation_and_stay_away(
    new_page: NewPage, host: Person, room: dict[str, Any]
) -> None:
    page = control_page(new_page, host, room)
    page.click("#main-acts >> text=Start")
    page.click("#main-acts >> text=Next")
    log = page.locator("#chat-log")
    expect(log).to_contain_text("“Keynote” started.")
    page.click("#main-acts >> text=Undo")
    for _ in range(2):
        expect(log.locator(".message")).to_have_count(1)
        expect(log).to_contain_text("“Opening” started.")
        expect(log).not_to_contain_text("Keynote")
        page.reload()
        page.wait_for_selector("#connection[data-state=live]")


def test_a_host_who_mutes_a_guest_reads_what_that_cannot_do(
    new_page: NewPage, host: Person, room: dict[str, Any]
) -> None:
    bob = Person(host.url)
    bob.post(f"/api/rooms/{room['id']}/join")
    for person, text in ((host.guest(room, "Linus"), "Buy this"), (bob, "Good morning")):
        person.post(f"/api/rooms/{room['id']}/messages", content=text)
    page = control_page(new_page, host, room)
    said = "A guest can come back under a new nickname from another browser."
    page.locator("#people-place summary", has_text="Members").click()
    for who, is_guest in (("Linus", True), (bob.name, False)):
        page.locator("#members > li", has_text=who).locator("summary").click()
        expect(page.locator("#members .more:visible").get_by_text(said)).to_have_count(int(is_guest))
        page.keyboard.press("Escape")
    for text, is_guest in (("Buy this", True), ("Good morning", False)):
        message = page.locator("#chat-log .message", has_text=text)
        message.locator("summary").click()
        expect(message.locator("[data-act=mute]")).to_be_visible()
        expect(message.locator("[data-act=mute]").get_by_text(said)).to_have_count(int(is_guest))
        page.keyboard.press("Escape")


def test_a_host_sees_until_when_somebody_is_muted_and_takes_it_back(
    new_page: NewPage, host: Person, room: dict[str, Any]
) -> None:
    linus = host.guest(room, "Linus")
    linus.post(f"/api/rooms/{room['id']}/messages", content="Buy this")
    page = control_page(new_page, host, room)
    message = page.locator("#chat-log .message", has_text="Buy this")
    for act, other, tag in (("mute", "unmute", "muted until"), ("unmute", "mute", "")):
        message.locator("summary").click()
        message.locator(f"[data-act={act}]").click()
        expect(message.locator(".muted")).to_have_text(re.compile(rf"^{tag}.*\d:\d\d" if tag else "^$"))
        expect(message.locator(f"[data-act={other}]")).to_have_count(1)
        expect(message.locator(f"[data-act={act}]")).to_have_count(0)
    # By another host, elsewhere.
    host.patch(f"/api/rooms/{room['id']}/guests/{linus.id}", mutedUntil="2999-01-01T00:00:00.000Z")
    expect(message.locator(".muted")).to_contain_text("muted until")
    open_live(page, page.url)
    expect(message.locator(".muted")).to_contain_text("muted until")
