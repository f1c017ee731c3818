"""A room and its owner, by the doors that an attacker has. Where the databases differ is below, and tested there."""

from __future__ import annotations

from typing import Any

import pytest
from flask.testing import FlaskClient

Headers = dict[str, str]


@pytest.fixture
def database_url(sqlite_url: str) -> str:
    """SQLite alone."""
    return sqlite_url


@pytest.fixture
def owner(client: FlaskClient) -> Headers:
    """The headers of somebody who has signed up."""
    answer = client.post("/api/auth/register", json={"username": "ada", "password": "correct horse battery"})
    return {"Authorization": f"Bearer {answer.get_json()['accessToken']}"}


@pytest.fixture
def room(client: FlaskClient, owner: Headers) -> dict[str, Any]:
    """A public room of the owner's."""
    room: dict[str, Any] = client.post("/api/rooms", json={"name": "Main hall"}, headers=owner).get_json()
    return room
