"""REST limits: who is counted, for what, and what a refusal looks like."""

from __future__ import annotations

from typing import Any

import pytest
from flask import Flask, g, request
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from app.backends.handles import handles
from app.backends.windows import MemoryWindows
from app.core.actor import ANONYMOUS, Actor
from app.core.clock import FakeClock
from app.settings import Settings
from app.web import envelope, limits
from app.web.refs import refs

ROOM = "0190aaaa-0000-7000-8000-000000000001"
OTHER_ROOM = "0190aaaa-0000-7000-8000-000000000002"


def made_app(**settings: Any) -> Flask:
    """A small site with a route of each kind; who acts is said by a header."""
    app = Flask(__name__, static_folder=None)
    app.config["MAX_CONTENT_LENGTH"] = 1_000_000

    @app.before_request
    def identify() -> None:
        kind, _, ident = request.headers.get("X-Who", "").partition(":")
        g.actor = Actor(kind, ident) if ident else ANONYMOUS  # type: ignore[arg-type]

    rules = (
        *("/", "/healthz", "/api/rooms", "/api/rooms/<ref>", "/api/rooms/<room_id>/messages", "/api/messages"),
        *("/login", "/rooms", "/account/password"),
        *("/api/rooms/<room_ref>/guests", "/api/auth/login", "/api/auth/register", "/api/auth/refresh"),
    )
    for rule in rules:
        app.add_url_rule(rule, rule.strip("/") or "page", lambda **_: {}, methods=["GET", "POST"])
    envelope.init_app(app)
    limits.init_app(app, Settings(**{"rate_limit_max_requests": 20, "wide_rate_limit_max_requests": 50, **settings}))
    return app


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> FakeClock:
    clock = FakeClock()
    monkeypatch.setattr(handles, "clock", clock)
    monkeypatch.setattr(handles, "windows", MemoryWindows(clock))
    return clock


@pytest.fixture
def site(clock: FakeClock) -> FlaskClient:
    return made_app().test_client()


def call(
    site: FlaskClient, path: str, who: str = "", *, method: str = "GET", address: str = "192.0.2.1", **more: Any
) -> TestResponse:
    headers = {"X-Who": who} if who else {}
    return site.open(path, method=method, headers=headers, environ_base={"REMOTE_ADDR": address}, **more)


def passed(site: FlaskClient, path: str, who: str = "", *, tries: int = 100, **more: Any) -> int:
    return sum(call(site, path, who, **more).status_code == 200 for _ in range(tries))


def test_a_refusal_has_the_one_error_shape_and_says_when_to_come_back(site: FlaskClient, clock: FakeClock) -> None:
    passed(site, "/api/rooms", "user:ada", tries=20)
    clock.advance(15_000)
    refused = call(site, "/api/rooms", "user:ada")
    assert refused.status_code == 429
    assert refused.json is not None
    assert refused.json["error"]["code"] == "rate_limited"
    assert refused.json["error"]["retryable"] is True
    assert refused.headers["Retry-After"] == "45"
    clock.advance(45_000)
    assert call(site, "/api/rooms", "user:ada").status_code == 200


def test_every_answer_says_what_remains(site: FlaskClient, clock: FakeClock) -> None:
    def told(response: TestResponse) -> tuple[str, ...]:
        return tuple(response.headers[f"RateLimit-{name}"] for name in ("Limit", "Remaining", "Reset"))

    assert told(call(site, "/api/rooms", "user:ada")) == ("20", "19", "60")
    clock.advance(10_500)
    assert told(call(site, "/api/rooms", "user:ada")) == ("20", "18", "50")
    assert told(call(site, "/")) == ("50", "49", "60")
    passed(site, "/api/rooms", "user:ada", tries=18)
    assert told(call(site, "/api/rooms", "user:ada")) == ("20", "0", "50")


def test_an_account_is_counted_as_a_person_wherever_it_calls_from(site: FlaskClient) -> None:
    assert passed(site, "/api/rooms", "user:ada", tries=15, address="192.0.2.1") == 15
    assert passed(site, "/api/rooms", "user:ada", tries=15, address="192.0.2.2") == 5
    assert passed(site, "/api/rooms", "user:bo", tries=30, address="192.0.2.1") == 20


def test_each_room_and_each_class_has_its_own_count(clock: FakeClock) -> None:
    site = made_app(wide_rate_limit_max_requests=1_000).test_client()
    for path in (f"/api/rooms/{ROOM}", f"/api/rooms/{OTHER_ROOM}", "/api/rooms"):
        assert passed(site, path, "user:ada") == 20
        assert passed(site, path, "user:ada", method="POST") == 20
    assert passed(site, f"/api/rooms/{ROOM}/messages", "user:ada") == 0
    assert passed(site, f"/api/messages?roomId={ROOM}", "user:ada") == 0


def test_a_room_by_its_id_and_by_its_share_token_is_one(site: FlaskClient) -> None:
    refs.note("the-share-token", ROOM)
    by_token = passed(site, "/api/rooms/the-share-token", "user:ada", tries=15)
    assert by_token + passed(site, f"/api/rooms/{ROOM}", "user:ada") == 20
    assert passed(site, "/api/rooms/another-token", "user:ada") == 20


def test_writes_without_an_account_are_counted_by_address(site: FlaskClient) -> None:
    path = f"/api/rooms/{ROOM}/messages"
    assert passed(site, path, "guest:one", method="POST", tries=15) == 15
    assert passed(site, path, "guest:two", method="POST", tries=15) == 5
    assert passed(site, path, "guest:one", method="POST", tries=15, address="192.0.2.2") == 15


@pytest.mark.parametrize(
    ("path", "method"),
    [("/", "GET"), ("/no/such/page", "GET"), (f"/api/rooms/{ROOM}", "GET"), (f"/api/rooms/{ROOM}/guests", "POST")],
)
def test_what_a_hall_full_of_phones_does_has_the_wide_limit_of_its_address(
    site: FlaskClient, path: str, method: str
) -> None:
    def refused(**more: str) -> bool:
        return call(site, path, method=method, **more).status_code == 429

    assert [refused() for _ in range(51)] == [False] * 50 + [True]
    assert not refused(address="192.0.2.2")
    assert call(site, "/api/auth/refresh", method="POST").status_code == 429, "the wide limit is one for all of these"
    assert passed(site, f"/api/rooms/{ROOM}/messages", method="POST") == 20


def test_signing_in_is_stricter_by_address_and_stricter_still_for_one_name(clock: FakeClock) -> None:
    site = made_app(rate_limit_max_requests=100).test_client()

    def tries(name: str, count: int, **more: Any) -> int:
        return passed(
            site, "/api/auth/login", method="POST", json={"email": name, "password": "x"}, tries=count, **more
        )

    assert tries("Ada@example.org", 6) + tries("ada@example.org ", 6) == 10
    assert tries("bo@example.org", 5) == 5
    assert tries("ada@example.org", 1, address="192.0.2.2") == 1
    assert sum(tries(f"p{number}", 1) for number in range(100)) == 50 - 17
    assert passed(site, "/api/auth/register", method="POST", json={}) == 0, "they share the address's count"


def test_the_forms_of_pages_are_as_strict_as_the_api(clock: FakeClock) -> None:
    site = made_app(rate_limit_max_requests=100).test_client()
    assert passed(site, "/login", method="POST", data={"email": "ada"}, tries=6) == 6
    assert passed(site, "/api/auth/login", method="POST", json={"email": "ada"}, tries=6) == 4, "the name is the same"
    assert passed(site, "/login", method="GET") == 50, "a page is no guess"
    assert passed(made_app().test_client(), "/account/password", "user:ada", method="POST") == 10
    assert passed(made_app().test_client(), "/rooms", "user:ada", method="POST") == 20


def test_one_name_tried_from_everywhere_is_throttled(clock: FakeClock) -> None:
    site = made_app(rate_limit_max_requests=100).test_client()

    def tries() -> int:
        body = {"email": "ada@example.org"}
        asked = ((f"192.0.2.{number}", "/api/auth/login") for number in range(30))
        return sum(passed(site, path, method="POST", json=body, tries=4, address=address) for address, path in asked)

    assert tries() == 50
    clock.advance(60_000)
    assert tries() == 0
    clock.advance(3_600_000)
    assert tries() == 50


def test_an_account_is_tried_no_more_often_by_its_two_names_than_by_one_may_be(clock: FakeClock) -> None:
    """From everywhere 100 times an hour, and neither name tells of the other."""
    site = made_app(rate_limit_max_requests=100).test_client()
    names = [{"email": "ada@example.org"}, {"username": "ada"}, {"email": "ada"}]

    def tries(body: dict[str, str], address: str) -> int:
        return passed(site, "/api/auth/login", method="POST", json=body, tries=12, address=address)

    here = [tries(body, "192.0.2.1") for body in names]
    assert here == [10, 10, 0]
    anywhere = [sum(tries(body, f"192.0.2.{number}") for body in names) for number in range(2, 30)]
    assert sum(here) + sum(anywhere) == 100


def test_an_ipv6_network_counts_as_one_address(site: FlaskClient) -> None:
    path = f"/api/rooms/{ROOM}/messages"
    tries = [call(site, path, method="POST", address=f"2001:db8:1:2::{number:x}") for number in range(21)]
    assert [answer.status_code for answer in tries] == [200] * 20 + [429]
    assert call(site, path, method="POST", address="2001:db8:1:3::1").status_code == 200
    assert passed(site, path, method="POST", address="198.51.100.1", tries=15) == 15
    assert passed(site, path, method="POST", address="::ffff:198.51.100.1", tries=15) == 5, "written otherwise"


def test_a_name_is_the_same_however_it_is_spelled(clock: FakeClock) -> None:
    """All of these find the account `ada-fi` (`normal_username`), so they are tries at one password."""
    site = made_app(rate_limit_max_requests=100).test_client()
    spellings = ["ada-fi", " ADA-FI ", "\uff21da-fi", "ada-\ufb01", "ad\u1d43-fi", "ada-\uff26\uff29", "\u2003ada-fi"]
    answers = [
        passed(site, "/api/auth/login", method="POST", json={"username": spelling}, tries=2) for spelling in spellings
    ]
    assert sum(answers) == 10


@pytest.mark.parametrize("body", [b"", b"[]", b"{", b'{"email": ["x"]}', b"\xff", b'{"email": "\\ud800"}'])
def test_a_body_that_is_no_login_is_counted_all_the_same(clock: FakeClock, body: bytes) -> None:
    site = made_app(rate_limit_max_requests=100).test_client()
    assert passed(site, "/api/auth/login", method="POST", data=body, content_type="application/json", tries=11) == 10


def test_health_is_not_counted(clock: FakeClock) -> None:
    site = made_app(wide_rate_limit_max_requests=1).test_client()
    assert passed(site, "/healthz") == 100
    assert "RateLimit-Limit" not in call(site, "/healthz").headers


def test_zero_switches_a_limit_off(clock: FakeClock) -> None:
    site = made_app(rate_limit_max_requests=0).test_client()
    assert passed(site, "/api/rooms", "user:ada") == 100
    assert passed(site, "/api/auth/login", method="POST", json={"email": "a"}) == 100
    assert passed(site, "/") == 50
    site = made_app(wide_rate_limit_max_requests=0).test_client()
    assert passed(site, "/", address="192.0.2.9") == 100
    assert limits.handshake_rate(Settings(wide_rate_limit_max_requests=0)) is None


def test_the_window_is_a_setting(clock: FakeClock) -> None:
    site = made_app(rate_limit_window_ms=10_000).test_client()
    assert passed(site, "/api/rooms", "user:ada") == 20
    clock.advance(10_000)
    assert passed(site, "/api/rooms", "user:ada") == 20
    rate = limits.handshake_rate(Settings(rate_limit_window_ms=10_000, wide_rate_limit_max_requests=50))
    assert rate is not None
    assert (rate.per_second, rate.burst) == (5, 50)


def test_made_up_rooms_are_no_way_around_the_limit(site: FlaskClient) -> None:
    answers = [call(site, f"/api/rooms/{number:032x}", "user:ada").status_code for number in range(60)]
    assert answers.count(200) == 50
    assert set(answers[50:]) == {429}


def test_an_answer_of_much_counts_as_several(clock: FakeClock) -> None:
    app = made_app()
    app.add_url_rule("/api/rooms/<room_id>/history", "history", lambda **_: {"items": "x" * 4 * limits.ANSWER_BYTES})
    assert passed(app.test_client(), f"/api/rooms/{ROOM}/history") == 50 // 5
    assert passed(app.test_client(), f"/api/rooms/{ROOM}/history", "user:ada") == 20 // 5
