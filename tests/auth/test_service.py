"""What other features and the command line use: app/auth/service.py."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import psycopg
import pytest
from argon2 import PasswordHasher
from sqlalchemy import func, select

from app.auth import passwords, service
from app.auth.models import Device, RefreshToken, User
from app.auth.service import accounts, sign_ins
from app.backends.transaction import reading, transaction
from app.core.actor import ANONYMOUS, Actor
from app.core.clock import FakeClock
from app.core.errors import AppError
from app.core.ids import new_id
from tests.support.factories import make_user

PASSWORD = "correct horse battery"

pytestmark = pytest.mark.usefixtures("app")


def refusal(action: Callable[[], Any]) -> str:
    with pytest.raises(AppError) as why:
        action()
    return why.value.code


def actor_of(signed_in: service.SignIn) -> Actor:
    return service.authenticate(signed_in.access_token)[0]


def test_an_unknown_account_costs_one_verification_as_a_known_one_does(monkeypatch: pytest.MonkeyPatch) -> None:
    service.register(username="ada", password=PASSWORD)
    make_user("bob")  # its hash is none: nobody can sign in to it
    hasher = PasswordHasher()
    full: list[str] = []

    class Counting:
        @staticmethod
        def verify(password_hash: str, password: str) -> bool:
            if password_hash.startswith("$argon2id$v=19$"):
                full.append(password_hash)
            return hasher.verify(password_hash, password)

    monkeypatch.setattr(passwords, "_hasher", Counting)
    for identifier in ("ada", "nobody", "nobody@example.org", "bob", "bob@example.org", ""):
        full.clear()
        assert refusal(lambda who=identifier: service.log_in(identifier=who, password="not it")) == "bad_credentials"
        assert len(full) == 1, identifier


def test_the_dummy_hash_costs_what_a_real_one_costs() -> None:
    parameters = passwords._NOBODYS_HASH.split("$")[1:4]
    assert parameters == ["argon2id", "v=19", f"m={passwords.MEMORY_KIB},t={passwords.ITERATIONS},p=1"]


def test_signing_in_renews_a_hash_of_older_parameters(monkeypatch: pytest.MonkeyPatch) -> None:
    user = service.register(username="ada", password=PASSWORD).user
    newer = PasswordHasher(time_cost=2, memory_cost=16, parallelism=1)
    monkeypatch.setattr(passwords, "_hasher", newer)
    service.log_in(identifier="ada", password=PASSWORD)
    with reading() as session:
        renewed = session.get_one(User, user.id).password_hash
    assert renewed != user.password_hash
    assert not newer.check_needs_rehash(renewed)
    service.log_in(identifier="ada", password=PASSWORD)
    with reading() as session:
        assert session.get_one(User, user.id).password_hash == renewed


def test_a_password_that_changes_while_it_is_checked_lets_nobody_in(monkeypatch: pytest.MonkeyPatch) -> None:
    signed_in = service.register(username="ada", password=PASSWORD)
    other_hash = passwords.hash_password("another long password")

    def change_meanwhile(password_hash: str | None, password: str) -> bool:
        with transaction() as work:
            work.session.get_one(User, signed_in.user.id).password_hash = other_hash
        return True

    actor = actor_of(signed_in)
    for module in (accounts, sign_ins):
        monkeypatch.setattr(module, "verify_password", change_meanwhile)
    assert refusal(lambda: service.log_in(identifier="ada", password=PASSWORD)) == "bad_credentials"
    with transaction() as work:
        work.session.get_one(User, signed_in.user.id).password_hash = signed_in.user.password_hash
    change = lambda: service.change_password(actor=actor, current=PASSWORD, new="yet another one")
    assert refusal(change) == "bad_credentials"


def test_an_account_is_found_by_id_address_or_name() -> None:
    user = service.register(email="ada@example.org", username="ada", password=PASSWORD).user
    with reading() as session:
        for way in ({"user_id": user.id}, {"email": "ADA@example.org"}, {"username": "Ada"}):
            found = service.find_user(session, **way)
            assert found is not None
            assert found.id == user.id
        for way in ({"user_id": new_id()}, {"user_id": "ada"}, {"email": "x@example.org"}, {"username": "x"}, {}):
            assert service.find_user(session, **way) is None


def test_many_accounts_are_found_at_once() -> None:
    ada, bob = make_user(), make_user()
    with reading() as session:
        found = service.get_users(session, [str(ada.id), str(bob.id), str(ada.id), new_id(), "nonsense"])
        assert {key: user.username for key, user in found.items()} == {ada.id: ada.username, bob.id: bob.username}
        assert service.get_users(session, []) == {}


def test_the_poll_learns_which_devices_are_signed_out() -> None:
    ada = service.register(username="ada", password=PASSWORD)
    phone = service.log_in(identifier="ada", password=PASSWORD)
    service.log_out(actor=actor_of(phone))
    unknown = new_id()
    with reading() as session:
        assert service.list_revoked(session, [ada.session_id, phone.session_id, unknown]) == {phone.session_id, unknown}
        assert service.list_revoked(session, []) == set()


def test_pruning_forgets_what_has_expired_and_nothing_else(clock: FakeClock) -> None:
    old = service.register(username="ada", password=PASSWORD)
    clock.advance(6 * 86_400_000)
    fresh = service.log_in(identifier="ada", password=PASSWORD)
    used = service.log_in(identifier="ada", password=PASSWORD)
    clock.advance(86_400_000)
    service.refresh(refresh_token=used.refresh_token)
    assert service.prune_devices() == 1
    with reading() as session:
        assert set(session.scalars(select(Device.id))) == {fresh.session_id, used.session_id}
        assert session.scalar(select(func.count()).select_from(RefreshToken)) == 3
    assert refusal(lambda: service.authenticate(old.access_token)) in ("token_expired", "invalid_token")
    clock.advance(6 * 86_400_000)
    service.prune_devices()
    with reading() as session:
        assert set(session.scalars(select(Device.id))) == {used.session_id}
        assert session.scalar(select(func.count()).select_from(RefreshToken)) == 1


def test_there_is_no_account_before_somebody_makes_one() -> None:
    with reading() as session:
        assert session.scalar(select(func.count()).select_from(User)) == 0


def test_an_operator_is_made_by_the_service_only() -> None:
    assert actor_of(service.register(username="root", password=PASSWORD, is_operator=True)).is_operator
    assert not actor_of(service.register(username="ada", password=PASSWORD)).is_operator


def test_a_token_of_a_deleted_account_is_refused() -> None:
    ada = service.register(username="ada", password=PASSWORD)
    with transaction() as work:
        work.session.delete(work.session.get_one(User, ada.user.id))
    assert refusal(lambda: service.authenticate(ada.access_token)) == "invalid_token"
    assert refusal(lambda: service.refresh(refresh_token=ada.refresh_token)) == "invalid_token"


def test_the_actor_is_called_as_the_account_is_now() -> None:
    ada = service.register(username="ada", password=PASSWORD)
    service.update_me(actor=actor_of(ada), name="Countess")
    actor = actor_of(ada)
    assert (actor.kind, actor.id, actor.username, actor.name) == ("user", ada.user.id, "ada", "Countess")
    assert actor.session_id == ada.session_id


def test_what_needs_an_account_is_refused_to_guests_and_to_nobody() -> None:
    guest = Actor("guest", new_id(), room_id=new_id())
    for action in (service.get_me, service.list_sessions, service.make_socket_token):
        assert refusal(lambda act=action: act(actor=ANONYMOUS)) == "unauthenticated"
        assert refusal(lambda act=action: act(actor=guest)) == "forbidden"


def test_a_name_alone_is_no_account() -> None:
    assert refusal(lambda: service.register(name="Ada", password=PASSWORD)) == "validation_failed"


def test_nobody_waits_to_sign_in_or_change_the_password_for_rows_that_refer_to_the_account(
    database_url: str,
) -> None:
    signed_in = service.register(username="ada", password=PASSWORD)
    if not database_url.startswith("postgres"):  # SQLite has one writer and no row locks
        service.log_in(identifier="ada", password=PASSWORD)
        return
    with psycopg.connect(database_url.replace("+psycopg", "")) as writer:
        # What PostgreSQL does for the foreign key of every message that she writes.
        writer.execute("SELECT 1 FROM users WHERE id = %s FOR KEY SHARE", [signed_in.user.id])
        service.log_in(identifier="ada", password=PASSWORD)
        service.change_password(actor=actor_of(signed_in), current=PASSWORD, new=PASSWORD + "!")
