"""What people do in a conversation beside talking: find, look back, see who has read, keep somebody quiet, lose the network."""

from __future__ import annotations

from typing import Any

from playwright.sync_api import Page, Route, expect

from tests.browser.conftest import Complaints, NewPage, open_live, sign_in
from tests.browser.test_chat import MINE, TOP, act, enter, look_back, message, say
from tests.support.people import Person
from tests.support.waiting import eventually

ROOM_MODULE = "import(document.querySelector('script[data-ref]').src)"


def open_control(page: Page, host: Person, room: dict[str, Any]) -> Page:
    sign_in(page, host)
    open_live(page, f"{host.url}/rooms/{room['id']}")
    expect(page.locator("#chat-compose")).to_be_visible()
    return page


def say_all(host: Person, room: dict[str, Any], *texts: str) -> None:
    for text in texts:
        host.post(f"/api/rooms/{room['id']}/messages", content=text)


def test_a_search_shows_what_it_found_and_then_everything_again(
    new_page: NewPage, host: Person, room: dict[str, Any]
) -> None:
    say_all(host, room, "the red door", "the blue door", "a window")
    page = enter(new_page(), host, room, "Grace")
    expect(page.locator(".message .content")).to_have_text(["the red door", "the blue door", "a window"])
    page.fill("#chat-query", "doo red")
    expect(page.locator("#chat-note")).to_have_text("0 found")
    page.fill("#chat-query", "red doo")
    expect(page.locator("#chat-note")).to_have_text("1 found")
    expect(page.locator(".message .content")).to_have_text(["the red door"])
    say_all(host, room, "a red herring")  # what comes meanwhile is not what was looked for
    page.fill("#chat-query", "")
    expect(page.locator(".message .content")).to_have_text(
        ["the red door", "the blue door", "a window", "a red herring"]
    )


def test_the_author_sees_who_has_read_a_message(new_page: NewPage, host: Person, room: dict[str, Any]) -> None:
    control = open_control(new_page(), host, room)
    say(control, "Doors open at nine")
    expect(message(control, "Doors open at nine").locator(".status")).to_have_text("")
    act(control, "Doors open at nine", "seen")
    expect(message(control, "Doors open at nine").locator(".status")).to_have_text("Seen by nobody yet")
    grace = enter(new_page(), host, room, "Grace")
    expect(message(grace, "Doors open at nine")).to_be_visible()
    control.wait_for_function(
        f"() => {ROOM_MODULE}.then(({{room}}) => room.client.call('GET', '/api/rooms/' + room.id + '/messages')"
        ".then(({items}) => room.client.call('GET', `/api/messages/${items.at(-1).id}/receipts`))"
        ".then(({items}) => items.length === 1))"
    )
    act(control, "Doors open at nine", "seen")
    expect(message(control, "Doors open at nine").locator(".status")).to_have_text("Seen by Grace")


def test_who_is_muted_in_the_list_of_people_cannot_write_until_allowed_again(
    new_page: NewPage, host: Person, room: dict[str, Any], complaints: Any
) -> None:
    complaints.expect("403")
    grace, control = enter(new_page(), host, room, "Grace"), open_control(new_page(), host, room)
    people = control.locator("#people")

    def press(label: str) -> None:
        people.locator("summary[aria-label*=Grace]").click()
        people.locator(f'button[aria-label*="{label}"]').click()
        control.wait_for_selector("#connection[data-state=live]")

    people.locator("summary", has_text="Members").click()  # and it stays open
    press("Mute Grace")
    say(grace, "can I?")
    expect(grace.locator(f"{MINE}.pending .status")).to_contain_text("muted")
    press("Let Grace speak")
    expect(control.locator(".message", has_text="can I?")).to_have_count(0)
    grace.locator(f"{MINE}.pending summary").click()
    grace.locator(f'{MINE}.pending [data-act="retry"]').click()
    expect(message(control, "can I?")).to_have_count(1)


def test_looking_back_keeps_the_place_where_one_reads(new_page: NewPage, host: Person, room: dict[str, Any]) -> None:
    say_all(host, room, *(f"line {number}" for number in range(70)))
    page = enter(new_page(), host, room, "Grace")
    expect(page.get_by_text("line 69", exact=True)).to_be_in_viewport()
    log = page.locator("#chat-log")
    first = page.get_by_text("line 20", exact=True)
    before = look_back(page, first)
    expect(page.get_by_text("line 0", exact=True)).to_have_count(1)
    expect(log).not_to_have_attribute("aria-busy", "true")
    after = first.evaluate(TOP)
    assert abs(after - before) <= 2, (before, after)
    say_all(host, room, "meanwhile")
    expect(page.locator("#chat-new")).to_be_visible()
    assert abs(first.evaluate(TOP) - before) <= 2
    page.click("#chat-new")
    expect(page.get_by_text("meanwhile", exact=True)).to_be_in_viewport()


def test_what_is_said_while_one_looks_back_moves_nothing(new_page: NewPage, host: Person, room: dict[str, Any]) -> None:
    say_all(host, room, *(f"line {number}" for number in range(70)))
    page = enter(new_page(), host, room, "Grace")
    expect(page.get_by_text("line 69", exact=True)).to_be_in_viewport()
    held: list[Route] = []
    page.route("**/messages?*", lambda route: held.append(route), times=1)
    first = page.get_by_text("line 20", exact=True)
    before = look_back(page, first)
    eventually(lambda: page.evaluate("true") and held)
    say_all(host, room, "meanwhile")
    expect(page.get_by_text("meanwhile", exact=True)).to_have_count(1)
    held[0].continue_()
    expect(page.get_by_text("line 0", exact=True)).to_have_count(1)
    assert abs(first.evaluate(TOP) - before) <= 2


def test_what_was_sent_without_an_answer_is_sent_again_as_the_same_message(
    new_page: NewPage, host: Person, room: dict[str, Any], complaints: Any
) -> None:
    complaints.expect("ERR_CONNECTION_RESET")
    page = enter(new_page(), host, room, "Grace")
    guest_posts: list[str] = []
    page.on("request", lambda sent: guest_posts.append(sent.post_data or "") if sent.method == "POST" else None)
    page.route("**/api/rooms/*/messages", lambda route: (route.fetch(), route.abort("connectionreset")))
    page.evaluate(f"{ROOM_MODULE}.then(({{room}}) => room.client.socket.disconnect())")
    say(page, "only once")
    page.wait_for_function(f"() => {ROOM_MODULE}.then(({{room}}) => room.client)")
    expect(page.locator(f"{MINE}.pending")).to_have_count(1)
    expect(page.locator(".message", has_text="only once")).to_have_count(1)
    page.unroute_all(behavior="ignoreErrors")  # one may be under way
    expect(page.locator(f"{MINE}.pending")).to_have_count(0)
    ids = {text.split('"clientMessageId":"')[1][:32] for text in guest_posts if "clientMessageId" in text}
    assert len(ids) == 1
    items = host.get(f"/api/rooms/{room['id']}/messages")["items"]
    assert [item["content"] for item in items] == ["only once"]


def test_a_vote_is_remembered_when_the_page_is_opened_again(
    new_page: NewPage, host: Person, room: dict[str, Any]
) -> None:
    host.post(f"/api/rooms/{room['id']}/messages", content="Will there be slides?", messageType="question")
    control = open_control(new_page(), host, room)
    vote = message(control, "Will there be slides?").locator(".vote")
    expect(vote).to_have_attribute("aria-pressed", "false")
    vote.click()
    expect(vote).to_have_attribute("aria-pressed", "true")
    control.reload()
    expect(vote).to_have_attribute("aria-pressed", "true")
    vote.click()
    expect(vote).to_have_text("▲ 0")
    expect(vote).to_have_attribute("aria-pressed", "false")


def test_a_vote_is_not_taken_back_by_an_answer_that_was_on_its_way(
    new_page: NewPage, host: Person, room: dict[str, Any]
) -> None:
    host.post(f"/api/rooms/{room['id']}/messages", content="Will there be slides?", messageType="question")
    page = new_page()
    asked: list[Route] = []
    page.route("**/votes?*", lambda route: asked.append(route))  # and nobody answers
    control = open_control(page, host, room)
    eventually(lambda: page.wait_for_timeout(20) or asked)
    held = list(asked)
    older = held[0].fetch()
    vote = message(control, "Will there be slides?").locator(".vote")
    vote.click()
    expect(vote).to_have_attribute("aria-pressed", "true")
    for route in held:
        route.fulfill(response=older)
    eventually(lambda: page.wait_for_timeout(20) or len(asked) > len(held))
    for route in asked[len(held) :]:
        route.continue_()
    expect(vote).to_have_attribute("aria-pressed", "true")


def test_nothing_that_is_said_makes_a_phones_page_wider(new_page: NewPage, host: Person, room: dict[str, Any]) -> None:
    first = host.post(f"/api/rooms/{room['id']}/messages", content="a long line that is quoted as one line " * 4)
    host.post(f"/api/rooms/{room['id']}/messages", content="unbreakable" * 40, replyTo=first["id"])
    page = enter(new_page(viewport={"width": 360, "height": 740}), host, room, "Grace")
    expect(page.locator(".message .quote:visible")).to_have_count(1)
    assert page.evaluate("document.documentElement.scrollWidth") == 360
    widest = page.evaluate(
        "Math.max(...[...document.querySelectorAll('#chat *')].map((e) => e.getBoundingClientRect().right))"
    )
    assert widest <= 360


PHONE = {"viewport": {"width": 360, "height": 740}, "has_touch": True, "is_mobile": True, "reduced_motion": "reduce"}


def test_a_guest_on_a_phone_sees_where_to_write_and_all_that_they_write(
    new_page: NewPage, host: Person, room: dict[str, Any]
) -> None:
    say_all(host, room, *(f"Line {number}" for number in range(20)), "a message that is quoted as one line " * 4)
    page = enter(new_page(**PHONE), host, room, "Grace")
    field, send = page.locator("#chat-text"), page.locator("#chat-compose button.primary")
    expect(send).to_be_in_viewport(ratio=1)

    page.evaluate("scrollTo(0, 0)")
    page.click(".sections a[href='#chat']")
    expect(send).to_be_in_viewport(ratio=1)
    bar = page.locator(".sections").bounding_box()
    box = send.bounding_box()
    assert bar
    assert box
    assert box["y"] + box["height"] <= bar["y"]

    field.fill("Can you turn it up a little? At the back of the hall nobody understands a word of it.")
    assert field.evaluate("field => field.scrollHeight <= field.clientHeight")

    act(page, "quoted as one line", "reply")
    expect(page.locator("#chat-context")).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth") == 360
    right = page.evaluate(
        "Math.max(...[...document.querySelectorAll('#chat-compose *')].map((e) => e.getBoundingClientRect().right))"
    )
    assert right <= 360


def test_who_writes_on_a_phone_is_told_that_the_connection_is_lost_and_nothing_jumps(
    new_page: NewPage, host: Person, room: dict[str, Any], complaints: Complaints
) -> None:
    complaints.expect("INTERNET_DISCONNECTED")
    page = enter(new_page(**PHONE), host, room, "Grace")
    page.click(".sections a[href='#chat']")
    before = page.locator("#chat-text").bounding_box()
    page.context.set_offline(True)
    sign = page.locator("#chat").get_by_text("Connection lost, the clock runs on")
    expect(sign).to_be_in_viewport(ratio=1)
    assert page.locator("#chat-text").bounding_box() == before
    page.context.set_offline(False)
    expect(sign).to_have_count(0)
    assert page.locator("#chat-text").bounding_box() == before


READABLE = """() => document.querySelector("#chat-log").getBoundingClientRect().bottom
  - document.querySelector("#clock").getBoundingClientRect().bottom"""
PLACE = "() => Math.round(scrollY + document.querySelector('#chat').getBoundingClientRect().top)"


def test_on_a_phone_the_clock_leaves_the_conversation_its_room_and_moves_nothing(
    new_page: NewPage, host: Person, room: dict[str, Any]
) -> None:
    say_all(host, room, *(f"Line {number}" for number in range(20)))
    page = enter(new_page(**{**PHONE, "viewport": {"width": 360, "height": 780}}), host, room, "Grace")
    page.evaluate("scrollTo(0, 0)")
    expect(page.locator("#next-up")).to_be_in_viewport()
    before = page.evaluate(PLACE)
    page.click(".sections a[href='#chat']")
    expect(page.locator("#next-up")).to_be_hidden()
    for part in ("#digits", "#timer-title", "#chat-compose button.primary"):
        expect(page.locator(part)).to_be_in_viewport(ratio=1)
    assert page.evaluate(READABLE) >= 250
    stage = {"text": "Please speak up", "visible": True}
    host.request("PUT", f"/api/rooms/{room['id']}/stage", json=stage).raise_for_status()
    expect(page.locator("#stage-message")).to_have_text("Please speak up")
    expect(page.locator("#stage-message")).to_be_in_viewport(ratio=1)
    assert page.evaluate(PLACE) == before
    page.evaluate("scrollTo(0, 0)")
    expect(page.locator("#next-up")).to_be_in_viewport()
    assert page.evaluate(PLACE) == before
