"""A room and its host, and requests by whomever a test names."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask
from werkzeug.test import TestResponse

from app.core.actor import Actor
from app.rooms.models import Room
from tests.support.app_fixtures import ACTOR
from tests.support.factories import make_room, make_user

Http = Callable[..., TestResponse]


@pytest.fixture
def host(app: Flask) -> Actor:
    return make_user()


@pytest.fixture
def room(host: Actor) -> Room:
    return make_room(host)


@pytest.fixture
def http(app: Flask) -> Http:
    """`http(actor, "POST", "/timers/…", body)`; how a credential becomes an actor is auth's to test."""

    def call(actor: Actor, method: str, path: str, body: Any = None, **options: Any) -> TestResponse:
        return app.test_client().open(
            f"/api{path}", method=method, json=body, environ_overrides={ACTOR: actor}, **options
        )

    return call
