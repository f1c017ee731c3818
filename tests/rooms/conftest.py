"""Requests by whomever a test names: `http(actor).post("/rooms", {…})`. How a credential becomes an actor is auth's to test."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import pytest
from flask import Flask
from werkzeug.test import TestResponse

from app.backends.transaction import database
from app.core.actor import Actor
from app.core.event import Event
from tests.support.app_fixtures import ACTOR

OWN_EVENTS = {
    "access-changed",
    "member-added",
    "member-joined",
    "room-deleted",
    "room-purged",
    "room-updated",
    "stage-flash",
    "stage-update",
}


class Http:
    """An HTTP client that acts as one person."""

    def __init__(self, app: Flask, actor: Actor) -> None:
        self._app = app
        self._actor = actor

    def __call__(self, method: str, path: str, body: Any = None) -> TestResponse:
        """One request to `/api` + path."""
        client = self._app.test_client()
        return client.open(f"/api{path}", method=method, json=body, environ_overrides={ACTOR: self._actor})

    def get(self, path: str) -> TestResponse:
        return self("GET", path)

    def post(self, path: str, body: Any = None) -> TestResponse:
        return self("POST", path, body)

    def put(self, path: str, body: Any = None) -> TestResponse:
        return self("PUT", path, body)

    def patch(self, path: str, body: Any = None) -> TestResponse:
        return self("PATCH", path, body)

    def delete(self, path: str) -> TestResponse:
        return self("DELETE", path)


@pytest.fixture
def http(app: Flask) -> Callable[[Actor], Http]:
    """A client for each actor."""
    return lambda actor: Http(app, actor)


@pytest.fixture
def published(app: Flask, monkeypatch: pytest.MonkeyPatch) -> list[Event]:
    """What the rooms themselves tell after a commit, in order, without what other features add (lines, notifications)."""
    events: list[Event] = []
    publish = database.publish

    def capture(batch: Sequence[Event]) -> None:
        events.extend(event for event in batch if event.name in OWN_EVENTS)
        publish(batch)

    monkeypatch.setattr(database, "publish", capture)
    return events


def code_of(response: TestResponse) -> str:
    """The code of the error that a response carries, `ok` if none."""
    return "ok" if response.status_code < 400 else str(response.get_json()["error"]["code"])
