"""Requests by whomever a test names: `http(actor).get("/messages/…")`. How a credential becomes an actor is auth's to test."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask
from werkzeug.test import TestResponse

from app.core.actor import Actor
from app.messages import receipts
from tests.support.app_fixtures import ACTOR

Http = Callable[..., TestResponse]


@pytest.fixture(autouse=True)
def gathering(monkeypatch: pytest.MonkeyPatch) -> None:
    """Receipts are told when a test says so, never in the middle of one on a slow machine."""
    monkeypatch.setattr(receipts, "GATHER_S", 3600)


@pytest.fixture
def http(app: Flask) -> Callable[[Actor], Http]:
    """`http(actor)(method, path, body)`: one request to `/api` + path."""

    def of(actor: Actor) -> Http:
        def call(method: str, path: str, body: Any = None, **more: Any) -> TestResponse:
            overrides = {ACTOR: actor}
            return app.test_client().open(f"/api{path}", method=method, json=body, environ_overrides=overrides, **more)

        return call

    return of
