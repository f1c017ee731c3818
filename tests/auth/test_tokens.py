"""Signed tokens: app/auth/tokens.py."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import jwt
import pytest
from flask import Flask
from hypothesis import given
from hypothesis import strategies as st

from app.auth import tokens
from app.auth.tokens import Claims, keyring, read_token
from app.core.clock import add_ms
from app.core.errors import AppError
from app.core.ids import new_id
from app.extensions import jwt_manager

SECRET = "a secret of more than thirty-two bytes, at least"
NOW = datetime(2026, 1, 1, 12, tzinfo=UTC)
USER, DEVICE, ROOM = new_id(), new_id(), new_id()
APP = Flask(__name__)
APP.config.update(tokens.CONFIG)
jwt_manager.init_app(APP)


@pytest.fixture(autouse=True)
def bound() -> Iterator[None]:
    keyring.bind(APP, SECRET)
    yield
    keyring.bind(APP, "")


def refusal(token: str, now: datetime = NOW) -> str:
    with pytest.raises(AppError) as why:
        read_token(token, now=now)
    return why.value.code


def access_token(life_ms: int = 60_000) -> str:
    return tokens.issue_access_token(
        user_id=USER, username="ada", name="Ada", session_id=DEVICE, now=NOW, life_ms=life_ms
    )


def forged(secret: str = SECRET, algorithm: str = "HS256", **claims: Any) -> str:
    good = {"type": "access", "sub": USER, "sid": DEVICE, "exp": int(NOW.timestamp()) + 60}
    return jwt.encode({**good, **claims}, secret, algorithm=algorithm)


def test_a_token_says_what_it_was_issued_for() -> None:
    ends = add_ms(NOW, 60_000)
    assert read_token(access_token(), now=NOW) == Claims("access", USER, ends, session_id=DEVICE)
    socket = tokens.issue_socket_token(user_id=USER, session_id=DEVICE, now=NOW)
    assert read_token(socket, now=NOW) == Claims("socket", USER, ends, session_id=DEVICE)
    guest = tokens.issue_guest_token(guest_id=USER, room_id=ROOM, name="Ada", now=NOW, life_ms=60_000)
    assert read_token(guest, now=NOW) == Claims("guest", USER, ends, room_id=ROOM)


def test_a_token_holds_to_its_last_millisecond() -> None:
    assert read_token(access_token(), now=add_ms(NOW, 59_999))
    assert refusal(access_token(), add_ms(NOW, 60_000)) == "token_expired"


def test_a_token_of_another_secret_is_not_ours() -> None:
    assert refusal(forged("another secret of more than thirty-two bytes")) == "invalid_token"


@given(st.integers(0, 10_000), st.characters(codec="ascii"))
def test_no_changed_character_of_a_token_goes_unnoticed(place: int, other: str) -> None:
    token = access_token()
    place %= len(token)
    if token[place] != other:
        changed = token[:place] + other + token[place + 1 :]
        assert keyring.verify(changed) in (None, keyring.verify(token))  # the last character has bits that mean nothing
        if place < len(token) - 1:
            assert keyring.verify(changed) is None


def test_our_own_tokens_are_read_as_pyjwt_reads_them() -> None:
    for token in (access_token(), forged(), forged(name="ä \ud83d\ude00", more={"nested": [1, 2.5, None]})):
        assert keyring.verify(token) == jwt.decode(token, SECRET, algorithms=["HS256"], options={"verify_exp": False})


def test_a_previous_secret_still_counts_and_a_forgotten_one_does_not() -> None:
    token = access_token()
    keyring.bind(APP, "a new secret of more than thirty-two bytes!", [SECRET])
    assert read_token(token, now=NOW).subject == USER
    assert jwt.decode(
        access_token(),
        "a new secret of more than thirty-two bytes!",
        algorithms=["HS256"],
        options={"verify_exp": False},
    )
    keyring.bind(APP, "a new secret of more than thirty-two bytes!")
    assert refusal(token) == "invalid_token"


def test_the_clock_of_the_machine_has_no_say() -> None:
    for now in (datetime(1990, 1, 1, tzinfo=UTC), datetime(2099, 1, 1, tzinfo=UTC)):
        token = tokens.issue_socket_token(user_id=USER, session_id=DEVICE, now=now)
        assert read_token(token, now=now).subject == USER
        assert refusal(token, add_ms(now, 60_000)) == "token_expired"


def test_tokens_are_issued_inside_and_outside_an_app_context() -> None:
    token = access_token()
    with APP.app_context():
        assert read_token(token, now=NOW) == read_token(access_token(), now=NOW)
    assert read_token(token, now=NOW).subject == USER


def test_no_other_algorithm_is_believed() -> None:
    assert refusal(forged(algorithm="HS512", secret=SECRET * 2)) == "invalid_token"
    assert refusal(forged(algorithm="none", secret="")) == "invalid_token"


@pytest.mark.parametrize(
    "claims",
    [
        {"type": "refresh"},
        {"type": None},
        {"type": ["access"]},
        {"sub": "ada"},
        {"sub": USER.upper()},
        {"sid": None},
        {"sid": 1},
        {"exp": None},
        {"exp": "soon"},
        {"exp": True},
        {"exp": 1e300},
        {"exp": -1},
        {"exp": 10**12},
        {"type": "guest"},
        {"type": "guest", "room": "x"},
    ],
)
def test_a_signed_token_of_another_form_is_refused(claims: dict[str, Any]) -> None:
    assert refusal(forged(**claims)) == "invalid_token"


@given(st.one_of(st.text(max_size=300), st.from_regex(r"[\w-]{0,60}\.[\w-]{0,60}\.[\w-]{0,60}", fullmatch=True)))
def test_anything_else_is_no_token(text: str) -> None:
    keyring.bind(APP, SECRET)
    assert refusal(text) == "invalid_token"


def test_a_header_nested_without_end_is_no_token() -> None:
    header = base64.urlsafe_b64encode(b"[" * 1500).decode().rstrip("=")
    assert refusal(f"{header}.e30.AAAA") == "invalid_token"
    assert refusal(f"{forged().partition('.')[0]}.{header}.AAAA") == "invalid_token"
    assert refusal("x" * 1_000_000) == "invalid_token"


@given(st.data())
def test_changing_one_character_spoils_a_token(data: st.DataObject) -> None:
    keyring.bind(APP, SECRET)
    token = access_token()
    # The last character of a signature carries two bits that do not count.
    at = data.draw(st.integers(0, len(token) - 2))
    other = data.draw(st.sampled_from("ABCXYZabcxyz019-_.").filter(lambda char: char != token[at]))
    assert refusal(token[:at] + other + token[at + 1 :]) == "invalid_token"


def test_a_csrf_token_is_good_for_its_owner_only() -> None:
    token = tokens.csrf_token(DEVICE)
    assert tokens.is_csrf_token(token, DEVICE)
    assert not tokens.is_csrf_token(token, ROOM)
    assert not tokens.is_csrf_token("é", DEVICE)
    keyring.bind(APP, "a new secret of more than thirty-two bytes!", [SECRET])
    assert tokens.is_csrf_token(token, DEVICE)


def test_what_is_derived_for_one_purpose_is_no_use_for_another() -> None:
    assert keyring.derive("csrf", DEVICE) != keyring.derive("refresh", DEVICE)
