"""The REST rows of timers: app/timers/routes.py."""

from __future__ import annotations

import io
from typing import Any

import pytest
from werkzeug.test import TestResponse

from app.core.actor import ANONYMOUS, Actor
from app.core.clock import FakeClock
from app.core.ids import new_id
from app.rooms.models import Room
from tests.support.factories import add_member, make_guest, make_user
from tests.timers.conftest import Http
from tests.timers.support import MINUTE_MS, make_timer, read

KEYS = {
    *("id", "roomId", "title", "description", "position", "duration", "state", "isActive", "startTimestamp"),
    *("endTimestamp", "remainingMs", "addedMs", "warnMs", "dangerMs", "onFinish", "startsAt", "finishedAt"),
    *("plannedAt", "revision", "createdAt", "updatedAt"),
}
IDLE = {
    "title": "Opening",
    "description": None,
    "position": 0,
    "duration": 600_000,
    "state": "idle",
    "isActive": False,
    "startTimestamp": None,
    "endTimestamp": None,
    "remainingMs": 600_000,
    "addedMs": 0,
    "warnMs": 60_000,
    "dangerMs": 15_000,
    "onFinish": "stop",
    "startsAt": None,
    "plannedAt": None,
    "finishedAt": None,
    "revision": 1,
    "createdAt": "2026-01-01T12:00:00.000Z",
    "updatedAt": "2026-01-01T12:00:00.000Z",
}


def code_of(answer: TestResponse) -> str:
    return str(answer.get_json()["error"]["code"])


def test_a_timer_is_made_with_the_contracts_fields_and_defaults(http: Http, host: Actor, room: Room) -> None:
    answer = http(host, "POST", f"/rooms/{room.id}/timers", {"title": " Opening ", "duration": 600_000})
    assert answer.status_code == 201
    timer = answer.get_json()
    assert set(timer) == KEYS
    assert timer == {**IDLE, "id": timer["id"], "roomId": room.id}


def test_every_writable_key_is_written(http: Http, host: Actor, room: Room) -> None:
    wanted = {
        "title": "Keynote",
        "description": "With questions",
        "duration": 1_000,
        "warnMs": 0,
        "dangerMs": 5_000,
        "onFinish": "overtime",
        "startsAt": "2026-01-01T13:00:00.000Z",
        "plannedAt": "2025-12-31T13:00:00.000Z",
    }
    made = http(host, "POST", f"/rooms/{room.id}/timers", wanted).get_json()
    assert {key: made[key] for key in wanted} == wanted
    changed = {**wanted, "title": "Other", "description": None, "duration": 604_800_000, "startsAt": None}
    changed["plannedAt"] = None
    for method in ("PATCH", "PUT"):
        timer = http(host, method, f"/timers/{made['id']}", changed).get_json()
        assert {key: timer[key] for key in changed} == changed
        assert timer["revision"] == 2


def test_a_put_may_send_back_the_whole_object_also_after_its_start_has_passed(
    http: Http, host: Actor, room: Room, clock: FakeClock
) -> None:
    body = {"title": "Talk", "duration": 600_000, "startsAt": "2026-01-01T12:01:00Z"}
    timer = http(host, "POST", f"/rooms/{room.id}/timers", body).get_json()
    assert http(host, "PUT", f"/timers/{timer['id']}", timer).get_json() == timer
    clock.advance(2 * MINUTE_MS)
    event = {**timer, "title": "New", "seq": 1, "serverNow": "2026-01-01T12:00:00.000Z"}
    answer = http(host, "PUT", f"/timers/{timer['id']}", event)
    assert answer.status_code == 200
    assert (answer.get_json()["title"], answer.get_json()["state"]) == ("New", "running")


BAD: list[dict[str, Any]] = [
    {"title": ""},
    {"title": "x" * 201},
    {"title": "a\x00b"},
    {"title": 7},
    {"duration": 999},
    {"duration": 604_800_001},
    {"duration": "600000"},
    {"duration": 1000.5},
    {"duration": True},
    {"duration": None},
    {"warnMs": -1},
    {"onFinish": "explode"},
    {"position": -1},
    {"position": 1_000_001},
    {"startsAt": "tomorrow"},
    {"startsAt": "2026-01-01T12:00:00"},
    {"startsAt": "2026-01-01T11:59:59Z"},
    {"plannedAt": "tomorrow"},
    {"description": "x" * 2001},
    {"state": "running"},
    {"revision": 3},
    {"colour": "red"},
]


@pytest.mark.parametrize("bad", BAD, ids=str)
def test_bad_values_are_refused_by_name_and_change_nothing(
    http: Http, host: Actor, room: Room, bad: dict[str, Any]
) -> None:
    timer = make_timer(room, host)
    full = {"title": "Talk", "duration": 600_000, **bad}
    for answer in (
        http(host, "POST", f"/rooms/{room.id}/timers", full),
        http(host, "PATCH", f"/timers/{timer.id}", bad),
    ):
        assert (answer.status_code, code_of(answer)) == (422, "validation_failed")
        assert list(answer.get_json()["error"]["details"]) == list(bad)
    assert read(timer).revision == 1


def test_a_title_and_a_duration_are_required(http: Http, host: Actor, room: Room) -> None:
    answer = http(host, "POST", f"/rooms/{room.id}/timers")
    assert sorted(answer.get_json()["error"]["details"]) == ["duration", "title"]


def test_the_actions_answer_the_timer(http: Http, host: Actor, room: Room, clock: FakeClock) -> None:
    timer, following = make_timer(room, host), make_timer(room, host, "Next")
    path = f"/timers/{timer.id}"
    started = http(host, "POST", f"{path}/start").get_json()
    assert (started["state"], started["isActive"], started["remainingMs"]) == ("running", True, None)
    assert started["endTimestamp"] == "2026-01-01T12:10:00.000Z"
    clock.advance(MINUTE_MS)
    paused = http(host, "POST", f"{path}/pause", {}).get_json()
    assert (paused["state"], paused["remainingMs"], paused["endTimestamp"]) == ("paused", 9 * MINUTE_MS, None)
    adjusted = http(host, "POST", f"{path}/adjust", {"deltaMs": -MINUTE_MS}).get_json()
    assert (adjusted["remainingMs"], adjusted["addedMs"]) == (8 * MINUTE_MS, -MINUTE_MS)
    assert http(host, "POST", f"{path}/undo").get_json()["addedMs"] == 0
    assert http(host, "POST", f"{path}/next").get_json()["id"] == following.id
    finished = http(host, "PATCH", path, {}).get_json()
    assert (finished["state"], finished["remainingMs"]) == ("finished", 0)
    assert finished["finishedAt"] == finished["endTimestamp"] == "2026-01-01T12:01:00.000Z"
    refused = http(host, "POST", f"{path}/start")
    assert (refused.status_code, code_of(refused)) == (409, "illegal_transition")
    assert http(host, "POST", f"{path}/reset").get_json()["state"] == "idle"
    assert http(host, "DELETE", path).status_code == 204
    assert code_of(http(host, "POST", f"{path}/start")) == "timer_not_found"


def test_the_duration_is_fixed_while_the_timer_is_not_idle(http: Http, host: Actor, room: Room) -> None:
    timer = make_timer(room, host)
    http(host, "POST", f"/timers/{timer.id}/start")
    answer = http(host, "PATCH", f"/timers/{timer.id}", {"duration": 5_000, "title": "No"})
    assert (answer.status_code, code_of(answer)) == (409, "illegal_transition")
    assert read(timer).title == "Talk"


@pytest.mark.parametrize("body", [{}, {"deltaMs": "1"}, {"deltaMs": 604_800_001}, {"deltaMs": 1, "more": 1}])
def test_an_adjustment_needs_whole_milliseconds(http: Http, host: Actor, room: Room, body: dict[str, Any]) -> None:
    timer = make_timer(room, host)
    assert http(host, "POST", f"/timers/{timer.id}/adjust", body).status_code == 422


def test_if_match_refuses_a_stale_write(http: Http, host: Actor, room: Room) -> None:
    timer = make_timer(room, host)
    path = f"/timers/{timer.id}"
    for stale in ("9", '"9"', 'W/"9"'):
        for method, where in (("PATCH", path), ("DELETE", path), ("POST", f"{path}/start")):
            answer = http(host, method, where, {}, headers={"If-Match": stale})
            assert (answer.status_code, code_of(answer)) == (409, "stale_revision")
    assert code_of(http(host, "PATCH", path, {}, headers={"If-Match": "latest"})) == "malformed"
    for fresh in ("1", '"1"', "*"):
        assert http(host, "PATCH", path, {}, headers={"If-Match": fresh}).status_code == 200
    assert http(host, "POST", f"{path}/start", headers={"If-Match": "1"}).status_code == 200


def test_who_is_no_host_is_refused_everywhere(http: Http, host: Actor, room: Room) -> None:
    timer = make_timer(room, host)
    member = make_user()
    add_member(room, member)
    one, many = f"/timers/{timer.id}", f"/rooms/{room.id}/timers"
    rows: list[tuple[str, str, Any]] = [
        ("POST", many, {"title": "Talk", "duration": 1_000}),
        ("PUT", one, {}),
        ("PATCH", one, {}),
        ("DELETE", one, None),
        *(("POST", f"{one}/{action}", None) for action in ("start", "pause", "reset", "next", "undo")),
        ("POST", f"{one}/adjust", {"deltaMs": 1}),
        ("PUT", f"{many}/order", {"ids": [timer.id]}),
        ("POST", f"{many}/import", {"csv": "title,duration\nA,1"}),
        ("GET", f"{many}.csv", None),
        ("GET", f"{many}.ics", None),
    ]
    for method, path, body in rows:
        assert http(ANONYMOUS, method, path, body).status_code == 401, path
        for actor in (member, make_guest(room), make_user(), Actor(share_token=room.share_token)):
            answer = http(actor, method, path, body)
            assert answer.status_code == (401 if actor.kind == "anonymous" else 403), path
    assert read(timer).revision == 1


@pytest.mark.parametrize("timer_id", ["nonsense", "00000000-0000-0000-0000-000000000000", "%00", "é"])
def test_what_is_no_timer_is_not_found(http: Http, host: Actor, timer_id: str) -> None:
    for action in ("start", "undo"):
        answer = http(host, "POST", f"/timers/{timer_id}/{action}")
        assert (answer.status_code, code_of(answer)) == (404, "timer_not_found")
    assert (
        code_of(http(host, "POST", f"/rooms/{new_id()}/timers", {"title": "T", "duration": 1_000})) == "room_not_found"
    )


def test_the_order_is_given_by_ids(http: Http, host: Actor, room: Room) -> None:
    ids = [make_timer(room, host, title).id for title in "abc"]
    answer = http(host, "PUT", f"/rooms/{room.id}/timers/order", {"ids": ids[::-1]}).get_json()
    assert [timer["id"] for timer in answer["items"]] == ids[::-1]
    assert [timer["position"] for timer in answer["items"]] == [0, 1, 2]
    assert answer["nextCursor"] is None
    for bad in (ids[:2], [*ids, ids[0]], "abc", [1], None):
        assert http(host, "PUT", f"/rooms/{room.id}/timers/order", {"ids": bad}).status_code == 422


CSV = "title,duration\nOpening,5\nTalk,30:00\n"


def test_a_programme_comes_as_json_as_csv_or_as_a_file(http: Http, host: Actor, room: Room) -> None:
    path = f"/rooms/{room.id}/timers/import"
    file = {"file": (io.BytesIO(f"\ufeff{CSV}".encode()), "show.csv"), "room": ""}
    answers = [
        http(host, "POST", path, {"csv": CSV}),
        http(host, "POST", f"{path}?autoStart=false", data=CSV, content_type="text/csv"),
        http(host, "POST", path, data=file, content_type="multipart/form-data"),
    ]
    for answer in answers:
        assert answer.status_code == 201
        rows = [(timer["title"], timer["duration"]) for timer in answer.get_json()["items"]]
        assert rows == [("Opening", 300_000), ("Talk", 1_800_000)]


def test_an_import_is_previewed_and_replaces_what_is_there(http: Http, host: Actor, room: Room) -> None:
    path = f"/rooms/{room.id}/timers/import"
    old = http(host, "POST", path, {"csv": CSV}).get_json()["items"]
    preview = http(host, "POST", f"{path}/preview", {"csv": CSV + "Bad,x\n"})
    assert preview.status_code == 200
    body = preview.get_json()
    assert [(item["title"], item["duration"]) for item in body["items"]] == [("Opening", 300_000), ("Talk", 1_800_000)]
    assert (list(body["problems"]), body["timerCount"], body["canReplace"]) == (["row 4"], 2, True)
    new = http(host, "POST", f"{path}?mode=replace", data=CSV, content_type="text/csv")
    assert new.status_code == 201
    timers = http(host, "GET", f"/rooms/{room.id}").get_json()["timers"]
    assert [timer["id"] for timer in timers] == [item["id"] for item in new.get_json()["items"]]
    assert not {item["id"] for item in old} & {timer["id"] for timer in timers}
    assert code_of(http(host, "POST", path, {"csv": CSV, "mode": "merge"})) == "validation_failed"
    http(host, "POST", f"/timers/{timers[0]['id']}/start")
    assert code_of(http(host, "POST", path, {"csv": CSV, "mode": "replace"})) == "show_is_on"


def test_a_bad_import_says_why(http: Http, host: Actor, room: Room) -> None:
    path = f"/rooms/{room.id}/timers/import"
    answer = http(host, "POST", path, {"csv": "title,duration\nA,x\n,5"})
    assert (answer.status_code, code_of(answer)) == (422, "import_failed")
    assert list(answer.get_json()["error"]["details"]) == ["row 2", "row 3"]
    assert code_of(http(host, "POST", path, data=b"title\xff", content_type="text/csv")) == "import_failed"
    assert code_of(http(host, "POST", path, data="<xml/>", content_type="text/xml")) == "unsupported_media_type"
    for body in ({}, {"csv": CSV, "schedule": {}}, {"csv": CSV, "day": "friday"}, {"csv": CSV, "more": 1}):
        assert code_of(http(host, "POST", path, body)) == "validation_failed"
    assert code_of(http(host, "POST", path, data={}, content_type="multipart/form-data")) == "validation_failed"
    assert code_of(http(host, "POST", path, data="x" * 1_000_001, content_type="text/csv")) == "body_too_large"


def test_the_run_of_show_comes_out_as_files(http: Http, host: Actor, room: Room) -> None:
    make_timer(room, host, starts_at=FakeClock().advance(MINUTE_MS))
    table = http(host, "GET", f"/rooms/{room.id}/timers.csv")
    assert table.content_type == "text/csv; charset=utf-8"
    starts = "2026-01-01T12:01:00.000Z"
    assert table.text.splitlines()[1].startswith(f"1,Talk,,idle,{starts},60000,15000,stop,{starts},00:10:00,")
    calendar = http(host, "GET", f"/rooms/{room.id}/timers.ics")
    assert calendar.content_type == "text/calendar; charset=utf-8"
    assert "DTSTART:20260101T120100Z\r\n" in calendar.text
