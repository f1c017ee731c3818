"""An event day by hand: what people see, reach and expect on a laptop and a phone, in their own language and time."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.browser.conftest import NewPage, open_live, sign_in
from tests.support.people import Person

PHONE = {"viewport": {"width": 360, "height": 740}, "has_touch": True, "is_mobile": True}
FINGER_PX = 44
PLAN = (
    "title,duration,startsAt\n"
    "Opening,25,2020-05-04T22:30:00Z\nKeynote,45,2020-05-04T22:55:00Z\nDinner,60,2020-05-05T18:00:00Z\n"
)
SMALL = f"""() => [...document.querySelectorAll("main :is(button, summary, select, input, textarea, a.button, a.chip)")]
  .filter((part) => part.checkVisibility() && !part.closest(".visually-hidden"))
  .filter((part) => !["hidden", "checkbox", "file"].includes(part.type) && part.getBoundingClientRect().width > 2)
  .map((part) => [part.outerHTML.slice(0, 90), part.getBoundingClientRect()])
  .filter(([, box]) => box.height < {FINGER_PX} - 0.5 || box.width < {FINGER_PX} - 0.5)
  .map(([html, box]) => `${{Math.round(box.width)}} x ${{Math.round(box.height)}}: ${{html}}`)"""


def control_of(page: Page, host: Person, room: dict[str, Any]) -> Page:
    sign_in(page, host)
    return open_live(page, f"{host.url}/rooms/{room['id']}")


def guest_of(page: Page, room: dict[str, Any], host: Person, name: str = "Grace") -> Page:
    open_live(page, f"{host.url}/r/{room['shareToken']}")
    page.locator("#chat-guest [name=name]").fill(name)
    page.locator("#chat-guest button").click()
    expect(page.locator("#chat-compose")).to_be_visible()
    return page


def layout(*parts: Locator) -> list[tuple[float, float]]:
    """How high each is, and how far below the first: the same wherever the page is scrolled to."""
    boxes = [box for part in parts if (box := part.bounding_box())]
    assert len(boxes) == len(parts)
    return [(box["height"], box["y"] - boxes[0]["y"]) for box in boxes]


@pytest.fixture
def asked(room: dict[str, Any], host: Person) -> dict[str, Any]:
    """The room, where a guest has written much and then asked a question."""
    guest = host.guest(room, "Linus")
    for number in range(12):
        guest.post(f"/api/rooms/{room['id']}/messages", content=f"Line {number}")
    guest.post(f"/api/rooms/{room['id']}/messages", content="Will there be slides?", messageType="question")
    return room


@pytest.mark.parametrize("device", [{"viewport": {"width": 1440, "height": 900}}, PHONE], ids=["laptop", "phone"])
def test_every_action_of_the_last_message_can_be_reached(
    new_page: NewPage, host: Person, asked: dict[str, Any], device: dict[str, Any]
) -> None:
    page = control_of(new_page(**device), host, asked)
    last = page.locator("#chat-log .message").last
    expect(last).to_contain_text("Will there be slides?")
    last.locator("summary").click()
    actions = last.locator(".more button")
    expect(actions.last).to_be_visible()
    reached = actions.evaluate_all(
        """(buttons) => buttons.map((button) => {
          const box = button.getBoundingClientRect();
          return button.contains(document.elementFromPoint(box.x + box.width / 2, box.y + box.height / 2));
        })"""
    )
    assert len(reached) >= 5
    assert all(reached), reached


@pytest.mark.parametrize("device", [{"viewport": {"width": 1440, "height": 900}}, PHONE], ids=["laptop", "phone"])
def test_an_open_menu_moves_nothing_and_leaves_the_next_messages_button_free(
    new_page: NewPage, host: Person, asked: dict[str, Any], device: dict[str, Any]
) -> None:
    page = control_of(new_page(**device), host, asked)
    page.locator("#chat-log .message").nth(4).scroll_into_view_if_needed()
    opened, following = (page.locator("#chat-log .message").nth(place) for place in (4, 5))
    before = layout(opened, following)
    opened.locator("summary").click()
    expect(opened.locator(".more button").last).to_be_visible()
    assert layout(opened, following) == before
    following.locator("summary").click()
    expect(following.locator(".more")).to_be_visible()
    expect(opened.locator(".more")).to_be_hidden()


def test_the_stage_form_shows_what_is_on_the_stage_and_keeps_a_draft(
    new_page: NewPage, host: Person, room: dict[str, Any]
) -> None:
    control = control_of(new_page(), host, room)
    stage = open_live(new_page(), f"{host.url}/r/{room['shareToken']}/stage")
    control.get_by_role("button", name="Please wrap up").click()
    expect(stage.locator("#stage-message")).to_have_text("Please wrap up")
    expect(control.locator("#stage-text")).to_have_value("Please wrap up")
    expect(control.locator("#stage-now")).to_contain_text("Shown: Please wrap up")
    control.locator("#stage-text").fill("A draft")
    control.get_by_role("button", name="Time is up").click()
    expect(stage.locator("#stage-message")).to_have_text("Time is up")
    expect(control.locator("#stage-shown")).to_have_text("Time is up")
    expect(control.locator("#stage-text")).to_have_value("A draft")
    control.get_by_role("button", name="Take it off").click()
    expect(stage.locator("#stage-message")).to_have_text("")
    expect(control.locator("#stage-now")).to_contain_text("No message is shown.")


def test_a_question_goes_to_the_stage_and_leaves_it_when_answered(
    new_page: NewPage, host: Person, asked: dict[str, Any]
) -> None:
    control = control_of(new_page(), host, asked)
    stage = open_live(new_page(), f"{host.url}/r/{asked['shareToken']}/stage")
    queue = control.locator("#questions-place")
    queue.get_by_role("button", name="Vote ▲").click()
    expect(queue.get_by_role("button", name="Vote ▲")).to_have_text("▲ 1")
    queue.get_by_role("button", name="Approve").click()
    expect(queue).to_contain_text("approved")
    queue.get_by_role("button", name="To the stage").click()
    expect(stage.locator("#stage-message")).to_have_text("Will there be slides?")
    queue.get_by_role("button", name="Answered").click()
    expect(stage.locator("#stage-message")).to_have_text("")
    expect(queue).to_contain_text("Answered (1)")


def test_a_banned_guest_is_told_so_and_the_host_sees_people_come_and_go(
    new_page: NewPage, host: Person, room: dict[str, Any], complaints: Any
) -> None:
    complaints.expect("401", "403", "404")  # the banned token, until it is put away
    control = control_of(new_page(), host, room)
    control.locator("#people-place summary", has_text="Members").click()
    guest = guest_of(new_page(), room, host)
    member = control.locator("#members li", has_text="Grace")
    expect(member).to_be_visible()
    member.locator("summary").click()
    control.get_by_role("link", name="Ban Grace").click()
    control.get_by_role("alertdialog").get_by_role("button", name="Ban Grace").click()
    expect(guest.locator("#chat-note")).to_contain_text("A host has banned you")
    expect(guest.locator("#chat-guest")).to_be_hidden()
    expect(guest.locator("#digits")).to_have_text("25:00")
    expect(control.locator("#bans")).to_contain_text("Grace")
    expect(control.locator("#members")).not_to_contain_text("Grace")
    host.patch(f"/api/rooms/{room['id']}", description="Something else")
    expect(guest.locator("#chat-guest")).to_be_hidden()
    control.locator("#bans").get_by_role("button").first.click()
    expect(guest.locator("#chat-note")).to_contain_text("lifted your ban")
    guest.locator("#chat-guest [name=name]").fill("Grace")
    guest.locator("#chat-guest button").click()
    expect(guest.locator("#chat-compose")).to_be_visible()


@pytest.mark.parametrize("lang", ["en", "fr"])
def test_on_a_phone_all_fits_and_everything_is_large_enough_for_a_finger(
    new_page: NewPage, host: Person, asked: dict[str, Any], lang: str
) -> None:
    host.request("PUT", f"/api/rooms/{asked['id']}/stage", json={"text": "Hello", "visible": True}).raise_for_status()
    page = guest_of(new_page(**PHONE, locale=lang), asked, host)
    too_small = {"viewer": page.evaluate(SMALL)}
    widths = {"viewer": page.evaluate("document.documentElement.scrollWidth")}
    page = control_of(new_page(**PHONE, locale=lang), host, asked)
    for fold in page.locator("main .fold > summary").all():
        fold.click()
    paths = {"control": "", "rooms": "/rooms", "audit": f"/rooms/{asked['id']}/audit", "docs": "/api/docs"}
    for name, path in paths.items():
        if path:
            page.goto(host.url + path)
        too_small[name] = page.evaluate(SMALL)
        widths[name] = page.evaluate("document.documentElement.scrollWidth")
    page.goto(f"{host.url}/rooms/{asked['id']}/print")
    widths["print"] = page.evaluate("document.documentElement.scrollWidth")
    assert set(widths.values()) == {360}, widths
    assert {name: parts for name, parts in too_small.items() if parts} == {}


@pytest.mark.parametrize("device", [{"viewport": {"width": 1440, "height": 900}}, PHONE], ids=["laptop", "phone"])
def test_the_clock_stays_in_sight_while_one_reads_the_run_or_talks(
    new_page: NewPage, host: Person, room: dict[str, Any], device: dict[str, Any]
) -> None:
    for number in range(20):
        host.post(f"/api/rooms/{room['id']}/timers", title=f"Talk {number}", duration=600_000)
    page = control_of(new_page(**device, reduced_motion="reduce"), host, room)
    page.locator("#run-list > li").last.scroll_into_view_if_needed()
    expect(page.locator("#digits")).to_be_in_viewport(ratio=1)
    expect(page.get_by_role("button", name="Start", exact=True)).to_be_in_viewport(ratio=1)
    if device is PHONE:
        page.get_by_role("link", name="Chat").tap()
        expect(page.locator("#chat-text")).to_be_in_viewport(ratio=1)
        expect(page.locator("#digits")).to_be_in_viewport(ratio=1)
        hidden = page.locator("#chat-text").evaluate(
            "(field) => document.querySelector('#clock').getBoundingClientRect().bottom - field.getBoundingClientRect().top"
        )
        assert hidden <= 0
        page.get_by_role("link", name="Questions").tap()
        expect(page.locator("#questions h2").first).to_be_in_viewport(ratio=1)


def test_the_clock_says_what_is_next_when_it_ends_and_how_late_it_is(
    new_page: NewPage, host: Person, room: dict[str, Any]
) -> None:
    opening, keynote = host.get(f"/api/rooms/{room['id']}")["timers"]
    page = control_of(new_page(locale="en-GB", timezone_id="Europe/Paris"), host, room)
    viewer = open_live(new_page(locale="en-GB", timezone_id="Asia/Tokyo"), f"{host.url}/r/{room['shareToken']}")
    ends = host.post(f"/api/timers/{opening['id']}/start")["endTimestamp"]
    for screen, zone in ((page, "Europe/Paris"), (viewer, "Asia/Tokyo")):
        at = screen.evaluate(
            "([at, timeZone]) => new Date(at).toLocaleTimeString('en-GB', { timeZone, hour: '2-digit', minute: '2-digit' })",
            [ends, zone],
        )
        expect(screen.locator("#ends")).to_have_text(f"until {at}")
        expect(screen.locator("#next-up")).to_have_text("Next: Keynote")
    host.post(f"/api/timers/{keynote['id']}/start")
    expect(viewer.locator("#next-up")).to_have_text("")


def test_a_banned_account_is_told_what_to_do_and_comes_back_when_the_ban_is_lifted(
    new_page: NewPage, host: Person, room: dict[str, Any], complaints: Any
) -> None:
    complaints.expect("403")
    member = Person(host.url)
    page = new_page()
    sign_in(page, member)
    open_live(page, f"{host.url}/r/{room['shareToken']}")
    ban = host.post(f"/api/rooms/{room['id']}/bans", userId=member.id)
    expect(page.locator("main h1")).to_have_text("You are banned from this room.")
    expect(page.locator("main")).to_contain_text("talk to a host")
    host.delete(f"/api/rooms/{room['id']}/bans/{ban['id']}")
    expect(page.locator("#room-name")).to_have_text("Main hall")


def test_a_plan_of_several_days_is_shown_in_the_readers_zone_and_language(
    new_page: NewPage, host: Person, room: dict[str, Any]
) -> None:
    for timer in host.get(f"/api/rooms/{room['id']}")["timers"]:
        host.delete(f"/api/timers/{timer['id']}")
    host.post(f"/api/rooms/{room['id']}/timers/import", csv=PLAN)
    viewer = open_live(new_page(locale="fr", timezone_id="Europe/Paris"), f"{host.url}/r/{room['shareToken']}")
    expect(viewer.locator("#run > li[data-day]")).to_have_count(1)
    expect(viewer.locator("#run > li").first).to_have_attribute("data-day", "mardi 5 mai")
    expect(viewer.locator("#run time")).to_have_text(["00:30", "00:55", "20:00"])
    page = control_of(new_page(locale="en-GB", timezone_id="America/New_York"), host, room)
    expect(page.locator("#run-list > li[data-day]")).to_have_count(2)
    expect(page.locator("#run-list > li").nth(2)).to_have_attribute("data-day", "Tuesday 5 May")
    page.goto(f"{host.url}/rooms/{room['id']}/print")
    expect(page.locator("td[data-day]")).to_have_count(2)
    expect(page.locator("tbody td:first-child time")).to_have_text(["18:30", "18:55", "14:00"])
    page.emulate_media(media="print")
    for part in (".bar", ".foot", "#print"):
        expect(page.locator(part)).to_be_hidden()
    expect(page.locator("tbody tr").last).to_be_visible()


def test_a_link_given_with_an_end_and_a_use_lets_one_person_in_as_what_it_says(
    new_page: NewPage, host: Person, room: dict[str, Any]
) -> None:
    page = control_of(new_page(), host, room)
    share = page.locator("#share")
    share.locator("summary", has_text="Invitations").click()
    share.locator("[name=role]").select_option("host")
    share.locator("[name=maxUses]").fill("1")
    share.locator("[name=label]").fill("Stage crew")
    share.locator("[name=expiresAt]").fill("2999-12-24T18:00")
    share.get_by_role("button", name="Make an invitation").click()
    row = page.locator(".link-row")
    expect(row).to_contain_text("Stage crew · host")
    expect(row).to_contain_text("used 0 of 1")
    row.locator(".link-qr summary").click()
    expect(row.locator(".qr svg")).to_be_visible()
    crew = new_page()
    friend = Person(host.url)
    sign_in(crew, friend)
    crew.goto(row.locator("code").inner_text())
    crew.locator("main form button").click()
    crew.wait_for_selector("#main-acts")
    page.reload()
    expect(row).to_contain_text("used 1 of 1")
    page.goto(f"{host.url}/rooms/{room['id']}/audit")
    expect(page.locator("tbody tr").first).to_contain_text("Came in by an invitation")
    expect(page.locator("tbody tr").first).to_contain_text(friend.name)


IS_ON_TOP = """(part) => {
  const { x, y, width, height } = part.getBoundingClientRect();
  return part.contains(document.elementFromPoint(x + width / 2, y + height / 2));
}"""


def test_who_asks_on_a_phone_sees_their_question_beside_where_they_wrote_it(
    new_page: NewPage, host: Person, room: dict[str, Any]
) -> None:
    page = guest_of(new_page(**PHONE, locale="fr-FR"), room, host)
    page.locator(".sections a[href='#chat']").tap()
    page.locator("#chat-question").check()
    page.locator("#chat-text").fill("Will there be slides?")
    page.locator("#chat-compose [type=submit]").last.tap()
    asked = page.locator("#chat-log .message[data-kind=question]:not(.pending)")
    expect(asked).to_have_count(1)
    assert asked.evaluate(IS_ON_TOP)


def test_the_sign_of_a_muted_person_is_one_line_and_lies_under_no_button(
    new_page: NewPage, host: Person, asked: dict[str, Any]
) -> None:
    page = control_of(new_page(viewport={"width": 1440, "height": 900}), host, asked)
    last = page.locator("#chat-log .message").last
    last.locator("summary").click()
    last.get_by_role("button", name="Mute").click()
    sign = last.locator(".muted")
    expect(sign).to_be_visible()
    assert sign.evaluate("(part) => part.getClientRects().length === 1 && part.offsetHeight < 32")
