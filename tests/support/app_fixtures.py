"""The application in this process, on both databases: `app`, its `client`, the fake `clock`, and what was `published`."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from flask import Flask, g, request
from flask.testing import FlaskClient

from app import create_app, rebind
from app.backends.transaction import database
from app.core.actor import Actor
from app.core.clock import FakeClock
from app.core.event import Event
from app.rooms.models import Room
from app.settings import Settings
from tests.support.factories import add_member, make_room, make_user
from tests.support.waiting import eventually

ACTOR = "tests.actor"
SECRET = "a-test-secret-of-more-than-32-bytes!"


@pytest.fixture(params=["sqlite", "postgres"])
def database_url(request: pytest.FixtureRequest) -> str:
    """An empty migrated database; a test that uses it runs once on each kind."""
    name = "sqlite_url" if request.param == "sqlite" else "clean_postgres_url"
    return str(request.getfixturevalue(name))


@pytest.fixture
def clock() -> FakeClock:
    """Moves only when the test says so."""
    return FakeClock()


@pytest.fixture
def settings(database_url: str, tmp_path: Path) -> Settings:
    """What `app` is made with; a test module may override it with `dataclasses.replace`."""
    env = {"DATABASE_URL": database_url, "JWT_SECRET": SECRET, "DATA_DIR": str(tmp_path / "var"), "LOG_LEVEL": "error"}
    return replace(Settings.from_env(env, dotenv=None), rate_limit_max_requests=0, wide_rate_limit_max_requests=0)


@pytest.fixture
def app(settings: Settings, clock: FakeClock) -> Iterator[Flask]:
    """The whole application on an empty database.

    Its routes, most of the work of making it, are made once for each kind of settings; what they stand on is new for each test.
    """
    kind = replace(settings, database_url="", data_dir="")
    if kind in _made:
        rebind(_made[kind], settings, clock)
    else:
        _made[kind] = create_app(settings, clock=clock)
        _made[kind].before_request(_act_as_told)
    yield _made[kind]
    # Greenlets of the test may still read; a connection that comes back later is nobody's to close.
    engines = (database.engine, database.read_engine)
    eventually(lambda: not any(engine.pool.checkedout() for engine in engines), what="a connection was not given back")  # type: ignore[attr-defined]
    database.dispose()


_made: dict[Settings, Flask] = {}


def _act_as_told() -> None:
    """A request whose environment names its actor is theirs: how a credential becomes an actor is auth's to test."""
    if ACTOR in request.environ:
        g.actor = request.environ[ACTOR]


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    """An HTTP client without credentials."""
    return app.test_client()


@pytest.fixture
def published(app: Flask, monkeypatch: pytest.MonkeyPatch) -> list[Event]:
    """Every event published after a commit, in order; they go on to the bus."""
    events: list[Event] = []
    publish = database.publish

    def capture(batch: list[Event]) -> None:
        events.extend(batch)
        publish(batch)

    monkeypatch.setattr(database, "publish", capture)
    return events


@pytest.fixture
def owner(app: Flask) -> Actor:
    """Ada, who owns `room`."""
    return make_user("Ada")


@pytest.fixture
def room(owner: Actor) -> Room:
    """An open room."""
    return make_room(owner)


@pytest.fixture
def member(room: Room) -> Actor:
    """Bob, a member of `room`."""
    actor = make_user("Bob")
    add_member(room, actor)
    return actor
