"""Who is at the other end: app/auth/identity.py and app/auth/cookies.py."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from flask import Flask, jsonify, request
from flask.testing import FlaskClient

from app import create_app
from app.auth import cookies, handshake, service
from app.backends.transaction import database, transaction
from app.core.actor import ANONYMOUS, Actor
from app.core.clock import FakeClock, add_ms
from app.core.errors import AppError
from app.core.ids import new_id
from app.rooms.models import Ban, Guest
from app.settings import Settings
from app.web.http import current_actor
from tests.support.factories import make_guest, make_room, make_user

ACCESS_MS = 15 * 60_000


def code(response: Any) -> tuple[int, str]:
    return response.status_code, response.json["error"]["code"]


def refusal(environ: dict[str, Any], auth: Any = None) -> str:
    with pytest.raises(AppError) as why:
        handshake(environ, auth)
    return why.value.code


@pytest.fixture
def settings(settings: Settings) -> Settings:
    return replace(settings, metrics_token="a token for the monitoring only")


@pytest.fixture
def app(settings: Settings, clock: FakeClock) -> Iterator[Flask]:
    """The application with a page and an API route that tell who asks."""
    flask_app = create_app(settings, clock=clock)

    def whoami(rest: str = "") -> Any:
        actor = current_actor()
        note = request.form.get("note") if request.method == "POST" else None
        return jsonify(
            kind=actor.kind,
            id=actor.id,
            shareToken=actor.share_token,
            operator=actor.is_operator,
            note=note,
            form=cookies.form_token(),
        )

    def sign_in_form() -> str:
        cookies.require_own_site()
        return "welcome"

    flask_app.add_url_rule("/test-page/<path:rest>", "test-page", whoami, methods=["GET", "POST"])
    flask_app.add_url_rule("/api/test-who", "test-who", whoami, methods=["GET", "POST"])
    flask_app.add_url_rule("/test-form", "test-form", sign_in_form, methods=["POST"])
    yield flask_app
    database.dispose()


def guest_of_a_room() -> tuple[Actor, str]:
    room = make_room(make_user())
    guest = make_guest(room)
    return guest, service.issue_guest_token(guest_id=str(guest.id), room_id=room.id, name=guest.name)


# Requests


def test_nothing_at_all_is_anonymous(client: FlaskClient) -> None:
    answer = client.get("/api/test-who").json
    assert (answer["kind"], answer["id"], answer["shareToken"], answer["form"]) == ("anonymous", None, None, "")


def test_a_bearer_and_a_cookie_are_the_same_person(sign_up: Any) -> None:
    ada = sign_up()
    browser = ada.log_in(session="cookie")
    by_bearer = ada.client.get("/api/test-who", headers=ada.bearer).json
    by_cookie = browser.client.get("/api/test-who").json
    assert by_bearer["kind"] == by_cookie["kind"] == "user"
    assert by_bearer["id"] == by_cookie["id"] == ada.answer["user"]["id"]


@pytest.mark.parametrize("path", ["/api/test-who", "/test-page/x", "/api/me", "/nowhere"])
def test_a_bad_explicit_bearer_is_refused_everywhere(sign_up: Any, clock: FakeClock, path: str) -> None:
    ada = sign_up()
    browser = ada.log_in(session="cookie")
    bad = {"Authorization": "Bearer nonsense"}
    assert code(browser.client.get(path, headers=bad)) == (401, "invalid_token")
    assert code(browser.client.get(path, headers={"Authorization": "Bearer "})) == (401, "invalid_token")
    clock.advance(ACCESS_MS)
    assert code(browser.client.get(path, headers=ada.bearer)) == (401, "token_expired")


def test_a_bad_bearer_does_not_keep_anybody_from_signing_in(sign_up: Any) -> None:
    ada = sign_up()
    bad = {"Authorization": "Bearer nonsense"}
    body = {"email": ada.email, "password": "correct horse battery"}
    assert ada.client.post("/api/auth/login", json=body, headers=bad).status_code == 200
    body = {"username": "grace", "password": "correct horse battery"}
    assert ada.client.post("/api/auth/register", json=body, headers=bad).status_code == 201


@pytest.mark.parametrize("name", ["token", "access_token", "accessToken", "jwt", "sid", "Authorization"])
def test_a_token_in_the_address_is_nobodys(sign_up: Any, client: FlaskClient, name: str) -> None:
    answer = client.get("/api/test-who", query_string={name: sign_up().answer["accessToken"]})
    assert answer.json["kind"] == "anonymous"


def test_another_scheme_is_no_bearer(client: FlaskClient) -> None:
    assert client.get("/api/test-who", headers={"Authorization": "Basic YTpi"}).json["kind"] == "anonymous"


def test_a_bad_or_expired_cookie_is_as_none(sign_up: Any, clock: FakeClock) -> None:
    ada = sign_up(session="cookie")
    clock.advance(ACCESS_MS)
    assert ada.client.get("/api/test-who").json["kind"] == "anonymous"
    ada.client.set_cookie("sid", "nonsense")
    assert ada.client.get("/api/test-who").json["kind"] == "anonymous"


def test_a_protected_cookie_wins_over_a_planted_one(sign_up: Any) -> None:
    ada, eve = sign_up(), sign_up()
    client = ada.client
    client.set_cookie("sid", eve.answer["accessToken"])
    client.set_cookie("__Host-sid", ada.answer["accessToken"], secure=True)
    answer = client.get("/api/test-who", base_url="https://localhost").json
    assert answer["id"] == ada.answer["user"]["id"]


def test_cookies_over_https_are_protected(sign_up: Any, app: Flask) -> None:
    ada = sign_up()
    body = {"email": ada.email, "password": "correct horse battery", "session": "cookie"}
    browser = app.test_client()
    response = browser.post("/api/auth/login", json=body, base_url="https://localhost")
    lines = response.headers.getlist("Set-Cookie")
    assert {line.split("=")[0] for line in lines} == {"__Host-sid", "__Secure-refresh", "__Host-csrf"}
    attributes = {line.split("=")[0]: set(line.split("; ")[1:]) for line in lines}
    assert all(each >= {"Secure", "SameSite=Lax"} for each in attributes.values())
    assert not [each for each in attributes.values() if any(part.startswith("Domain") for part in each)]
    assert attributes["__Host-sid"] >= {"HttpOnly", "Path=/"}
    assert attributes["__Secure-refresh"] >= {"HttpOnly", "Path=/api/auth"}
    assert "Path=/" in attributes["__Host-csrf"]
    assert "HttpOnly" not in attributes["__Host-csrf"], "scripts send it back"
    assert browser.get("/api/me", base_url="https://localhost").status_code == 200


def test_a_write_by_cookie_needs_the_csrf_token(sign_up: Any) -> None:
    ada = sign_up(session="cookie")
    eve = sign_up(session="cookie")
    assert code(ada.client.post("/api/test-who")) == (403, "csrf_failed")
    assert code(ada.client.post("/api/test-who", headers={"X-CSRF-Token": ""})) == (403, "csrf_failed")
    assert code(ada.client.post("/api/test-who", headers={"X-CSRF-Token": "é"})) == (403, "csrf_failed")
    assert code(ada.client.post("/api/test-who", headers=eve.csrf)) == (403, "csrf_failed")
    assert ada.client.post("/api/test-who", headers=ada.csrf).status_code == 200


def test_a_planted_csrf_cookie_proves_nothing(sign_up: Any) -> None:
    ada = sign_up(session="cookie")
    ada.client.set_cookie("csrf", "planted")
    assert code(ada.client.post("/api/test-who", headers={"X-CSRF-Token": "planted"})) == (403, "csrf_failed")


def test_a_form_carries_the_csrf_token_in_a_field(sign_up: Any) -> None:
    ada = sign_up(session="cookie")
    token = ada.client.get("/test-page/x").json["form"]
    assert {"X-CSRF-Token": token} == ada.csrf
    answer = ada.client.post("/test-page/x", data={"csrf_token": token, "note": "hello"})
    assert answer.json["note"] == "hello"
    assert code(ada.client.post("/test-page/x", data={"note": "hello"})) == (403, "csrf_failed")
    multipart = {"csrf_token": token, "note": "hello"}
    answer = ada.client.post("/test-page/x", data=multipart, content_type="multipart/form-data")
    assert answer.json["note"] == "hello"
    assert code(ada.client.post("/test-page/x", json={"csrf_token": token})) == (403, "csrf_failed")


def test_a_write_by_bearer_needs_no_csrf_token(sign_up: Any) -> None:
    ada = sign_up()
    assert ada.client.post("/api/test-who", headers=ada.bearer).status_code == 200


def test_the_csrf_token_outlives_the_access_token(sign_up: Any, clock: FakeClock) -> None:
    ada = sign_up(session="cookie")
    before = ada.csrf
    clock.advance(ACCESS_MS)
    assert ada.client.post("/api/auth/refresh", headers=before).status_code == 200
    assert ada.client.post("/api/test-who", headers=before).status_code == 200


def test_a_share_token_goes_along_as_header_or_in_the_query(sign_up: Any, client: FlaskClient) -> None:
    assert client.get("/api/test-who?shareToken=abc").json["shareToken"] == "abc"
    ada = sign_up()
    answer = ada.client.get("/api/test-who", headers={**ada.bearer, "X-Share-Token": "abc"}).json
    assert (answer["kind"], answer["shareToken"]) == ("user", "abc")
    for useless in ("", "x" * 65):
        assert client.get("/api/test-who", headers={"X-Share-Token": useless}).json["shareToken"] is None


def test_the_metrics_token_is_an_operator_without_an_account(client: FlaskClient, sign_up: Any) -> None:
    headers = {"Authorization": "Bearer a token for the monitoring only"}
    answer = client.get("/api/test-who", headers=headers).json
    assert (answer["kind"], answer["operator"]) == ("anonymous", True)
    assert code(client.get("/api/me", headers=headers)) == (401, "unauthenticated")
    ada = sign_up()
    assert ada.client.get("/api/test-who", headers=ada.bearer).json["operator"] is False


def test_a_guest_token_is_a_bearer_until_the_guest_is_removed(client: FlaskClient) -> None:
    guest, token = guest_of_a_room()
    headers = {"Authorization": f"Bearer {token}"}
    answer = client.get("/api/test-who", headers=headers).json
    assert (answer["kind"], answer["id"]) == ("guest", guest.id)
    for method, path in (("GET", "/api/me"), ("POST", "/api/auth/socket-token")):
        assert code(client.open(path, method=method, headers=headers)) == (403, "forbidden")
    with transaction() as work:
        work.session.get_one(Guest, guest.id).removed_at = work.now
    assert code(client.get("/api/test-who", headers=headers)) == (401, "invalid_token")


def test_the_token_of_a_banned_guest_is_told_to_be_one_as_long_as_the_ban_holds(client: FlaskClient) -> None:
    guest, token = guest_of_a_room()

    def details() -> Any:
        return client.get("/api/test-who", headers={"Authorization": f"Bearer {token}"}).get_json()["error"]["details"]

    with transaction() as work:
        row = work.session.get_one(Guest, guest.id)
        row.removed_at = work.now
        ban = Ban(id=new_id(), room_id=row.room_id, guest_id=row.id, created_at=work.now)
        work.session.add(ban)
    assert details() == {"guest": ["banned"]}
    with pytest.raises(AppError) as why:
        handshake({}, {"token": token})
    assert (why.value.code, why.value.details) == ("invalid_token", {"guest": ["banned"]})
    with transaction() as work:
        work.session.delete(work.session.get_one(Ban, ban.id))
    assert details() == {}


def test_probes_answer_whatever_comes_with_them(client: FlaskClient) -> None:
    assert client.get("/healthz", headers={"Authorization": "Bearer nonsense"}).status_code == 200


# Pages whose cookie has run out


def test_a_page_renews_silently_and_comes_back(sign_up: Any, clock: FakeClock) -> None:
    ada = sign_up(session="cookie")
    clock.advance(ACCESS_MS)
    response = ada.client.get("/test-page/salle caf\u00e9?a=1&b=%26", follow_redirects=True)
    assert [step.status_code for step in response.history] == [307, 307]
    assert response.request.path == "/test-page/salle caf\u00e9"
    assert response.request.args.to_dict() == {"a": "1", "b": "&"}
    assert response.json["kind"] == "user"
    assert ada.client.get("/test-page/x").status_code == 200


def test_a_form_that_was_open_for_an_hour_is_not_lost(sign_up: Any, clock: FakeClock) -> None:
    ada = sign_up(session="cookie")
    token = ada.client.get("/test-page/x").json["form"]
    clock.advance(60 * 60_000)
    ada.client.delete_cookie("sid")
    body = {"csrf_token": token, "note": "typed for an hour"}
    response = ada.client.post("/test-page/x", data=body, follow_redirects=True)
    assert response.json["kind"] == "user"
    assert response.json["note"] == "typed for an hour"


def test_a_page_of_a_device_that_was_signed_out_is_anonymous(sign_up: Any, clock: FakeClock) -> None:
    ada = sign_up(session="cookie")
    clock.advance(8 * 86_400_000)
    response = ada.client.get("/test-page/x", follow_redirects=True)
    assert response.json["kind"] == "anonymous"
    assert ada.client.get_cookie("csrf") is None
    assert ada.client.get("/test-page/x").status_code == 200


@pytest.mark.parametrize(
    "target", ["//evil.example", "https://evil.example", "/\\evil.example", "/\n/evil.example", ""]
)
def test_renewing_sends_nobody_elsewhere(client: FlaskClient, target: str) -> None:
    response = client.get("/api/auth/renew", query_string={"next": target})
    assert (response.status_code, response.headers["Location"]) == (307, "/")


def test_the_api_does_not_redirect(sign_up: Any, clock: FakeClock) -> None:
    ada = sign_up(session="cookie")
    clock.advance(ACCESS_MS)
    assert code(ada.client.get("/api/me")) == (401, "unauthenticated")


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 200),
        ({"Sec-Fetch-Site": "same-origin"}, 200),
        ({"Sec-Fetch-Site": "none"}, 200),
        ({"Sec-Fetch-Site": "same-site"}, 403),
        ({"Sec-Fetch-Site": "cross-site", "Origin": "http://localhost"}, 403),
        ({"Origin": "http://localhost"}, 200),
        ({"Origin": "http://evil.example"}, 403),
        ({"Origin": "null"}, 403),
    ],
)
def test_a_sign_in_form_comes_from_our_own_pages(client: FlaskClient, headers: dict[str, str], status: int) -> None:
    assert client.post("/test-form", headers=headers).status_code == status


# Sockets


def test_a_socket_without_credentials_is_anonymous(app: Flask) -> None:
    for auth in (None, {}, "text", 7, {"token": None}, {"token": ""}):
        assert handshake({}, auth) == (ANONYMOUS, None)


def test_a_socket_is_known_by_token_header_or_cookie(sign_up: Any, clock: FakeClock) -> None:
    token = sign_up(username="ada").answer["accessToken"]
    ways: list[tuple[dict[str, Any], Any]] = [
        ({}, {"token": token}),
        ({}, {"token": f"Bearer {token}"}),
        ({"HTTP_AUTHORIZATION": f"Bearer {token}"}, None),
        ({"HTTP_COOKIE": f"a=b; sid={token}"}, None),
        ({"HTTP_COOKIE": "sid=nonsense"}, {"token": token}),
    ]
    for environ, auth in ways:
        actor, expires_at = handshake(environ, auth)
        assert (actor.kind, actor.username) == ("user", "ada")
        assert expires_at == add_ms(clock.now(), ACCESS_MS)


def test_a_socket_with_a_bad_explicit_token_is_refused(sign_up: Any, clock: FakeClock) -> None:
    good = sign_up().answer["accessToken"]
    for bad in ("nonsense", "\ud800", 7, ["a"], {"a": 1}, "x" * 5000):
        assert refusal({"HTTP_COOKIE": f"sid={good}"}, {"token": bad}) == "invalid_token"
    assert refusal({"HTTP_AUTHORIZATION": "Bearer nonsense"}) == "invalid_token"
    clock.advance(ACCESS_MS)
    assert refusal({}, {"token": good}) == "token_expired"


def test_a_socket_with_an_expired_cookie_is_an_anonymous_viewer(sign_up: Any, clock: FakeClock) -> None:
    token = sign_up().answer["accessToken"]
    clock.advance(ACCESS_MS)
    assert handshake({"HTTP_COOKIE": f"sid={token}"}, None) == (ANONYMOUS, None)


def test_a_socket_may_bring_a_share_token(sign_up: Any) -> None:
    assert handshake({}, {"shareToken": "abc"}) == (Actor(share_token="abc"), None)
    token = sign_up().answer["accessToken"]
    actor, _ = handshake({}, {"token": token, "shareToken": "abc"})
    assert (actor.kind, actor.share_token) == ("user", "abc")
    assert handshake({}, {"shareToken": ["abc"]}) == (ANONYMOUS, None)


def test_a_guest_connects_by_its_token() -> None:
    guest, token = guest_of_a_room()
    actor, expires_at = handshake({}, {"token": token})
    assert actor == guest
    assert expires_at is not None


def test_a_socket_token_opens_a_socket_within_a_minute_and_nothing_else(sign_up: Any, clock: FakeClock) -> None:
    ada = sign_up(session="cookie")
    answer = ada.client.post("/api/auth/socket-token", headers=ada.csrf).json
    assert set(answer) == {"token", "expiresIn"}
    assert answer["expiresIn"] == 60
    headers = {"Authorization": f"Bearer {answer['token']}"}
    assert code(ada.client.get("/api/me", headers=headers)) == (401, "invalid_token")
    issued_at = clock.now()
    clock.advance(59_999)
    actor, expires_at = handshake({}, {"token": answer["token"]})
    assert actor.id == ada.answer["user"]["id"]
    assert expires_at == add_ms(issued_at, ACCESS_MS)
    clock.advance(1)
    assert refusal({}, {"token": answer["token"]}) == "token_expired"


def test_the_tokens_of_a_signed_out_device_open_no_socket(sign_up: Any) -> None:
    ada = sign_up()
    socket_token = ada.client.post("/api/auth/socket-token", headers=ada.bearer).json["token"]
    ada.client.post("/api/auth/logout", headers=ada.bearer)
    for token in (socket_token, ada.answer["accessToken"]):
        assert refusal({}, {"token": token}) == "invalid_token"


# Without a database


def test_a_lost_database_signs_nobody_out(sign_up: Any, clock: FakeClock) -> None:
    ada = sign_up(session="cookie")
    token = sign_up().answer["accessToken"]
    database.bind("postgresql+psycopg://nobody@127.0.0.1:1/nowhere", clock=clock, publish=lambda events: None)
    for path in ("/api/test-who", "/test-page/x", "/api/auth/renew"):
        response = ada.client.get(path)
        assert code(response) == (503, "database_unavailable")
        assert response.json["error"]["retryable"] is True
        assert "Set-Cookie" not in response.headers
    assert refusal({}, {"token": token}) == "database_unavailable"
    assert refusal({"HTTP_COOKIE": f"sid={token}"}) == "database_unavailable"
