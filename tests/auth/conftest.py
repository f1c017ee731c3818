"""People who sign up by REST."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest
from argon2 import PasswordHasher
from flask import Flask
from flask.testing import FlaskClient

from app.auth import passwords

PASSWORD = "correct horse battery"

_numbers = itertools.count(1)


@pytest.fixture(autouse=True)
def quick_hashing(monkeypatch: pytest.MonkeyPatch) -> None:
    """argon2 with the least parameters: what is tested here is not how long it takes."""
    monkeypatch.setattr(passwords, "_hasher", PasswordHasher(time_cost=1, memory_cost=8, parallelism=1))


@dataclass
class Account:
    """Somebody signed up, with a browser of their own (`client`) that keeps cookies."""

    client: FlaskClient
    email: str
    answer: dict[str, Any]

    @property
    def bearer(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.answer['accessToken']}"}

    @property
    def csrf(self) -> dict[str, str]:
        cookie = self.client.get_cookie("csrf")
        assert cookie is not None
        return {"X-CSRF-Token": cookie.value}

    @property
    def refresh_token(self) -> str:
        return str(self.answer["refreshToken"])

    def log_in(self, **more: Any) -> Account:
        """The same account on another device."""
        client = self.client.application.test_client()
        response = client.post("/api/auth/login", json={"email": self.email, "password": PASSWORD, **more})
        assert response.status_code == 200, response.json
        return Account(client, self.email, response.json or {})


SignUp = Callable[..., Account]


@pytest.fixture
def sign_up(app: Flask) -> SignUp:
    """Make an account: `sign_up()`, `sign_up(session="cookie")`, `sign_up(username="ada")`."""

    def make(**body: Any) -> Account:
        client = app.test_client()
        email = body.pop("email", f"person-{next(_numbers)}@example.org")
        response = client.post("/api/auth/register", json={"email": email, "password": PASSWORD, **body})
        assert response.status_code == 201, response.json
        return Account(client, email, response.json or {})

    return make
