"""The board: who may see it, and what is called wrong."""

from __future__ import annotations

from typing import Any

import pytest
from flask import Flask

from app.core.actor import Actor
from app.core.clock import FakeClock, to_epoch_ms
from app.core.errors import AppError
from app.live import delivery, screens
from app.presence import service as presence
from app.rooms.models import Role, Room
from app.rooms.seat import Seat
from app.web.sockets import Client
from tests.support.factories import make_room


@pytest.fixture
def database_url(sqlite_url: str) -> str:
    """One database is enough: reports are not kept in it."""
    return sqlite_url


@pytest.fixture
def room(owner: Actor) -> Room:
    """A room where nothing is delivered."""
    return make_room(owner)


@pytest.fixture
def screen(app: Flask, room: Room, monkeypatch: pytest.MonkeyPatch) -> Client:
    """A socket in the room, which has been told of twelve things."""
    monkeypatch.setattr(delivery, "room_seq", lambda room_id: 12)
    client = Client("s1")
    client.seats[room.id] = Seat(room.id, Role.VIEWER, reads_chat=False)
    return client


def report(screen: Client, room: Room, time: FakeClock, /, **more: Any) -> int:
    now_ms = to_epoch_ms(time.now())
    said = {"kind": "stage", "clock": now_ms - 10, "round_trip_ms": 20, "revision": 12, **more}
    return screens.report_screen(screen, room_id=room.id, **said)


def board(owner: Actor, room: Room) -> list[dict[str, Any]]:
    return screens.list_screens(actor=owner, room_id=room.id)["items"]


def test_a_screen_that_is_well_is_on_the_board_without_a_problem(
    screen: Client, owner: Actor, room: Room, clock: FakeClock
) -> None:
    assert report(screen, room, clock, name="Back wall") == screens.AGAIN_MS
    (shown,) = board(owner, room)
    assert (shown["name"], shown["kind"], shown["offset_ms"], shown["problems"]) == ("Back wall", "stage", 0, [])
    assert "s1" not in shown["id"]


def test_what_is_wrong_with_a_screen_is_named(screen: Client, owner: Actor, room: Room, clock: FakeClock) -> None:
    report(screen, room, clock, revision=11)
    assert board(owner, room)[0]["problems"] == ["behind"]
    report(screen, room, clock, round_trip_ms=1_500)
    assert "slow" in board(owner, room)[0]["problems"]


def test_a_clock_is_compared_when_the_report_comes(screen: Client, owner: Actor, room: Room, clock: FakeClock) -> None:
    report(screen, room, clock, clock=to_epoch_ms(clock.now()) + 2_000)
    (shown,) = board(owner, room)
    assert (shown["offset_ms"], shown["problems"]) == (2_010, ["clock"])


def test_who_is_behind_reports_again_soon(screen: Client, room: Room, clock: FakeClock) -> None:
    assert report(screen, room, clock, revision=11) == screens.AGAIN_SOON_MS


def test_a_screen_that_fell_silent_is_shown_first_and_then_forgotten(
    screen: Client, owner: Actor, room: Room, clock: FakeClock
) -> None:
    report(screen, room, clock, screen_id="silent", name="Zoo")
    clock.advance(screens.SILENT_MS + 1_000)
    report(screen, room, clock, screen_id="other", name="Alley")
    assert [(shown["name"], shown["problems"]) for shown in board(owner, room)] == [("Zoo", ["silent"]), ("Alley", [])]
    clock.advance(screens.KEEP_MS["stage"] - screens.SILENT_MS)
    assert [shown["name"] for shown in board(owner, room)] == ["Alley"]


def test_the_viewers_of_a_crowd_are_not_listed_but_its_stages_are(
    screen: Client, owner: Actor, room: Room, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(presence, "is_limited", lambda room_id: True)
    assert report(screen, room, clock, kind="viewer", screen_id="one") == 0
    assert report(screen, room, clock, kind="stage", screen_id="two") == screens.AGAIN_MS
    assert [shown["kind"] for shown in board(owner, room)] == ["stage"]


def test_only_who_is_in_the_room_reports(app: Flask, room: Room, clock: FakeClock) -> None:
    with pytest.raises(AppError, match="not_in_room"):
        report(Client("s2"), room, clock)


def test_only_hosts_see_the_board(app: Flask, member: Actor, room: Room) -> None:
    with pytest.raises(AppError, match="forbidden"):
        board(member, room)
