"""The demo: app/cli/seed.py."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest
from flask import Flask
from sqlalchemy import func, select

from app.auth import service as auth
from app.auth.models import User
from app.backends.handles import handles
from app.backends.transaction import reading, transaction
from app.core.actor import ANONYMOUS, Actor
from app.core.errors import AppError
from app.rooms.access import require_role
from app.rooms.models import Membership, Role, Room
from app.timers.models import Timer


def seed(app: Flask, *options: str) -> str:
    result = app.test_cli_runner().invoke(args=["seed", *options])
    assert result.exit_code == 0, result.output
    return result.output


def counts() -> dict[str, int]:
    with reading() as session:
        return {
            table.__tablename__: session.scalars(select(func.count()).select_from(table)).one()
            for table in (User, Room, Membership, Timer)
        }


def test_the_demo_has_a_room_its_people_and_the_programme_of_a_day(app: Flask) -> None:
    output = seed(app)
    assert counts() == {"users": 3, "rooms": 1, "memberships": 3, "timers": 11}
    login = re.search(r'"(\S+)" with the password "(\S+)"', output)
    assert login is not None
    user = auth.log_in(identifier=login[1], password=login[2]).user
    token = re.search(r"http://localhost:3000/r/(\S+)\n", output)
    assert token is not None
    with reading() as session:
        host = Actor("user", user.id, user.username, user.name)
        room = require_role(session, actor=host, ref=token[1], need=Role.OWNER).room
        assert require_role(session, actor=ANONYMOUS, ref=token[1]).role is Role.VIEWER
        timers = session.scalars(select(Timer).order_by(Timer.position)).all()
    assert room.name == "B003 · PyConFR 2025, day 1"
    assert [timer.state for timer in timers] == ["idle"] * 11
    assert timers[0].title.startswith("Accueil")
    assert [timer.wakes_at for timer in timers] == [None] * 11


def test_seeding_again_doubles_nothing_and_leaves_changes_alone(app: Flask) -> None:
    first = seed(app)
    with transaction() as work:
        work.session.delete(work.session.scalars(select(Timer).limit(1)).one())
    before = counts()
    assert seed(app) == first
    assert counts() == before


def test_production_needs_a_password_of_its_own(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        handles, "settings", replace(handles.settings, app_env="production", public_url="https://x.example/")
    )
    refused = app.test_cli_runner().invoke(args=["seed"])
    assert (refused.exit_code, counts()["users"]) == (1, 0)
    assert "--password" in refused.output
    assert "https://x.example/r/" in seed(app, "--password", "a password of mine")
    assert auth.log_in(identifier="demo-host", password="a password of mine").user.name == "Ada"
    with pytest.raises(AppError, match="bad_credentials"):
        auth.log_in(identifier="demo-host", password="greenroom-demo")
    assert "the password it was given" in seed(app, "--password", "another password")


def test_what_goes_wrong_is_said_in_one_line(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    def away(**_: object) -> None:
        raise AppError("database_unavailable")

    monkeypatch.setattr(auth, "register", away)
    result = app.test_cli_runner().invoke(args=["seed"])
    assert (result.exit_code, result.output) == (
        1,
        "Error: The database cannot be reached at the moment. If it is new: flask --app wsgi db upgrade.\n",
    )
