"""Hashing passwords: app/auth/passwords.py."""

from __future__ import annotations

import time

import gevent
import pytest
from argon2 import PasswordHasher, extract_parameters
from argon2.low_level import Type
from gevent.lock import BoundedSemaphore

from app.auth import passwords
from app.auth.passwords import hash_password, needs_rehash, verify_password
from app.core.errors import AppError


@pytest.fixture(autouse=True)
def quick_hashing() -> None:
    """Here the real parameters are used."""


def test_a_hash_is_argon2id_salted_and_verifies() -> None:
    first, second = hash_password("correct horse"), hash_password("correct horse")
    assert first != second
    parameters = extract_parameters(first)
    assert (parameters.type, parameters.memory_cost, parameters.time_cost) == (Type.ID, 19_456, 2)
    assert verify_password(first, "correct horse")
    assert not verify_password(first, "correct horsf")


@pytest.mark.parametrize("stored", [None, "", "!", "$argon2id$broken"])
def test_what_is_no_hash_verifies_nothing_and_costs_as_much(
    stored: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    real: list[str] = []
    hasher = passwords._hasher

    class Counting:
        @staticmethod
        def verify(password_hash: str, password: str) -> bool:
            if password_hash.startswith("$argon2id$v="):
                real.append(password_hash)
            return hasher.verify(password_hash, password)

    monkeypatch.setattr(passwords, "_hasher", Counting)
    assert not verify_password(stored, "correct horse")
    assert len(real) == 1


def test_a_wrong_password_leaves_no_traceback_behind(capfd: pytest.CaptureFixture[str]) -> None:
    assert not verify_password(hash_password("correct horse"), "wrong horse")
    assert capfd.readouterr().err == ""


def test_older_parameters_are_noticed() -> None:
    assert needs_rehash(PasswordHasher(time_cost=1, memory_cost=8, parallelism=1).hash("correct horse"))
    assert not needs_rehash(hash_password("correct horse"))


def test_the_event_loop_runs_on_while_passwords_are_hashed() -> None:
    ticks = 0

    def tick() -> None:
        nonlocal ticks
        while True:
            gevent.sleep(0.001)
            ticks += 1

    ticker = gevent.spawn(tick)
    hash_password("correct horse")
    ticker.kill()
    assert ticks > 1


def test_no_more_run_at_once_than_there_are_turns(monkeypatch: pytest.MonkeyPatch) -> None:
    running, most = 0, 0

    class Watching:
        @staticmethod
        def hash(password: str) -> str:
            nonlocal running, most
            running += 1
            most = max(most, running)
            time.sleep(0)
            gevent.sleep(0.005)
            running -= 1
            return "hash"

    monkeypatch.setattr(passwords, "_hasher", Watching)
    gevent.joinall([gevent.spawn(hash_password, "correct horse") for _ in range(8)], raise_error=True)
    assert 1 <= most <= passwords.CONCURRENCY


def test_who_would_wait_too_long_is_told_to_come_back(monkeypatch: pytest.MonkeyPatch) -> None:
    taken = BoundedSemaphore(1)
    taken.acquire()
    monkeypatch.setattr(passwords, "_turns", taken)
    monkeypatch.setattr(passwords, "PATIENCE_S", 0.01)
    with pytest.raises(AppError) as why:
        hash_password("correct horse")
    assert (why.value.code, why.value.retry_after_ms) == ("rate_limited", 10)
