"""The contract's rows of accounts, sign-ins and devices: app/auth/routes.py."""

from __future__ import annotations

from typing import Any

import jwt
import pytest
from flask import Flask
from flask.testing import FlaskClient

from app.core.clock import FakeClock
from app.core.event import Event
from app.core.ids import is_id, new_id

PASSWORD = "correct horse battery"
USER_KEYS = {"id", "username", "email", "name", "createdAt", "updatedAt"}
# What is sent beside a good password, and the field that is to blame.
REFUSED: list[tuple[dict[str, Any], str]] = [
    ({}, "email"),
    ({"name": "Ada"}, "email"),
    ({"email": "ada"}, "email"),
    ({"email": "ada@@example.org"}, "email"),
    ({"email": "a" * 250 + "@example.org"}, "email"),
    ({"email": None}, "email"),
    ({"email": ["ada@example.org"]}, "email"),
    ({"username": "ada lovelace"}, "username"),
    ({"username": "ada@example.org"}, "username"),
    ({"username": "-ada"}, "username"),
    ({"username": "x" * 41}, "username"),
    ({"username": "\ufdfa" * 10}, "username"),
    ({"username": ""}, "username"),
    ({"username": "ada", "name": "  "}, "name"),
    ({"username": "ada", "name": "x" * 81}, "name"),
    ({"username": "ada", "name": "two\nlines"}, "name"),
    ({"username": "ada", "name": "abc\u202edef"}, "name"),
    ({"username": "ada", "name": "nul\x00"}, "name"),
    ({"username": "ada", "password": "too short"}, "password"),
    ({"username": "ada", "password": "x" * 1001}, "password"),
    ({"username": "ada", "password": 1234567890}, "password"),
    ({"username": "ada", "session": "forever"}, "session"),
    ({"username": "ada", "isOperator": True}, "isOperator"),
    ({"username": "ada", "is_operator": True}, "is_operator"),
    ({"username": "ada", "id": new_id()}, "id"),
]


def code(response: Any) -> tuple[int, str]:
    return response.status_code, response.json["error"]["code"]


def register(client: FlaskClient, **body: Any) -> Any:
    return client.post("/api/auth/register", json={"password": PASSWORD, **body})


def test_registering_answers_the_account_and_its_tokens(client: FlaskClient) -> None:
    response = register(client, email="Ada@Example.org", name="Ada Lovelace")
    assert response.status_code == 201
    assert set(response.json) == {"user", "accessToken", "expiresIn", "refreshToken"}
    user = response.json["user"]
    assert set(user) == USER_KEYS
    assert is_id(user["id"])
    assert (user["email"], user["name"], user["username"]) == ("ada@example.org", "Ada Lovelace", "ada-lovelace")
    assert user["createdAt"] == user["updatedAt"] == "2026-01-01T12:00:00.000Z"
    assert response.json["expiresIn"] == 900
    assert response.headers["Cache-Control"] == "no-store"
    assert "Set-Cookie" not in response.headers


def test_the_access_token_is_hs256_for_a_quarter_of_an_hour(client: FlaskClient) -> None:
    token = register(client, username="ada").json["accessToken"]
    claims = jwt.decode(token, options={"verify_signature": False})
    assert jwt.get_unverified_header(token)["alg"] == "HS256"
    assert claims["exp"] - claims["iat"] == 15 * 60
    assert claims["username"] == "ada"


def test_a_cookie_session_returns_no_tokens(client: FlaskClient) -> None:
    response = register(client, email="ada@example.org", session="cookie")
    assert response.status_code == 201
    assert set(response.json) == {"user", "expiresIn"}
    cookies = {line.split("=")[0]: line for line in response.headers.getlist("Set-Cookie")}
    assert set(cookies) == {"sid", "refresh", "csrf"}
    assert all("SameSite=Lax" in line for line in cookies.values())
    assert "HttpOnly" in cookies["sid"]
    assert "HttpOnly" in cookies["refresh"]
    assert "Path=/api/auth" in cookies["refresh"]
    assert "HttpOnly" not in cookies["csrf"]
    assert client.get("/api/me").json == response.json["user"]


def test_a_username_is_enough_and_an_email_is_enough(client: FlaskClient) -> None:
    by_name = register(client, username="Ada").json["user"]
    assert (by_name["username"], by_name["email"], by_name["name"]) == ("ada", None, "Ada")
    by_email = register(client, email="grace@example.org").json["user"]
    assert (by_email["username"], by_email["name"]) == ("grace", "grace")


def test_made_up_usernames_are_unique(client: FlaskClient) -> None:
    names = {register(client, email=f"ada{n}@example.org", name="Ada").json["user"]["username"] for n in range(3)}
    assert len(names) == 3
    assert all(name.startswith("ada") for name in names)


@pytest.mark.parametrize("again", [{"email": "ADA@example.org"}, {"username": "aDa"}, {"username": "\uff41da"}])
def test_what_is_taken_is_a_conflict_whatever_its_case(client: FlaskClient, again: dict[str, str]) -> None:
    register(client, email="ada@example.org", username="ada")
    response = register(client, **again)
    assert code(response) == (409, "already_taken")
    assert set(response.json["error"]["details"]) == set(again)


def test_registering_refuses_what_it_does_not_understand(client: FlaskClient) -> None:
    for body, field in REFUSED:
        response = register(client, **body)
        assert code(response) == (422, "validation_failed"), body
        assert set(response.json["error"]["details"]) == {field}
    assert code(client.post("/api/auth/login", json={"username": "ada", "password": PASSWORD}))[0] == 401


def test_lone_surrogates_never_get_in(client: FlaskClient) -> None:
    raw = '{"username": "ada", "name": "\\ud800", "password": "correct horse battery"}'
    assert code(client.post("/api/auth/register", data=raw, content_type="application/json")) == (400, "malformed")


def test_a_password_is_kept_as_it_is_typed(client: FlaskClient) -> None:
    assert register(client, username="ada", password="  spaces around  ").status_code == 201
    assert code(client.post("/api/auth/login", json={"username": "ada", "password": "spaces around"}))[0] == 401
    decomposed = {"username": "zoe", "password": "cafe\u0301 cafe\u0301 cafe\u0301"}
    composed = {"username": "zoe", "password": "caf\u00e9 caf\u00e9 caf\u00e9"}
    assert register(client, **decomposed).status_code == 201
    assert client.post("/api/auth/login", json=composed).status_code == 200
    long = "\N{GRINNING FACE} \N{SNOWMAN}" + "é" * 996 + "x"
    assert register(client, username="bob", password=long).status_code == 201
    assert code(client.post("/api/auth/login", json={"username": "bob", "password": long[:-1]}))[0] == 401, "it was cut"
    assert client.post("/api/auth/login", json={"username": "bob", "password": long}).status_code == 200


@pytest.mark.parametrize("who", [{"email": "ADA@example.org"}, {"username": "Ada"}, {"username": "ada@example.org"}])
def test_signing_in_takes_an_address_or_a_username(client: FlaskClient, who: dict[str, str]) -> None:
    user = register(client, email="ada@example.org", username="ada").json["user"]
    response = client.post("/api/auth/login", json={**who, "password": PASSWORD})
    assert response.status_code == 200
    assert set(response.json) == {"user", "accessToken", "expiresIn", "refreshToken"}
    assert response.json["user"] == user


def test_signing_in_does_not_tell_what_was_wrong(client: FlaskClient) -> None:
    register(client, email="ada@example.org", username="ada")
    attempts = [
        {"email": "ada@example.org", "password": "not the password"},
        {"email": "bob@example.org", "password": "not the password"},
        {"username": "ada", "password": "x"},
        {"username": "bob", "password": "x"},
    ]
    answers = [client.post("/api/auth/login", json=attempt) for attempt in attempts]
    assert {code(answer) for answer in answers} == {(401, "bad_credentials")}
    assert len({answer.data for answer in answers}) == 1


def test_signing_in_needs_both(client: FlaskClient) -> None:
    for body in ({}, {"username": "ada"}, {"password": "x"}, {"username": "x" * 300, "password": "x"}):
        assert code(client.post("/api/auth/login", json=body)) == (422, "validation_failed"), body


def test_each_sign_in_makes_new_tokens_whatever_the_browser_brings(sign_up: Any, app: Flask) -> None:
    ada, eve = sign_up(), sign_up()
    phone, tablet = ada.log_in(), ada.log_in()
    for name in ("accessToken", "refreshToken"):
        assert len({account.answer[name] for account in (ada, phone, tablet)}) == 3
    browser = app.test_client()
    planted = {"sid": eve.answer["accessToken"], "refresh": eve.refresh_token}
    for name, value in planted.items():
        browser.set_cookie(name, value)
    body = {"email": ada.email, "password": PASSWORD, "session": "cookie"}
    assert browser.post("/api/auth/login", json=body).status_code == 200
    for name, value in planted.items():
        cookie = browser.get_cookie(name, path="/api/auth" if name == "refresh" else "/")
        assert cookie is not None
        assert cookie.value != value
    assert browser.get("/api/me").json["email"] == ada.email


def test_tokens_are_stored_by_no_cache_and_what_is_personal_by_no_shared_one(sign_up: Any, client: FlaskClient) -> None:
    ada = sign_up()
    login = {"email": ada.email, "password": PASSWORD}
    with_tokens = (
        client.post("/api/auth/login", json=login),
        client.post("/api/auth/login", json={**login, "session": "cookie"}),
        client.post("/api/auth/refresh", json={"refreshToken": ada.refresh_token}),
        client.post("/api/auth/socket-token", headers=ada.bearer),
        client.post("/api/auth/login", json={**login, "password": "not the password"}),
    )
    assert {answer.headers["Cache-Control"] for answer in with_tokens} == {"no-store"}
    for path in ("/api/me", "/api/auth/sessions", "/api/rooms"):
        answer = client.get(path, headers=ada.bearer)
        assert (answer.status_code, answer.headers["Cache-Control"] in ("no-store", "private, no-cache")) == (200, True)


def test_refreshing_rotates_both_tokens(sign_up: Any, clock: FakeClock) -> None:
    ada = sign_up()
    clock.advance(60_000)
    response = ada.client.post("/api/auth/refresh", json={"refreshToken": ada.refresh_token})
    assert response.status_code == 200
    assert set(response.json) == {"user", "accessToken", "expiresIn", "refreshToken"}
    assert response.json["refreshToken"] != ada.refresh_token
    assert response.json["accessToken"] != ada.answer["accessToken"]
    headers = {"Authorization": f"Bearer {response.json['accessToken']}"}
    assert ada.client.get("/api/me", headers=headers).status_code == 200


def test_refreshing_with_an_expired_bearer_still_works(sign_up: Any, clock: FakeClock) -> None:
    ada = sign_up()
    clock.advance(16 * 60_000)
    body = {"refreshToken": ada.refresh_token}
    assert ada.client.post("/api/auth/refresh", json=body, headers=ada.bearer).status_code == 200


def test_refreshing_by_cookie_needs_the_csrf_token_and_sets_new_cookies(sign_up: Any, clock: FakeClock) -> None:
    ada = sign_up(session="cookie")
    before = ada.client.get_cookie("refresh", path="/api/auth").value
    clock.advance(16 * 60_000)
    assert code(ada.client.post("/api/auth/refresh")) == (403, "csrf_failed")
    response = ada.client.post("/api/auth/refresh", headers=ada.csrf)
    assert response.status_code == 200
    assert set(response.json) == {"user", "expiresIn"}
    assert ada.client.get_cookie("refresh", path="/api/auth").value != before
    assert ada.client.get("/api/me").status_code == 200


def test_cookies_that_no_longer_refresh_are_taken_away(sign_up: Any, clock: FakeClock) -> None:
    ada = sign_up(session="cookie")
    clock.advance(7 * 86_400_000)
    assert code(ada.client.post("/api/auth/refresh", headers=ada.csrf)) == (401, "token_expired")
    assert ada.client.get_cookie("csrf") is None
    assert ada.client.get_cookie("refresh", path="/api/auth") is None


def test_refreshing_refuses_what_is_no_token(client: FlaskClient) -> None:
    for token in ("nonsense", "é", "x" * 128):
        assert code(client.post("/api/auth/refresh", json={"refreshToken": token})) == (401, "invalid_token")


def test_refreshing_without_any_token_asks_to_sign_in(client: FlaskClient) -> None:
    assert code(client.post("/api/auth/refresh")) == (401, "unauthenticated")


def test_a_refresh_token_lasts_seven_days(sign_up: Any, clock: FakeClock) -> None:
    ada = sign_up()
    clock.advance(7 * 86_400_000 - 1)
    later = ada.client.post("/api/auth/refresh", json={"refreshToken": ada.refresh_token})
    assert later.status_code == 200
    clock.advance(7 * 86_400_000)
    response = ada.client.post("/api/auth/refresh", json={"refreshToken": later.json["refreshToken"]})
    assert code(response) == (401, "token_expired")


def test_signing_out_ends_this_device_only(sign_up: Any, published: list[Event]) -> None:
    ada = sign_up()
    phone = ada.log_in()
    assert ada.client.post("/api/auth/logout", headers=ada.bearer).status_code == 204
    assert code(ada.client.get("/api/me", headers=ada.bearer)) == (401, "invalid_token")
    body = {"refreshToken": ada.refresh_token}
    assert code(ada.client.post("/api/auth/refresh", json=body)) == (401, "invalid_token")
    assert phone.client.get("/api/me", headers=phone.bearer).status_code == 200
    assert [event.name for event in published] == ["session-revoked"]


def test_signing_out_works_by_the_refresh_token_alone(sign_up: Any, clock: FakeClock) -> None:
    ada = sign_up()
    clock.advance(16 * 60_000)
    body = {"refreshToken": ada.refresh_token}
    assert ada.client.post("/api/auth/logout", json=body, headers=ada.bearer).status_code == 204
    assert code(ada.client.post("/api/auth/refresh", json=body)) == (401, "invalid_token")


def test_signing_out_by_cookie_takes_the_cookies_away(sign_up: Any) -> None:
    ada = sign_up(session="cookie")
    assert code(ada.client.post("/api/auth/logout")) == (403, "csrf_failed")
    assert ada.client.post("/api/auth/logout", headers=ada.csrf).status_code == 204
    for name, path in (("sid", "/"), ("csrf", "/"), ("refresh", "/api/auth")):
        assert ada.client.get_cookie(name, path=path) is None
    assert code(ada.client.get("/api/me")) == (401, "unauthenticated")


def test_signing_out_by_the_refresh_cookie_alone_needs_the_csrf_token(sign_up: Any) -> None:
    ada = sign_up(session="cookie")
    ada.client.delete_cookie("sid")
    assert code(ada.client.post("/api/auth/logout")) == (403, "csrf_failed")
    assert ada.client.post("/api/auth/logout", headers=ada.csrf).status_code == 204


def test_signing_out_nobody_asks_to_sign_in(client: FlaskClient) -> None:
    assert code(client.post("/api/auth/logout")) == (401, "unauthenticated")
    assert client.post("/api/auth/logout", json={"refreshToken": "unknown"}).status_code == 204


def test_changing_the_password_ends_every_other_device(sign_up: Any, published: list[Event]) -> None:
    ada = sign_up()
    phone, stranger = ada.log_in(), sign_up()
    body = {"current": PASSWORD, "new": "another long password"}
    assert ada.client.post("/api/auth/password", json=body, headers=ada.bearer).status_code == 204
    assert ada.client.get("/api/me", headers=ada.bearer).status_code == 200
    assert code(phone.client.get("/api/me", headers=phone.bearer)) == (401, "invalid_token")
    assert stranger.client.get("/api/me", headers=stranger.bearer).status_code == 200
    assert [event.name for event in published] == ["session-revoked"]
    old = ada.client.post("/api/auth/login", json={"email": ada.email, "password": PASSWORD})
    assert code(old) == (401, "bad_credentials")
    assert ada.client.post("/api/auth/login", json={"email": ada.email, "password": body["new"]}).status_code == 200


def test_a_refused_password_changes_nothing(sign_up: Any) -> None:
    ada = sign_up()
    phone = ada.log_in()
    for body, expected in (
        ({"current": "not the password", "new": "another long password"}, (401, "bad_credentials")),
        ({"current": PASSWORD, "new": "short"}, (422, "validation_failed")),
        ({"current": PASSWORD}, (422, "validation_failed")),
    ):
        assert code(ada.client.post("/api/auth/password", json=body, headers=ada.bearer)) == expected
    assert phone.client.get("/api/me", headers=phone.bearer).status_code == 200
    ada.log_in()


def test_me_can_change_its_name_and_nothing_else(sign_up: Any, clock: FakeClock) -> None:
    ada = sign_up(username="ada")
    clock.advance(1000)
    response = ada.client.patch("/api/me", json={"name": "  Ada L.  "}, headers=ada.bearer)
    assert response.status_code == 200
    assert (response.json["name"], response.json["username"]) == ("Ada L.", "ada")
    assert response.json["updatedAt"] == "2026-01-01T12:00:01.000Z"
    for body in ({"username": "eve"}, {"name": "Eve", "isOperator": True}, {"name": "Eve", "email": "e@example.org"}):
        assert code(ada.client.patch("/api/me", json=body, headers=ada.bearer)) == (422, "validation_failed")
    assert ada.client.get("/api/me", headers=ada.bearer).json == response.json


def test_the_same_name_again_changes_nothing(sign_up: Any, clock: FakeClock) -> None:
    ada = sign_up(name="Ada")
    clock.advance(1000)
    response = ada.client.patch("/api/me", json={"name": "Ada"}, headers=ada.bearer)
    assert response.json["updatedAt"] == "2026-01-01T12:00:00.000Z"


def test_devices_are_listed_the_last_used_first(sign_up: Any, clock: FakeClock) -> None:
    ada = sign_up()
    clock.advance(1000)
    phone = ada.log_in()
    sign_up()
    listed = phone.client.get("/api/auth/sessions", headers=phone.bearer).json
    assert listed["nextCursor"] is None
    assert [item["current"] for item in listed["items"]] == [True, False]
    assert set(listed["items"][0]) == {"id", "userAgent", "current", "createdAt", "lastUsedAt", "expiresAt"}
    clock.advance(1000)
    ada.client.post("/api/auth/refresh", json={"refreshToken": ada.refresh_token})
    again = phone.client.get("/api/auth/sessions", headers=phone.bearer).json
    assert [item["current"] for item in again["items"]] == [False, True]


def test_a_device_can_be_ended_from_another(sign_up: Any, published: list[Event]) -> None:
    ada = sign_up()
    phone = ada.log_in()
    items = ada.client.get("/api/auth/sessions", headers=ada.bearer).json["items"]
    other = next(item["id"] for item in items if not item["current"])
    path = f"/api/auth/sessions/{other}"
    assert ada.client.delete(path, headers=ada.bearer).status_code == 204
    assert code(phone.client.get("/api/me", headers=phone.bearer)) == (401, "invalid_token")
    assert code(ada.client.delete(path, headers=ada.bearer)) == (404, "session_not_found")
    user_id = ada.answer["user"]["id"]
    assert published == [Event("session-revoked", f"user:{user_id}", ({"sessionId": other},))]


def test_other_peoples_devices_are_as_unknown_as_random_ones(sign_up: Any) -> None:
    ada, eve = sign_up(), sign_up()
    hers = ada.client.get("/api/auth/sessions", headers=ada.bearer).json["items"][0]["id"]
    answers = [
        eve.client.delete(f"/api/auth/sessions/{ref}", headers=eve.bearer) for ref in (hers, new_id(), "x", "%00")
    ]
    assert {code(answer) for answer in answers} == {(404, "session_not_found")}
    assert len({answer.data for answer in answers}) == 1
    assert ada.client.get("/api/me", headers=ada.bearer).status_code == 200


def test_what_is_ones_own_needs_a_sign_in(client: FlaskClient) -> None:
    passwords = {"current": PASSWORD, "new": PASSWORD}
    for method, path, body in (
        ("GET", "/me", None),
        ("PATCH", "/me", {"name": "Eve"}),
        ("GET", "/auth/sessions", None),
        ("DELETE", f"/auth/sessions/{new_id()}", None),
        ("POST", "/auth/password", passwords),
        ("POST", "/auth/socket-token", None),
    ):
        response = client.open(f"/api{path}", method=method, json=body)
        assert code(response) == (401, "unauthenticated"), path
        assert response.headers["WWW-Authenticate"] == "Bearer"


def test_bodies_that_cannot_be_read_are_malformed(client: FlaskClient) -> None:
    for path in ("register", "login", "refresh", "logout", "password", "socket-token"):
        for raw in (b"{", b"[]", b'"x"', b"\xff", b"NaN"):
            response = client.post(f"/api/auth/{path}", data=raw, content_type="application/json")
            assert code(response) == (400, "malformed"), (path, raw)
        response = client.post(f"/api/auth/{path}", data=b"a=b", content_type="application/x-www-form-urlencoded")
        assert code(response) == (415, "unsupported_media_type"), path


def test_a_conflict_leaves_no_traceback_behind(client: FlaskClient, capfd: pytest.CaptureFixture[str]) -> None:
    register(client, username="ada")
    assert code(register(client, username="ada")) == (409, "already_taken")
    assert "Traceback" not in capfd.readouterr().err


def test_the_document_names_every_row_and_both_credentials(app: Flask) -> None:
    document = app.extensions["flask-smorest"]["apis"][""]["ext_obj"].spec.to_dict()
    rows = {f"{method} {path}" for path, item in document["paths"].items() for method in item}
    expected = """post register, post login, post refresh, post logout, post password, post socket-token,
        get sessions, delete sessions/{session_id}"""
    assert {"get /api/me", "patch /api/me"} <= rows
    assert {"{} /api/auth/{}".format(*row.split()) for row in expected.split(",")} <= rows
    assert set(document["components"]["securitySchemes"]) == {"bearer", "cookie"}
