from __future__ import annotations

import io
import re

import pytest
import segno
from flask import Flask

from app.core.clock import FakeClock, add_ms, to_wire
from app.web.lan import network_address
from tests.dashboard.plain_browser import PASSWORD, Page, PlainBrowser

SECTIONS: dict[str, dict[str, str]] = {
    "members": {"username": "ada", "role": "member"},
    "links": {"role": "host"},
    "share-token": {},
    "settings": {"name": "Mine"},
    "delete": {},
    "stage": {"text": "Hello", "visible": "on"},
    "stage/flash": {},
    "timers": {"title": "Mine", "duration": "5"},
    "import": {},
}


def test_rooms_are_made_and_found_by_forms(host: PlainBrowser) -> None:
    host.make_room("Main hall")
    host.make_room("Workshop", isPrivate="on")
    host.open("/rooms")
    assert "Main hall" in host.page.text
    page = host.open("/rooms?q=work")
    assert "Workshop" in page.text
    assert "Main hall" not in page.text


def test_the_overview_shows_what_is_running(host: PlainBrowser) -> None:
    host.make_room("Main hall")
    host.add_timer("Opening")
    host.submit("/start")
    assert "Opening" in host.open("/rooms").text


def test_a_room_without_a_name_is_refused_beside_the_form(host: PlainBrowser) -> None:
    page = host.submit("/rooms", name=" ")
    assert page.status == 422
    assert "name" in page.text


def test_settings_are_kept_and_boxes_may_be_cleared(host: PlainBrowser) -> None:
    room_id = host.make_room()
    host.submit("/settings", name="Renamed", guests=None, chatMode="hosts", history="none", isPrivate="on")
    room = host.state(room_id)
    assert (room["name"], room["isPrivate"]) == ("Renamed", True)
    settings = room["settings"]
    assert (settings["guests"], settings["chatMode"], settings["history"]) == (False, "hosts", "none")
    assert settings["receipts"] is True


def test_members_are_added_promoted_and_removed_by_forms(app: Flask, host: PlainBrowser) -> None:
    PlainBrowser(app).sign_up("Bob")
    room_id = host.make_room()
    page = host.submit("/members", username="bob", role="host")
    assert "Bob" in page.text
    members = host.client.get(f"/api/rooms/{room_id}/members").json["items"]
    assert sorted(member["role"] for member in members) == ["host", "owner"]
    host.open(next(link for link in host.page.links if link.endswith("/remove")))
    assert "Remove Bob?" in host.page.text
    assert f"/rooms/{room_id}#people" in host.page.links
    assert len(host.client.get(f"/api/rooms/{room_id}/members").json["items"]) == 2
    page = host.submit("/remove")
    assert "Bob" not in page.text


def test_an_unknown_member_is_told_on_the_page(host: PlainBrowser) -> None:
    host.make_room()
    page = host.submit("/members", username="nobody")
    assert page.status == 404
    assert any(attrs.get("role") == "alert" for _, attrs in page.elements)


def test_a_member_is_added_by_e_mail_as_well_and_shown_by_the_username(app: Flask, host: PlainBrowser) -> None:
    PlainBrowser(app).sign_up("Bob")
    room_id = host.make_room()
    assert "Username or e-mail" in host.page.text
    for who in ("nobody", "nobody@example.org"):
        assert notice(host.submit("/members", username=who)) == (404, "There is no such person.")
        host.open(f"/rooms/{room_id}")
    page = host.submit("/members", username="bob@EXAMPLE.org")
    assert page.status == 200, page.text
    assert roles(host, room_id)["Bob"][1] == "member"
    assert "@bob" in page.text


def test_the_role_of_a_member_is_changed_by_who_is_above(app: Flask, host: PlainBrowser) -> None:
    bob, eve = PlainBrowser(app).sign_up("Bob"), PlainBrowser(app).sign_up("Eve")
    room_id = host.make_room()
    host.submit("/members", username="bob")
    host.submit("/members", username="eve", role="host")
    (bob_id, eve_id) = (roles(host, room_id)[name][0] for name in ("Bob", "Eve"))
    assert host.page.form(f"/members/{bob_id}/role").fields["role"] == "member"
    host.submit(f"/members/{bob_id}/role", role="host")
    assert roles(host, room_id)["Bob"] == (bob_id, "host")
    assert host.page.form(f"/members/{bob_id}/role").fields["role"] == "host"
    eve.open(f"/rooms/{room_id}")
    assert not [form for form in eve.page.forms if form.action.endswith("/role")]
    host.submit(f"/members/{bob_id}/role", role="viewer")
    eve.open(f"/rooms/{room_id}")
    eve.submit(f"/members/{bob_id}/role", role="member")
    assert roles(host, room_id)["Bob"] == (bob_id, "member")
    data = {"role": "member", "csrf_token": eve.page.form("/role").fields["csrf_token"]}
    assert eve.client.post(f"/rooms/{room_id}/members/{eve_id}/role", data=data).status_code == 403
    assert bob.open(f"/rooms/{room_id}").path == f"/r/{room_id}"


def test_who_is_in_a_room_already_is_led_there_by_its_invitation(app: Flask, host: PlainBrowser) -> None:
    bob = PlainBrowser(app).sign_up("Bob")
    room_id = host.make_room(isPrivate="on")
    for role in ("member", "host"):
        host.submit("/links", role=role, maxUses="1")
    tokens = {link["role"]: link["token"] for link in host.client.get(f"/api/rooms/{room_id}/links").json["items"]}
    bob.open(f"/join/{tokens['member']}")
    bob.submit(f"/join/{tokens['member']}")
    page = bob.open(f"/join/{tokens['member']}")
    assert (page.status, f"/rooms/{room_id}" in page.links) == (200, True)
    assert "You are already in" in page.text
    assert "as a host" in bob.open(f"/join/{tokens['host']}").text
    assert PlainBrowser(app).open(f"/join/{tokens['member']}").status == 404
    assert "You are already in" in host.open(f"/join/{tokens['host']}").text


def test_rooms_are_listed_by_what_one_is_in_them(app: Flask, host: PlainBrowser) -> None:
    bob = PlainBrowser(app).sign_up("Bob")
    host.make_room("Joined hall", isPrivate="on")
    host.submit("/members", username="bob")
    host.make_room("Open hall")
    bob.make_room("Own hall")
    text = bob.open("/rooms").text
    order = ["Rooms you run", "Own hall", "Rooms you are in", "Joined hall", "Other rooms", "Open hall"]
    assert sorted(order, key=text.index) == order


def notice(page: Page) -> tuple[int, str]:
    """The answer's status, and what it says of no such person."""
    return page.status, page.text[page.text.index("There is no") :].partition("\n")[0]


def roles(host: PlainBrowser, room_id: str) -> dict[str, tuple[str, str]]:
    """The id and the role of each member, by name."""
    items = host.client.get(f"/api/rooms/{room_id}/members").json["items"]
    return {member["user"]["name"]: (member["userId"], member["role"]) for member in items}


def test_links_that_work_on_this_computer_only_say_so(app: Flask, host: PlainBrowser) -> None:
    room_id = host.make_room()
    lan = network_address()
    assert ("work on this computer only" in host.page.text) is bool(lan)
    if lan:
        assert any(link.startswith(f"http://{lan}:") and link.endswith(f"/rooms/{room_id}") for link in host.page.links)
    cookie = host.client.get_cookie("sid")
    assert cookie
    elsewhere = app.test_client()
    elsewhere.set_cookie("sid", cookie.value, domain="rooms.example.org")
    answer = elsewhere.get(f"/rooms/{room_id}", base_url="http://rooms.example.org", headers={"Accept": "text/html"})
    assert answer.status_code == 200
    assert "this computer only" not in answer.text


def test_a_link_gives_its_role_to_who_accepts_and_dies_when_deleted(app: Flask, host: PlainBrowser) -> None:
    room_id = host.make_room(isPrivate="on")
    host.submit("/links", role="host", label="Crew", maxUses="2", expiresAt="2999-01-01T10:00")
    link = host.client.get(f"/api/rooms/{room_id}/links").json["items"][0]
    assert (link["role"], link["maxUses"], link["expiresAt"]) == ("host", 2, "2999-01-01T10:00:00.000Z")
    bob = PlainBrowser(app).sign_up("Bob")
    page = bob.open(f"/join/{link['token']}")
    assert host.client.get(f"/api/rooms/{room_id}/links").json["items"][0]["uses"] == 0
    page = bob.submit(f"/join/{link['token']}")
    assert page.path == f"/rooms/{room_id}"
    host.open(f"/rooms/{room_id}")
    host.submit(f"/links/{link['id']}/delete")
    assert host.client.get(f"/api/rooms/{room_id}/links").json["items"] == []


def test_an_invitation_says_to_what_before_anybody_signs_in(app: Flask, host: PlainBrowser, clock: FakeClock) -> None:
    room_id = host.make_room("Green room", description="Crew only", isPrivate="on")
    ends = to_wire(add_ms(clock.now(), 60_000))
    host.submit("/links", role="host", expiresAt=ends[:19])
    link = host.client.get(f"/api/rooms/{room_id}/links").json["items"][0]
    nobody = PlainBrowser(app)
    page = nobody.open(f"/join/{link['token']}")
    for part in ("Green room", "Crew only", "Ada invites you", "as a host", "until"):
        assert part in page.text, part
    previews = [attrs["content"] for tag, attrs in page.elements if tag == "meta" and "property" in attrs]
    assert previews
    assert "Green room" not in " ".join(previews)
    wanted = nobody.client.get(f"/api/links/{link['token']}/accept").json
    assert wanted == {
        "roomName": "Green room",
        "roomDescription": "Crew only",
        "role": "host",
        "invitedBy": "Ada",
        "expiresAt": f"{ends[:19]}.000Z",
    }
    assert host.client.get(f"/api/rooms/{room_id}/links").json["items"][0]["uses"] == 0
    nobody.open(next(path for path in page.links if path.startswith("/register?next=")))
    assert nobody.submit("/register", name="Bob", email="bob@example.org", password=PASSWORD).path == page.path
    assert nobody.submit(page.path).path == f"/rooms/{room_id}"


def test_an_invitation_that_is_over_says_how_and_nothing_of_the_room(
    app: Flask, host: PlainBrowser, clock: FakeClock
) -> None:
    room_id = host.make_room("Green room", isPrivate="on")
    host.submit("/links", role="member", expiresAt=to_wire(add_ms(clock.now(), 60_000))[:19])
    link = host.client.get(f"/api/rooms/{room_id}/links").json["items"][0]
    nobody = PlainBrowser(app)
    clock.advance(60_000)
    page = nobody.open(f"/join/{link['token']}")
    assert (page.status, "It has expired." in page.text, "Green room" in page.text) == (404, True, False)
    host.open(f"/rooms/{room_id}")
    host.submit(f"/links/{link['id']}/delete")
    page = nobody.open(f"/join/{link['token']}")
    assert (page.status, "It was withdrawn" in page.text) == (404, True)


def test_a_number_of_uses_that_is_none_is_told(host: PlainBrowser) -> None:
    host.make_room()
    page = host.submit("/links", role="member", maxUses="many")
    assert page.status == 422


def test_rotating_the_share_link_ends_the_old_one(app: Flask, host: PlainBrowser) -> None:
    room_id = host.make_room(isPrivate="on")
    old = host.share_path()
    assert not [form for form in host.page.forms if form.action.endswith("/share-token")]
    host.open(f"/rooms/{room_id}/share-token")
    assert "never work again" in host.page.text
    host.open(f"/rooms/{room_id}")
    assert host.share_path() == old
    host.open(next(link for link in host.page.links if link.endswith("/share-token")))
    host.submit("/share-token")
    new = host.share_path()
    viewer = PlainBrowser(app)
    assert viewer.open(old).status == 404
    assert "a host has replaced it" in viewer.page.text
    assert viewer.open(new).status == 200


def test_a_deleted_room_is_gone(host: PlainBrowser) -> None:
    room_id = host.make_room("Main hall")
    assert not [form for form in host.page.forms if form.action.endswith("/delete")]
    host.open(next(link for link in host.page.links if link.endswith(f"{room_id}/delete")))
    assert "Delete “Main hall”?" in host.page.text
    assert "this cannot be undone" in host.page.text
    safe = next(attrs for tag, attrs in host.page.elements if "autofocus" in attrs)
    assert safe["href"] == f"/rooms/{room_id}#settings"
    assert host.open(f"/rooms/{room_id}").status == 200
    host.open(f"/rooms/{room_id}/delete")
    page = host.submit(f"/rooms/{room_id}/delete")
    assert page.path == "/rooms"
    assert "Main hall" not in page.text
    assert host.open(f"/rooms/{room_id}").status == 404


def test_who_is_no_host_gets_the_viewer_page_and_may_not_act(app: Flask, host: PlainBrowser) -> None:
    room_id = host.make_room()
    bob = PlainBrowser(app).sign_up("Bob")
    assert bob.open(f"/rooms/{room_id}").path == f"/r/{room_id}"
    token = bob.page.form("/logout").fields["csrf_token"]
    before = host.state(room_id)
    for section, fields in SECTIONS.items():
        files = {"file": (io.BytesIO(b"title,duration\nx,5\n"), "run.csv")} if section == "import" else {}
        answer = bob.client.post(f"/rooms/{room_id}/{section}", data={"csrf_token": token, **fields, **files})
        assert answer.status_code == 403, section
    assert host.state(room_id) == before


def test_a_private_room_is_not_there_for_strangers(app: Flask, host: PlainBrowser) -> None:
    room_id = host.make_room(isPrivate="on")
    share = host.share_path()
    bob = PlainBrowser(app).sign_up("Bob")
    assert bob.open(f"/rooms/{room_id}").status == 404
    assert bob.open(f"/r/{room_id}").status == 404
    assert bob.open(share).status == 200


def test_pages_for_people_send_strangers_to_the_sign_in(browser: PlainBrowser, host: PlainBrowser) -> None:
    room_id = host.make_room()
    for path in ("/rooms", f"/rooms/{room_id}", f"/rooms/{room_id}/print"):
        assert browser.open(path).path == "/login", path


def test_the_code_of_a_link_is_drawn_once_for_each_language(
    host: PlainBrowser, monkeypatch: pytest.MonkeyPatch
) -> None:
    drawn: list[str] = []
    make = segno.make
    monkeypatch.setattr(segno, "make", lambda url, **options: drawn.append(url) or make(url, **options))
    room_id = host.make_room()
    drawn.clear()
    share_url = "http://localhost" + host.share_path()
    pages = [host.open(f"/rooms/{room_id}?lang={lang}").response.text for lang in ("en", "fr", "en", "fr")]
    titles = [re.findall(r"<svg[^>]*><title>([^<]+)", page) for page in pages]
    assert titles[0] == titles[2] != titles[1] == titles[3]
    assert drawn.count(share_url) == 1  # in French; in English when the room was made
