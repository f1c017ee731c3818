from __future__ import annotations

import pytest
from flask.testing import FlaskClient

from tests.dashboard.plain_browser import PASSWORD, PlainBrowser


def test_the_start_page_leads_to_signing_up(browser: PlainBrowser) -> None:
    page = browser.open("/")
    assert page.status == 200
    assert "/register" in page.links


def test_the_start_page_of_who_is_signed_in_is_the_rooms(host: PlainBrowser) -> None:
    assert host.open("/").path == "/rooms"


def test_signing_up_out_and_in_again_works_by_forms_alone(browser: PlainBrowser) -> None:
    browser.sign_up("Ada")
    browser.submit("/logout")
    assert browser.open("/rooms").path == "/login"
    page = browser.submit("/login", username="ada@example.org", password=PASSWORD)
    assert page.path == "/rooms"


def test_a_wrong_password_shows_the_form_again_with_what_was_typed_but_the_password(browser: PlainBrowser) -> None:
    browser.sign_up("Ada").submit("/logout")
    browser.open("/login")
    page = browser.submit("/login", username="ada@example.org", password="not this one at all")
    assert page.status == 401
    assert page.form("/login").fields["username"] == "ada@example.org"
    assert page.form("/login").fields["password"] == ""


def test_a_short_password_is_named_beside_its_field(browser: PlainBrowser) -> None:
    browser.open("/register")
    page = browser.submit("/register", name="Ada", email="ada@example.org", password="short")
    assert page.status == 422
    described = [attrs for tag, attrs in page.elements if tag == "input" and attrs.get("aria-invalid")]
    assert [attrs["name"] for attrs in described] == ["password"]
    assert ("id", "password-error") in [item for _, attrs in page.elements for item in attrs.items()]


def test_an_address_that_has_an_account_is_told(host: PlainBrowser, browser: PlainBrowser) -> None:
    browser.open("/register")
    page = browser.submit("/register", name="Eve", email="ada@example.org", password=PASSWORD)
    assert page.status == 409


def test_who_was_sent_to_sign_in_comes_back_to_where_they_wanted(host: PlainBrowser, browser: PlainBrowser) -> None:
    host.submit("/logout")
    page = host.open("/rooms?q=hall")
    assert page.path == "/login"
    page = host.submit("/login", username="ada@example.org", password=PASSWORD)
    assert page.path == "/rooms"


@pytest.mark.parametrize("target", ["https://evil.example/", "//evil.example/", "/\\evil.example", "/\tx", "rooms"])
def test_a_sign_in_never_leads_to_another_site(host: PlainBrowser, target: str) -> None:
    host.submit("/logout")
    host.open("/login", query_string={"next": target})
    answer = host.client.post("/login", data={"username": "ada@example.org", "password": PASSWORD, "next": target})
    assert (answer.status_code, answer.location) == (303, "/rooms")


@pytest.mark.parametrize("path", ["/login", "/register"])
def test_a_form_on_another_site_signs_nobody_in(client: FlaskClient, path: str) -> None:
    data = {"email": "eve@example.org", "password": PASSWORD}
    answer = client.post(path, data=data, headers={"Sec-Fetch-Site": "cross-site"})
    assert answer.status_code == 403
    assert "Set-Cookie" not in answer.headers


@pytest.mark.parametrize("path", ["/login", "/register"])
def test_signing_in_as_another_while_signed_in_works(host: PlainBrowser, path: str) -> None:
    host.open(path)
    page = (
        host.submit(path, email="bob@example.org", password=PASSWORD)
        if path == "/register"
        else host.submit(path, username="ada@example.org", password=PASSWORD)
    )
    assert page.path == "/rooms"


def test_signing_out_twice_is_no_failure(browser: PlainBrowser) -> None:
    answer = browser.client.post("/logout")
    assert (answer.status_code, answer.location) == (303, "/")


def test_signing_out_needs_the_token_of_the_page(host: PlainBrowser) -> None:
    assert host.client.post("/logout").status_code == 403
    assert host.open("/rooms").path == "/rooms"
