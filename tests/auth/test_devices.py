"""How refresh tokens rotate: app/auth/devices.py."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import gevent
import pytest
from flask import Flask
from sqlalchemy import func, select

from app.auth import devices, service
from app.auth.models import Device, RefreshToken
from app.auth.tokens import keyring
from app.backends.transaction import reading
from app.core.clock import FakeClock
from app.core.errors import AppError
from app.core.event import Event

PASSWORD = "correct horse battery"

pytestmark = pytest.mark.usefixtures("app")


def sign_in(username: str = "ada") -> service.SignIn:
    return service.register(username=username, password=PASSWORD, user_agent="a browser")


def rotate(token: str) -> str:
    return service.refresh(refresh_token=token).refresh_token


def refusal(action: Callable[[], Any]) -> str:
    with pytest.raises(AppError) as why:
        action()
    return why.value.code


def test_each_token_works_once_and_gives_the_next(clock: FakeClock) -> None:
    tokens = [sign_in().refresh_token]
    for _ in range(3):
        clock.advance(60_000)
        tokens.append(rotate(tokens[-1]))
    assert len(set(tokens)) == 4


def test_the_same_token_again_within_five_seconds_gets_the_same_successor(clock: FakeClock) -> None:
    first = sign_in().refresh_token
    successor = rotate(first)
    clock.advance(devices.GRACE_MS)
    assert rotate(first) == successor
    assert rotate(successor) != successor


def test_parallel_refreshes_get_the_same_successor() -> None:
    first = sign_in().refresh_token
    jobs = [gevent.spawn(rotate, first) for _ in range(6)]
    gevent.joinall(jobs, timeout=30, raise_error=True)
    assert len({job.value for job in jobs}) == 1
    with reading() as session:
        assert session.scalar(select(func.count()).select_from(RefreshToken)) == 2


def test_replaying_a_used_token_ends_the_device(clock: FakeClock, published: list[Event]) -> None:
    signed_in = sign_in()
    successor = rotate(signed_in.refresh_token)
    clock.advance(devices.GRACE_MS + 1)
    assert refusal(lambda: rotate(signed_in.refresh_token)) == "refresh_reused"
    assert refusal(lambda: rotate(successor)) == "invalid_token"
    assert refusal(lambda: service.authenticate(signed_in.access_token)) == "invalid_token"
    assert published == [
        Event("session-revoked", f"user:{signed_in.user.id}", ({"sessionId": signed_in.session_id},)),
    ]


def test_replaying_a_token_far_back_in_the_chain_ends_the_device(clock: FakeClock) -> None:
    first = sign_in().refresh_token
    newest = rotate(rotate(rotate(first)))
    clock.advance(60_000)
    assert refusal(lambda: rotate(first)) == "refresh_reused"
    assert refusal(lambda: rotate(newest)) == "invalid_token"


def test_a_replay_leaves_other_devices_alone(clock: FakeClock) -> None:
    first = sign_in().refresh_token
    phone = service.log_in(identifier="ada", password=PASSWORD)
    rotate(first)
    clock.advance(60_000)
    assert refusal(lambda: rotate(first)) == "refresh_reused"
    assert rotate(phone.refresh_token)


def test_no_token_is_stored_in_clear() -> None:
    first = sign_in().refresh_token
    successor = rotate(first)
    with reading() as session:
        hashes = set(session.scalars(select(RefreshToken.token_hash)))
    assert len(hashes) == 2
    assert not hashes & {first, successor}


def test_the_successor_cannot_be_worked_out_without_the_secret(app: Flask) -> None:
    first = sign_in().refresh_token
    keyring.bind(app, "some other secret that an attacker made up")
    guessed = keyring.derive("refresh", first)[0]
    keyring.bind(app, "the secret of the server, which nobody knows")
    assert rotate(first) != guessed


def test_rotating_the_secret_in_between_keeps_the_successor(app: Flask) -> None:
    first = sign_in().refresh_token
    successor = rotate(first)
    keyring.bind(app, "a new secret of more than thirty-two bytes", [app.config["SECRET_KEY"]])
    assert rotate(first) == successor
    keyring.bind(app, "a new secret of more than thirty-two bytes")
    assert refusal(lambda: rotate(first)) == "invalid_token"


def test_using_a_device_moves_its_life_on(clock: FakeClock) -> None:
    token = sign_in().refresh_token
    for _ in range(4):
        clock.advance(5 * 86_400_000)
        token = rotate(token)
    clock.advance(7 * 86_400_000)
    assert refusal(lambda: rotate(token)) == "token_expired"


def test_the_longest_unused_device_gives_way(
    clock: FakeClock, monkeypatch: pytest.MonkeyPatch, published: list[Event]
) -> None:
    monkeypatch.setattr(devices, "DEVICES_PER_PERSON", 3)
    first = sign_in()
    for _ in range(3):
        clock.advance(1)
        service.log_in(identifier="ada", password=PASSWORD, user_agent="x" * 500)
    assert refusal(lambda: rotate(first.refresh_token)) == "invalid_token"
    assert [event.args for event in published] == [({"sessionId": first.session_id},)]
    with reading() as session:
        agents = set(session.scalars(select(Device.user_agent)))
    assert agents == {"a browser", "x" * devices.USER_AGENT_CHARACTERS}
