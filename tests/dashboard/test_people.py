"""The people, the questions and the limits of a room, by forms."""

from __future__ import annotations

from typing import Any

import pytest
from flask import Flask

from app.core.ids import new_id
from tests.dashboard.plain_browser import PlainBrowser


@pytest.fixture
def room_id(host: PlainBrowser) -> str:
    return host.make_room()


@pytest.fixture
def guest_id(host: PlainBrowser, room_id: str) -> str:
    """Grace, who came by the share link."""
    token = host.share_path().removeprefix("/r/")
    answer = host.client.post(f"/api/rooms/{token}/guests", json={"name": "Grace"}, headers=csrf(host))
    host.open(f"/rooms/{room_id}")
    return str(answer.json["guest"]["id"])


def csrf(host: PlainBrowser) -> dict[str, str]:
    cookie = host.client.get_cookie("csrf")
    assert cookie is not None
    return {"X-CSRF-Token": cookie.value}


def guests(host: PlainBrowser, room_id: str) -> list[dict[str, Any]]:
    items: list[dict[str, Any]] = host.client.get(f"/api/rooms/{room_id}/guests").json["items"]
    return items


def test_a_guest_is_muted_and_let_speak_again(host: PlainBrowser, room_id: str, guest_id: str) -> None:
    host.submit(f"/guests/{guest_id}/mute")
    assert guests(host, room_id)[0]["mutedUntil"]
    assert "muted until" in host.page.text
    host.submit(f"/guests/{guest_id}/mute")
    assert guests(host, room_id)[0]["mutedUntil"] is None


def test_who_is_banned_is_listed_until_the_ban_is_lifted(host: PlainBrowser, room_id: str, guest_id: str) -> None:
    host.open(next(link for link in host.page.links if "/bans/new" in link))
    page = host.submit("/bans")
    assert guests(host, room_id) == []
    assert "Lift the ban" in page.text
    host.submit("/lift")
    assert "Nobody is banned." in host.page.text


def test_why_somebody_is_banned_is_for_hosts_until_the_ban_is_lifted(
    app: Flask, host: PlainBrowser, room_id: str, guest_id: str
) -> None:
    host.open(next(link for link in host.page.links if "/bans/new" in link))
    page = host.submit("/bans", reason=" Sells <b>things</b> ")
    assert "Sells <b>things</b>" in page.text
    assert host.client.get(f"/api/rooms/{room_id}/bans").json["items"][0]["reason"] == "Sells <b>things</b>"
    assert "Reason: Sells <b>things</b>" in " ".join(host.open(f"/rooms/{room_id}/audit").text.split())
    assert "Sells" not in PlainBrowser(app).open(f"/r/{host.state(room_id)['shareToken']}").text
    host.open(f"/rooms/{room_id}")
    host.submit("/lift")
    assert "Sells" not in host.open(f"/rooms/{room_id}/audit").text


def test_slow_mode_is_set_in_seconds(host: PlainBrowser, room_id: str) -> None:
    page = host.submit("/settings", slowMode="30")
    assert host.state(room_id)["settings"]["slowModeMs"] == 30_000
    assert page.form("/settings").fields["slowMode"] == "30"
    assert host.submit("/settings", slowMode="soon").status == 422


def test_questions_are_asked_approved_shown_and_ticked_off_by_forms(host: PlainBrowser, room_id: str) -> None:
    host.submit("/questions", content="Will there be slides?")
    host.submit("/vote")
    host.submit("/approve")
    page = host.submit("/show")
    assert "▲ 1" in page.text
    stage = host.state(room_id)["stage"]
    assert (stage["text"], stage["visible"]) == ("Will there be slides?", True)
    host.submit("/answer")
    assert "Answered (1)" in host.page.text
    host.submit("/reopen")
    assert "Answered (1)" not in host.page.text


def test_only_hosts_get_the_parts_of_the_control_page(app: Flask, host: PlainBrowser, room_id: str) -> None:
    stranger = PlainBrowser(app).sign_up("Eve")
    for part in ("questions", "screens", "run"):
        assert host.open(f"/rooms/{room_id}/{part}").status == 200
        assert stranger.open(f"/rooms/{room_id}/{part}").status == 403


def test_a_ban_is_asked_on_a_page_of_its_own_where_there_are_no_scripts(
    host: PlainBrowser, room_id: str, guest_id: str
) -> None:
    link = next(link for link in host.page.links if link.endswith(f"/bans/new?guestId={guest_id}"))
    assert not [form for form in host.page.forms if form.action.endswith("/bans")]
    page = host.open(link)
    assert "Ban Grace?" in page.text
    assert "A guest can come back under a new nickname from another browser" in page.text
    assert f"/rooms/{room_id}#people" in page.links
    assert [guest["id"] for guest in guests(host, room_id)] == [guest_id]
    host.submit("/bans")
    assert guests(host, room_id) == []


def test_only_hosts_are_asked_and_only_about_who_is_there(app: Flask, host: PlainBrowser, room_id: str) -> None:
    path = f"/rooms/{room_id}/bans/new"
    stranger = PlainBrowser(app).sign_up("Eve")
    assert host.open(f"{path}?guestId={new_id()}").status == 404
    assert host.open(path).status == 422
    assert stranger.open(f"{path}?guestId={new_id()}").status == 403
    assert host.open(f"/rooms/{room_id}/members/{new_id()}/remove").status == 404
    assert stranger.open(f"/rooms/{room_id}/members/{new_id()}/remove").status == 403


def test_only_the_owner_is_asked_what_only_the_owner_may(app: Flask, host: PlainBrowser, room_id: str) -> None:
    bob = PlainBrowser(app).sign_up("Bob")
    host.submit("/members", username="bob", role="host")
    for part in ("delete", "share-token"):
        assert host.open(f"/rooms/{room_id}/{part}").status == 200
        assert bob.open(f"/rooms/{room_id}/{part}").status == 403
        assert PlainBrowser(app).open(f"/rooms/{room_id}/{part}").path == "/login"


def test_the_ban_of_an_account_says_that_it_binds_the_account(app: Flask, host: PlainBrowser, room_id: str) -> None:
    PlainBrowser(app).sign_up("Bob")
    host.submit("/members", username="bob")
    page = host.open(next(link for link in host.page.links if "/bans/new?userId" in link))
    assert "cannot come back, until a host lifts the ban" in page.text
    assert "nickname" not in page.text
