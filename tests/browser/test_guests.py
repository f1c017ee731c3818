"""A browser is one guest of a room: in all its tabs, on the next visit, by a new link, and when it is banned."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import NewPage, open_live, sign_in
from tests.browser.test_chat import enter, message, say
from tests.support.people import Person


@pytest.fixture
def gina(new_page: NewPage, host: Person, room: dict[str, Any]) -> Page:
    """The page of a guest who has just come in."""
    return enter(new_page(), host, room, "Gina")


def another_tab(page: Page) -> Page:
    return page.context.new_page()


def names(host: Person, room: dict[str, Any]) -> list[str]:
    return [guest["name"] for guest in host.get(f"/api/rooms/{room['id']}/guests")["items"]]


def test_a_guest_who_closes_the_tab_and_comes_back_is_the_same(gina: Page, host: Person, room: dict[str, Any]) -> None:
    again = another_tab(gina)
    gina.close()
    open_live(again, f"{host.url}/r/{room['shareToken']}")
    expect(again.locator("#chat-me")).to_contain_text("You write as Gina.")
    say(again, "Here I am again")
    expect(again.locator(".message.mine")).to_contain_text("Here I am again")
    assert names(host, room) == ["Gina"]


def test_a_guest_stays_the_same_by_a_new_share_link(gina: Page, host: Person, room: dict[str, Any]) -> None:
    token = host.post(f"/api/rooms/{room['id']}/share-token")["shareToken"]
    open_live(gina, f"{host.url}/r/{token}")
    expect(gina.locator("#chat-compose")).to_be_visible()
    assert names(host, room) == ["Gina"]


def test_a_nickname_that_is_picked_in_one_tab_is_that_of_the_other(
    new_page: NewPage, host: Person, room: dict[str, Any]
) -> None:
    first = open_live(new_page(), f"{host.url}/r/{room['shareToken']}")
    expect(first.locator("#chat-guest")).to_be_visible()
    second = enter(another_tab(first), host, room, "Gina")
    expect(first.locator("#chat-compose")).to_be_visible()
    expect(first.locator("#chat-me")).to_contain_text("You write as Gina.")
    say(first, "From the other tab")
    expect(message(second, "From the other tab")).to_have_class("message mine")
    assert names(host, room) == ["Gina"]


def test_who_is_not_that_guest_leaves_and_the_nickname_is_free(gina: Page, host: Person, room: dict[str, Any]) -> None:
    other = another_tab(gina)
    open_live(other, f"{host.url}/r/{room['shareToken']}")
    expect(other.locator("#chat-compose")).to_be_visible()
    gina.get_by_role("button", name="Not you? Leave").click()
    for page in (gina, other):
        expect(page.locator("#chat-guest")).to_be_visible()
        expect(page.locator("#chat-me")).to_be_hidden()
    assert names(host, room) == []
    enter(gina, host, room, "Gina")
    assert names(host, room) == ["Gina"]


def test_who_leaves_is_forgotten_though_the_answer_never_comes(gina: Page, room: dict[str, Any]) -> None:
    gina.route("**/guests/*", lambda route: route.fetch())
    gina.get_by_role("button", name="Not you? Leave").click()
    expect(gina.locator("#chat-guest")).to_be_visible()
    assert gina.evaluate("key => localStorage.getItem(key)", key_of(room)) is None


def test_who_signs_in_is_no_guest_beside_it(gina: Page, host: Person, room: dict[str, Any]) -> None:
    sign_in(gina, host)
    open_live(gina, f"{host.url}/r/{room['shareToken']}")
    expect(gina.locator("#chat-compose")).to_be_visible()
    expect(gina.locator("#chat-me")).to_be_hidden()
    say(gina, "As a host")
    expect(message(gina, "As a host").locator(".author")).to_have_text(host.name)
    gina.get_by_role("button", name="Sign out").click()
    gina.wait_for_url(f"{host.url}/")
    open_live(gina, f"{host.url}/r/{room['shareToken']}")
    expect(gina.locator("#chat-guest")).to_be_visible()


def test_a_token_that_the_server_does_not_know_leads_to_the_form(
    gina: Page, host: Person, room: dict[str, Any], complaints: Any
) -> None:
    complaints.expect("401")
    gina.evaluate("key => localStorage.setItem(key, JSON.stringify({token: 'x.y.z', name: 'Gina'}))", key_of(room))
    gina.reload()
    expect(gina.locator("#chat-guest")).to_be_visible()
    assert gina.evaluate("key => localStorage.getItem(key)", key_of(room)) is None


def test_a_ban_binds_the_browser_until_it_is_lifted_whether_a_tab_was_open_or_not(
    gina: Page, host: Person, room: dict[str, Any], complaints: Any
) -> None:
    complaints.expect("401")
    (guest,) = host.get(f"/api/rooms/{room['id']}/guests")["items"]
    away = another_tab(gina)
    gina.close()
    ban = host.post(f"/api/rooms/{room['id']}/bans", guestId=guest["id"])
    for _ in range(2):
        open_live(away, f"{host.url}/r/{room['shareToken']}")
        expect(away.locator("#chat-note")).to_contain_text("A host has banned you")
        expect(away.locator("#chat-guest")).to_be_hidden()
    host.delete(f"/api/rooms/{room['id']}/bans/{ban['id']}")
    open_live(away, f"{host.url}/r/{room['shareToken']}")
    expect(away.locator("#chat-note")).to_contain_text("lifted your ban")
    expect(away.locator("#chat-guest")).to_be_visible()


def key_of(room: dict[str, Any]) -> str:
    return f"greenroom:guest:{room['id']}"
