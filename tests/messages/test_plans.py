"""Each read of a big room goes through its index: asked of the databases themselves."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from sqlalchemy import text

from app.backends.transaction import database, reading, transaction
from app.core.actor import Actor
from app.core.clock import FakeClock
from app.core.ids import new_id
from app.messages import search, service
from app.messages.models import Message
from app.rooms.models import Room
from tests.messages.support import change_member, change_settings, send
from tests.support.factories import make_room
from tests.support.statements import noted

ROWS = 3_000


@pytest.fixture
def room(owner: Actor, clock: FakeClock) -> Room:
    """One room among others, each with its share of `ROWS` messages."""
    rooms = [make_room(owner) for _ in range(3)]
    with transaction() as work:
        rows = [
            {
                "id": new_id(),
                "room_id": rooms[n % 3].id,
                "seq": n + 1,
                "change_seq": n + 1,
                "user_id": owner.id,
                "author_name": "Ada",
                "content": f"message number{n}",
                "message_type": "text",
                "client_message_id": f"c{n}",
                "votes": 0,
                "created_at": clock.advance(1),
            }
            for n in range(ROWS)
        ]
        work.session.execute(Message.__table__.insert(), rows)
        work.session.execute(text("UPDATE room_heads SET chat_seq = :rows"), {"rows": ROWS})
    with database.engine.connect() as connection:
        connection.execution_options(isolation_level="AUTOCOMMIT").execute(
            text("ANALYZE" if database.dialect == "sqlite" else "VACUUM ANALYZE")
        )
    return rooms[1]


@pytest.fixture(autouse=True)
def _in_proportion(monkeypatch: pytest.MonkeyPatch) -> None:
    """What a search walks back over is a small part of the room, as it is of a room that is worth an index."""
    monkeypatch.setattr(search, "NEAR", 20)


@contextmanager
def plans() -> Iterator[list[str]]:
    """How the database runs each statement of the block that reads `messages`."""
    told: list[str] = []
    with noted() as statements:
        yield told
    told += [statement.explain() for statement in statements if "messages" in statement.text]


def goes_through(plan: str, *indexes: str) -> bool:
    """Whether `messages` is read by one of `indexes` and never as a whole."""
    whole = "Seq Scan on messages" in plan or "SCAN messages\n" in plan + "\n"
    return any(index in plan for index in indexes) and not whole


READS: list[tuple[str, Callable[[Actor, Room], Any], tuple[str, ...]]] = [
    ("the newest page", lambda a, r: service.list_messages(actor=a, ref=r.id), ("ix_messages_page",)),
    (
        "a page further back",
        lambda a, r: service.list_messages(
            actor=a, ref=r.id, cursor=service.list_messages(actor=a, ref=r.id)["nextCursor"]
        ),
        ("ix_messages_page",),
    ),
    (
        "seed 002's page",
        lambda a, r: service.list_messages_before(actor=a, ref=r.id, before=database.now()),
        ("ix_messages_page",),
    ),
    (
        "what changed",
        lambda a, r: service.list_messages(actor=a, ref=r.id, after_change=ROWS - 30),
        ("ix_messages_changes",),
    ),
    (
        "a word",
        lambda a, r: service.search_messages(actor=a, ref=r.id, q="number1234"),
        ("ix_messages_search", "messages_search VIRTUAL TABLE", "hits VIRTUAL TABLE"),
    ),
    (
        "the same message sent before",
        lambda a, r: send(a, r, client_message_id="c1"),
        ("ix_messages_sent_by_user",),
    ),
]


@pytest.mark.parametrize(("read", "indexes"), [row[1:] for row in READS], ids=[row[0] for row in READS])
def test_a_big_room_is_read_by_index(
    read: Callable[[Actor, Room], Any], indexes: tuple[str, ...], owner: Actor, room: Room
) -> None:
    with plans() as told:
        read(owner, room)
    assert any(goes_through(plan, *indexes) for plan in told), "\n\n".join(told)
    assert not any("Seq Scan on messages" in plan for plan in told), "\n\n".join(told)


def test_what_is_unread_is_counted_by_index(owner: Actor, room: Room) -> None:
    with plans() as told, reading() as session:
        service.count_unread(session, owner, [room.id])
    assert any(goes_through(plan, "uq_messages_room_id_seq", "sqlite_autoindex_messages") for plan in told), told


def test_a_page_since_joining_is_read_by_index(owner: Actor, room: Room) -> None:
    change_settings(room, history="sinceJoin")
    change_member(room, owner, joined_chat_seq=5)
    with plans() as told:
        service.list_messages(actor=owner, ref=room.id)
    assert any(goes_through(plan, "ix_messages_page") for plan in told), "\n\n".join(told)
