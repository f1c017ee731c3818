"""One's account by forms: the password, and the devices that are signed in."""

from __future__ import annotations

import pytest
from flask import Flask

from app.dashboard.devices import device_name
from tests.dashboard.plain_browser import PASSWORD, PlainBrowser

NEW = "another horse entirely"
CHROME = (
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/130.0.0.0 Safari/537.36"
)


def second_device(app: Flask) -> PlainBrowser:
    """Ada's other browser."""
    browser = PlainBrowser(app)
    browser.open("/login")
    assert browser.submit("/login", username="ada", password=PASSWORD).path == "/rooms"
    return browser


def test_the_header_leads_to_who_one_is(host: PlainBrowser) -> None:
    host.open("/rooms")
    assert "/account" in host.page.links
    page = host.open("/account")
    for part in ("Ada", "@ada", "ada@example.org", "this device"):
        assert part in page.text, part


def test_the_account_is_for_who_is_signed_in(browser: PlainBrowser) -> None:
    assert browser.open("/account").path == "/login"


def test_the_password_is_changed_and_other_devices_are_signed_out(app: Flask, host: PlainBrowser) -> None:
    other = second_device(app)
    host.open("/account")
    page = host.submit("/account/password", current=PASSWORD, new=NEW)
    assert (page.status, page.path) == (200, "/account")
    assert "The password is changed" in page.text
    assert other.open("/rooms").path == "/login"
    assert other.submit("/login", username="ada", password=PASSWORD).status == 401
    assert other.submit("/login", username="ada", password=NEW).path == "/rooms"


@pytest.mark.parametrize(
    ("current", "new", "status", "told"),
    [("not this one", NEW, 401, "not your current password"), (PASSWORD, "short", 422, "New password")],
)
def test_a_password_that_cannot_be_changed_is_told_why_and_not_shown(
    host: PlainBrowser, current: str, new: str, status: int, told: str
) -> None:
    host.open("/account")
    page = host.submit("/account/password", current=current, new=new)
    assert page.status == status
    assert told in page.text
    fields = page.form("/account/password").fields
    assert (fields["current"], fields["new"]) == ("", "")
    assert host.open("/account").path == "/account"


def test_one_device_is_signed_out_and_then_all_others(app: Flask, host: PlainBrowser) -> None:
    others = [second_device(app) for _ in range(3)]
    page = host.open("/account")
    assert len([form for form in page.forms if form.action.startswith("/account/sessions/")]) == 4
    page = host.submit("/delete")
    assert "The device is signed out." in page.text
    assert sorted(browser.open("/rooms").path for browser in others) == ["/login", "/rooms", "/rooms"]
    page = host.submit("/account/sessions/delete-others")
    assert "All other devices are signed out." in page.text
    assert [browser.open("/rooms").path for browser in others] == ["/login"] * 3
    page = host.open("/account")
    assert not [form for form in page.forms if form.action.startswith("/account/sessions/")]


def test_nobody_signs_out_the_device_of_another(app: Flask, host: PlainBrowser) -> None:
    second_device(app)
    target = host.open("/account").form("/delete").action
    eve = PlainBrowser(app).sign_up("Eve")
    token = eve.open("/account").form("/account/password").fields["csrf_token"]
    assert eve.client.post(target, data={"csrf_token": token}).status_code == 404


@pytest.mark.parametrize("path", ["/account/password", "/account/sessions/delete-others"])
def test_the_forms_of_the_account_need_the_token_of_the_page(host: PlainBrowser, path: str) -> None:
    assert host.client.post(path, data={"current": PASSWORD, "new": NEW}).status_code == 403


def test_the_sign_in_page_says_whom_to_ask_for_a_lost_password(browser: PlainBrowser) -> None:
    assert "Password lost?" in browser.open("/login").text


@pytest.mark.parametrize(
    ("user_agent", "name"),
    [
        (CHROME, "Chrome, Windows"),
        (f"{CHROME} Edg/130.0", "Edge, Windows"),
        ("Mozilla/5.0 (iPhone; CPU iPhone OS 17_0 like Mac OS X) AppleWebKit/605 Version/17.0 Safari/604.1", "Safari, iPhone"),
        ("Mozilla/5.0 (X11; Linux x86_64; rv:130.0) Gecko/20100101 Firefox/130.0", "Firefox, Linux"),
        ("python-requests/2.32", "python-requests/2.32"),
        ("", ""),
    ],
)  # fmt: skip
def test_a_device_is_called_by_its_browser_and_system(user_agent: str, name: str) -> None:
    assert device_name(user_agent) == name
