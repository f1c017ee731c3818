from __future__ import annotations

import gevent
import pytest
from flask import Flask
from gevent.event import Event
from sqlalchemy.exc import DataError

from app.backends.transaction import reading, transaction
from app.core.actor import ANONYMOUS
from app.core.errors import AppError
from app.messages import batch, service
from app.messages.batch import Batcher
from app.messages.sending import Outcome
from app.messages.standing import Draft
from tests.messages.support import refused, send, texts
from tests.support.factories import add_member, make_room, make_user
from tests.support.statements import counted


def draft(content: str, room_id: str = "room") -> Draft:
    return Draft(ANONYMOUS, room_id, content)


def one() -> int:
    return 1


class Recorder:
    """Writes nothing, slowly: others come while it does."""

    def __init__(self) -> None:
        self.batches: list[list[str]] = []

    def write(self, drafts: list[Draft]) -> list[Outcome]:
        self.batches.append([draft.content for draft in drafts])
        gevent.sleep(0)
        if any(draft.content == "poison" for draft in drafts):
            raise DataError("INSERT", {}, ValueError("poison"))
        if any(draft.content == "outage" for draft in drafts):
            raise AppError("database_unavailable")
        return [Outcome({"content": draft.content}) for draft in drafts]


def send_all(batcher: Batcher, contents: list[str]) -> list[object]:
    """What each sender got: the content, or the exception."""

    def attempt(content: str) -> object:
        try:
            message = batcher.send(draft(content)).message
            assert message is not None
            return message["content"]
        except (AppError, DataError) as why:
            return type(why)

    senders = [gevent.spawn(attempt, content) for content in contents]
    gevent.joinall(senders, timeout=5, raise_error=True)
    return [sender.value for sender in senders]


def test_the_first_goes_at_once_and_those_who_come_meanwhile_go_together() -> None:
    recorder = Recorder()
    batcher = Batcher(recorder.write, one)
    first = gevent.spawn(batcher.send, draft("first"))
    while not recorder.batches:
        gevent.sleep(0)
    assert send_all(batcher, ["a", "b", "c"]) == ["a", "b", "c"]
    assert first.get(timeout=5).message == {"content": "first"}
    assert recorder.batches == [["first"], ["a", "b", "c"]]


def test_a_batch_has_an_upper_size(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(batch, "BATCH_MAX", 2)
    recorder = Recorder()
    assert send_all(Batcher(recorder.write, one), ["a", "b", "c", "d", "e"]) == ["a", "b", "c", "d", "e"]
    assert [len(contents) for contents in recorder.batches] == [2, 2, 1]


def test_what_the_database_refuses_fails_alone() -> None:
    recorder = Recorder()
    assert send_all(Batcher(recorder.write, one), ["a", "poison", "b"]) == ["a", DataError, "b"]
    assert recorder.batches == [["a", "poison", "b"], ["a"], ["poison"], ["b"]]


def test_in_an_outage_everybody_is_told_once() -> None:
    recorder = Recorder()
    assert send_all(Batcher(recorder.write, one), ["a", "outage"]) == [AppError, AppError]
    assert len(recorder.batches) == 1


def test_the_batcher_goes_on_after_a_failure() -> None:
    batcher = Batcher(Recorder().write, one)
    assert send_all(batcher, ["outage"]) == [AppError]
    assert send_all(batcher, ["a"]) == ["a"]


def test_a_quiet_room_does_not_wait_for_the_commit_of_a_busy_one() -> None:
    written: list[str] = []
    commit = Event()

    def write(drafts: list[Draft]) -> list[Outcome]:
        if drafts[0].room_id == "busy":
            commit.wait()
        written.extend(draft.content for draft in drafts)
        return [Outcome({"content": draft.content}) for draft in drafts]

    batcher = Batcher(write, lambda: 2)
    begun = [batcher.put(draft("a", "busy"))]
    gevent.sleep(0.01)
    begun += [batcher.put(draft("b", "busy")), batcher.put(draft("c", "busy"))]
    quiet = [gevent.spawn(batcher.send, draft(content, "quiet")) for content in ("x", "y")]
    gevent.joinall(quiet, timeout=5, raise_error=True)
    assert written == ["x", "y"]
    commit.set()
    while not all(later.is_ready for later in begun):
        gevent.sleep(0.001)
    assert written == ["x", "y", "a", "b", "c"]


def test_senders_in_many_rooms_share_statements(app: Flask) -> None:
    owner = make_user()
    rooms = [make_room(owner) for _ in range(4)]
    with counted() as statements:
        senders = [gevent.spawn(send, owner, room, str(n)) for n in range(5) for room in rooms]
        gevent.joinall(senders, timeout=10, raise_error=True)
    assert len(statements) <= 12
    for room in rooms:
        page = service.list_messages(actor=owner, ref=room.id)
        assert texts(page) == ["0", "1", "2", "3", "4"]
        assert [item["seq"] for item in page["items"]] == [1, 2, 3, 4, 5]


def test_what_one_author_begins_before_a_commit_goes_together_in_its_order(app: Flask) -> None:
    owner = make_user()
    room = make_room(owner)
    with counted() as statements:
        begun = [service.begin_sending(actor=owner, room_id=room.id, content=str(n)) for n in range(5)]
        while not all(later.is_ready for later in begun):
            gevent.sleep(0.001)
    assert [later.result()["content"] for later in begun] == ["0", "1", "2", "3", "4"]
    assert [later.result()["seq"] for later in begun] == [1, 2, 3, 4, 5]
    assert len(statements) <= 4


def test_a_refusal_amid_what_was_begun_costs_the_others_nothing(app: Flask) -> None:
    owner = make_user()
    room, nobody = make_room(owner), make_user()
    actors = [owner, nobody, owner]
    begun = [service.begin_sending(actor=actor, room_id=room.id, content=str(n)) for n, actor in enumerate(actors)]
    while not all(later.is_ready for later in begun):
        gevent.sleep(0.001)
    with refused("forbidden"):
        begun[1].result()
    assert [begun[n].result()["seq"] for n in (0, 2)] == [1, 2]


def test_sending_inside_a_transaction_belongs_to_it(app: Flask) -> None:
    owner = make_user()
    room = make_room(owner)

    def send_and_fail() -> None:
        with transaction():
            send(owner, room, "never happened")
            raise RuntimeError

    with pytest.raises(RuntimeError):
        send_and_fail()
    assert texts(service.list_messages(actor=owner, ref=room.id)) == []


def test_sending_while_reading_does_not_wait_for_the_snapshot(app: Flask) -> None:
    owner = make_user()
    room, other = make_room(owner), make_user()
    add_member(room, other)
    with reading():
        assert send(owner, room)["seq"] == 1
