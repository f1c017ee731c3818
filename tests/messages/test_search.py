from __future__ import annotations

import re
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import gevent
import pytest

from app.core.actor import ANONYMOUS, Actor
from app.core.clock import FakeClock
from app.messages import search, service
from app.rooms.models import Room
from tests.messages.support import change_member, change_settings, refused, send
from tests.support.factories import add_member, make_guest, make_room, make_user
from tests.support.statements import counted

pytestmark = pytest.mark.usefixtures("app")


def found(actor: Actor, room: Room, q: str) -> list[str]:
    return [item["content"] for item in service.search_messages(actor=actor, ref=room.id, q=q)["items"]]


@pytest.mark.parametrize(
    ("q", "hits"),
    [
        ("coffee", {"Coffee at three?", "no coffee, no talk"}),
        ("COFFEE no", {"no coffee, no talk"}),
        ("coff", {"Coffee at three?", "no coffee, no talk"}),
        ("coff no", set()),  # only the last word may be a beginning
        ("slides.example.org/a_b", {"see https://slides.example.org/a_b.pdf"}),
        ("pdf", {"see https://slides.example.org/a_b.pdf"}),
        ("été", {"L'été à Paris"}),
        ("'\"():*&|! --", set()),
        ("coffee' OR 1=1", set()),
        ("room", set()),
        ("NOT coffee", set()),
    ],
)
def test_all_words_must_be_there_and_the_last_may_be_a_beginning(
    q: str, hits: set[str], owner: Actor, room: Room
) -> None:
    texts = ("Coffee at three?", "no coffee, no talk", "see https://slides.example.org/a_b.pdf", "L'été à Paris")
    for text in texts:
        send(owner, room, text)
    assert set(found(owner, room, q)) == hits


def test_a_room_is_searched_and_no_other(owner: Actor, room: Room) -> None:
    send(owner, make_room(owner), "coffee elsewhere")
    send(owner, room, "coffee here")
    assert found(owner, room, "coffee") == ["coffee here"]
    assert found(owner, room, room.id) == []


def test_the_better_match_comes_first_and_of_equals_the_newer(owner: Actor, room: Room, clock: FakeClock) -> None:
    for text in ("tea and biscuits and cake and more", "tea tea tea", "tea and biscuits and cake and more"):
        send(owner, room, text)
        clock.advance(1)
    items = service.search_messages(actor=owner, ref=room.id, q="tea")["items"]
    assert [item["seq"] for item in items] == [2, 3, 1]


def test_edited_text_is_found_as_it_is_now(owner: Actor, room: Room) -> None:
    message = send(owner, room, "coffee")
    service.edit_message(actor=owner, message_id=message["id"], content="tea")
    assert found(owner, room, "coffee") == []
    assert found(owner, room, "tea") == ["tea"]


def test_deleted_text_is_never_found(owner: Actor, room: Room) -> None:
    message = send(owner, room, "secret")
    service.delete_message(actor=owner, message_id=message["id"])
    assert found(owner, room, "secret") == []


def test_nobody_finds_what_they_may_not_read(owner: Actor, room: Room) -> None:
    late = make_user()
    add_member(room, late)
    send(owner, room, "coffee before")
    send(owner, room, "coffee after")
    change_member(room, late, joined_chat_seq=1)
    change_settings(room, history="sinceJoin")
    assert found(late, room, "coffee") == ["coffee after"]
    assert set(found(owner, room, "coffee")) == {"coffee before", "coffee after"}
    change_settings(room, history="none")
    assert found(owner, room, "coffee") == []
    for actor, code in ((ANONYMOUS, "unauthenticated"), (make_user(), "forbidden")):
        with refused(code):
            found(actor, room, "coffee")
    change_member(room, late, role="left")
    with refused("forbidden"):
        found(late, room, "coffee")


def test_results_are_paged(owner: Actor, room: Room) -> None:
    for n in range(5):
        send(owner, room, f"coffee {n}")
    seen: list[int] = []
    cursor = None
    for _ in range(3):
        page = service.search_messages(actor=owner, ref=room.id, q="coffee", limit=2, cursor=cursor)
        seen += [item["seq"] for item in page["items"]]
        cursor = page["nextCursor"]
    assert seen == [5, 4, 3, 2, 1]
    assert cursor is None
    history = service.list_messages(actor=owner, ref=room.id, limit=2)["nextCursor"]
    with refused("bad_cursor"):
        service.search_messages(actor=owner, ref=room.id, q="coffee", cursor=history)


def test_of_too_many_hits_the_newest_are_ranked(owner: Actor, room: Room, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(search, "RANKED_MAX", 2)
    for text in ("tea tea tea", "tea with much else", "tea with milk"):
        send(owner, room, text)
    assert len(found(owner, room, "tea")) == 2
    assert "tea tea tea" not in found(owner, room, "tea")


@pytest.mark.parametrize("near", [0, 1, 2, 3, 100])
def test_hits_are_the_same_wherever_they_are_met(
    near: int, owner: Actor, room: Room, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(search, "RANKED_MAX", 2)
    monkeypatch.setattr(search, "NEAR", near)
    for text in ("tea one", "coffee and tea two", "tea three", "coffee four"):
        send(owner, room, text)
    service.delete_message(actor=owner, message_id=send(owner, room, "tea five")["id"])
    assert found(owner, room, "tea") == ["tea three", "coffee and tea two"]
    assert found(owner, room, "coffee") == ["coffee four", "coffee and tea two"]
    assert found(owner, room, "coffee tea") == ["coffee and tea two"]


def test_searching_is_two_statements(owner: Actor, room: Room) -> None:
    guest = make_guest(room)
    for _ in range(5):
        send(guest, room, "coffee")
    with counted() as statements:
        service.search_messages(actor=guest, ref=room.id, q="coffee")
    assert len(statements) == 2


def test_an_excerpt_is_cut_where_the_words_are() -> None:
    assert search.highlight("No Coffee, no coffeehouse!", ["no", "coffee"]) == [
        {"text": "No", "match": True},
        {"text": " ", "match": False},
        {"text": "Coffee", "match": True},
        {"text": ", ", "match": False},
        {"text": "no", "match": True},
        {"text": " ", "match": False},
        {"text": "coffeehouse", "match": True},
        {"text": "!", "match": False},
    ]


def test_a_long_text_is_shown_around_its_first_match() -> None:
    parts = search.highlight("x " * 500 + "needle" + " y" * 500, ["needle"])
    assert {"text": "needle", "match": True} in parts
    assert (parts[0]["text"], parts[-1]["text"]) == ("…", "…")
    assert sum(len(part["text"]) for part in parts) < 400


def test_what_the_database_found_differently_is_shown_without_a_match() -> None:
    assert search.highlight("plain", ["other"]) == [{"text": "plain", "match": False}]


def test_of_a_text_that_is_all_matches_no_more_is_looked_at_than_is_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    """A page of a hundred such texts took a third of a second of the loop."""
    seen: list[re.Match[str]] = []

    def noted(matches: Iterator[re.Match[str]]) -> Iterator[re.Match[str]]:
        for match in matches:
            seen.append(match)
            yield match

    def compiled(*args: Any) -> Any:
        pattern = re.compile(*args)
        return SimpleNamespace(finditer=lambda *at: noted(pattern.finditer(*at)))

    def finditer(*args: Any) -> Any:
        return noted(re.finditer(*args))

    counting = {"search": re.search, "compile": compiled, "finditer": finditer, "IGNORECASE": re.IGNORECASE}
    monkeypatch.setattr(search, "re", SimpleNamespace(**counting))
    parts = search.highlight("a " * 2_000, ["a"])
    assert parts[-1] == {"text": "…", "match": False}
    assert len([part for part in parts if part["match"]]) <= len(seen) <= len(parts)


def test_who_searches_without_end_has_one_search_at_a_time(
    owner: Actor, room: Room, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of the few connections the others need theirs."""
    other = make_user()
    add_member(room, other)
    send(owner, room, "coffee")
    running: list[str] = []
    most: list[int] = []
    real = search.require_role

    def looked_at(*args: Any, actor: Actor, **kwargs: Any) -> Any:
        running.append(str(actor.id))
        most.append(len(running))
        try:
            gevent.sleep(0)  # as the database lets others run
            return real(*args, actor=actor, **kwargs)
        finally:
            running.remove(str(actor.id))

    monkeypatch.setattr(search, "require_role", looked_at)
    order: list[Actor] = []

    def ask(actor: Actor) -> None:
        found(actor, room, "coffee")
        order.append(actor)

    asked = [gevent.spawn(ask, actor) for actor in (owner, owner, owner, other)]
    gevent.joinall(asked, raise_error=True)
    assert max(most) == search.AT_ONCE
    assert order == [owner, other, owner, owner]
