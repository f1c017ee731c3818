"""A conversation of a million messages: how each read of it runs, and how long, on PostgreSQL and on SQLite.

`python -m bench.history [--messages N] [--plans]`, or `make bench ARGS='--only history'`. The rows are made by the database.
Each read is the service's own; the statement that it sends is explained by the same database, with the same parameters. Exits
with 1 when one reads the messages as a whole or takes more statements than it may.
"""

from __future__ import annotations

from gevent import monkey

monkey.patch_all()  # as the server: before anything imports a database driver

import argparse
import re
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

from sqlalchemy import text

from app import create_app
from app.backends.transaction import database, reading
from app.core.actor import Actor
from app.core.clock import from_epoch_ms
from app.core.ids import new_id
from app.messages import service
from app.messages.cursors import Before, encode_place
from app.rooms.models import Room
from app.settings import Settings
from bench import machine
from tests.support.factories import make_room, make_user
from tests.support.server import flask
from tests.support.services import Postgres
from tests.support.statements import noted

NAME = "history"
TIMES = 5
OTHER_ROOMS = 20
FIRST_MS = 1_700_000_000_000
EVERY_MS = 40  # a message: several share a second, some share a millisecond
WORDS = 20_000
SECRET = "only-for-the-benchmark-0123456789abcdef"

# A common word, a rare one (one in WORDS) and a number of its own.
FILL = {
    "postgresql": """
        INSERT INTO messages (id, room_id, seq, change_seq, user_id, author_name, content, message_type, votes, created_at)
        SELECT gen_random_uuid(), CAST(:room AS uuid), n, n, CAST(:person AS uuid), 'Ada',
               'hello from w' || (n % :words * 7919 % :words) || ' and number' || n, 'text', 0,
               to_timestamp((:first_ms + n / 3 * :every_ms) / 1000.0)
        FROM generate_series(1, :count) AS n""",
    "sqlite": """
        WITH RECURSIVE rows (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM rows WHERE n < :count)
        INSERT INTO messages (id, room_id, seq, change_seq, user_id, author_name, content, message_type, votes, created_at)
        SELECT lower(hex(randomblob(16))), :room, n, n, :person, 'Ada',
               'hello from w' || (n % :words * 7919 % :words) || ' and number' || n, 'text', 0, :first_ms + n / 3 * :every_ms
        FROM rows""",
}
WHOLE = re.compile(r"Seq Scan on messages\b|SCAN messages$", re.MULTILINE)
INDEX = re.compile(
    r"(?:Index (?:Only )?Scan(?: Backward)? using|Bitmap Index Scan on|USING (?:COVERING )?INDEX) (\w+)|(VIRTUAL TABLE)"
)


Call = Callable[[Actor, Room], Any]


@dataclass
class Read:
    """A read of the service: what it may cost in statements, the check of rights included."""

    name: str
    call: Call
    statements: int


@dataclass
class Found:
    """What a read cost: the median of `TIMES`, ms; what it sent; how the database runs what touches the messages."""

    read: Read
    duration_ms: float
    statements: int
    plans: list[str]

    @property
    def indexes(self) -> list[str]:
        """What the messages are found by."""
        names = [match[1] or "full-text index" for plan in self.plans for match in INDEX.finditer(plan)]
        return list(dict.fromkeys(name for name in names if "message" in name or "text" in name))

    @property
    def is_good(self) -> bool:
        """Whether it keeps to its statements and never reads the messages as a whole."""
        return self.statements <= self.read.statements and not any(WHOLE.search(plan) for plan in self.plans)


def reads(messages: int) -> list[Read]:
    """Every read whose cost must not grow with the room, and a send beside them."""
    middle = from_epoch_ms(FIRST_MS + messages // 6 * EVERY_MS)
    cursor = encode_place(Before(middle, new_id()))

    def page(**where: Any) -> Call:
        return lambda actor, room: service.list_messages(actor=actor, ref=room.id, **where)

    def before_middle(actor: Actor, room: Room) -> Any:
        return service.list_messages_before(actor=actor, ref=room.id, before=middle)

    def search(words: str) -> Call:
        return lambda actor, room: service.search_messages(actor=actor, ref=room.id, q=words)

    def unread(actor: Actor, room: Room) -> Any:
        with reading() as session:
            return service.count_unread(session, actor, [room.id])

    def send(actor: Actor, room: Room) -> Any:
        return service.send_message(actor=actor, room_id=room.id, content="one more")

    return [
        Read("the newest page", page(), 2),
        Read("a page by cursor, from the middle", page(cursor=cursor), 2),
        Read("`afterChange`, near the head", page(after_change=messages - 40), 2),
        Read("`afterChange`, from the middle", page(after_change=messages // 2), 2),
        Read("`beforeTs`, from the middle", before_middle, 2),
        Read("search: a rare word", search("w4711"), 2),
        Read("search: a word of every message", search("hello"), 2),
        Read("search: both", search("hello w4711"), 2),
        Read("unread count of who has read nothing", unread, 1),
        Read("sending one more", send, 6),
    ]


def measure(url: str, messages: int) -> Iterator[Found]:
    """Every read of a conversation of that size, on the migrated and empty database at `url`."""
    with tempfile.TemporaryDirectory() as data:
        env = {"DATABASE_URL": url, "JWT_SECRET": SECRET, "DATA_DIR": data, "LOG_LEVEL": "error"}
        create_app(Settings.from_env(env, dotenv=None))
        ada, bob = make_user("Ada"), make_user("Bob")
        room = make_room(bob)
        for place, count in [(make_room(ada), messages // 100) for _ in range(OTHER_ROOMS)] + [(room, messages)]:
            fill(place, ada, count)
        settle()
        for read in reads(messages):
            yield look(read, bob, room)
        database.dispose()


def fill(room: Room, author: Actor, count: int) -> None:
    """Have the database write `count` messages of `author`."""
    is_sqlite = database.dialect == "sqlite"
    ids = {"room": room.id, "person": str(author.id)}
    if is_sqlite:
        ids = {name: ident.replace("-", "") for name, ident in ids.items()}
    with database.engine.begin() as connection:
        if not is_sqlite:
            connection.execute(text("SET LOCAL statement_timeout = 0"))
        numbers = {"count": count, "words": WORDS, "first_ms": FIRST_MS, "every_ms": EVERY_MS}
        connection.execute(text(FILL[database.dialect]), {**ids, **numbers})
        head = text("UPDATE room_heads SET chat_seq = :count WHERE room_id = :room")
        connection.execute(head, {"count": count, "room": ids["room"]})


def settle() -> None:
    """What a database does by itself in time: statistics, and on PostgreSQL visibility."""
    with database.engine.connect() as connection:
        connection.execution_options(isolation_level="AUTOCOMMIT")
        if database.dialect == "postgresql":
            connection.execute(text("SET statement_timeout = 0"))
        connection.execute(text("ANALYZE" if database.dialect == "sqlite" else "VACUUM ANALYZE"))


def look(read: Read, actor: Actor, room: Room) -> Found:
    """Run one read, with its statements noted once and its time taken `TIMES`."""
    with noted() as statements:
        read.call(actor, room)
    durations_ms = []
    for _ in range(TIMES):
        began = time.perf_counter()
        read.call(actor, room)
        durations_ms.append(1000 * (time.perf_counter() - began))
    plans = [
        statement.explain() for statement in statements if re.search(r"\b(?:FROM|JOIN|INTO) messages\b", statement.text)
    ]
    return Found(read, median(durations_ms), len(statements), plans)


def main() -> int:
    """Measure and print; the exit code."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--messages", type=int, default=1_000_000)
    parser.add_argument("--plans", action="store_true", help="print how each statement is run")
    options = parser.parse_args()
    print(f"{machine.describe()}\n\n{options.messages:,} messages in the room, {TIMES} runs each\n")
    print("| read | database | ms | statements | found by |\n| --- | --- | --- | --- | --- |", flush=True)
    is_good = True
    with Postgres() as postgres, tempfile.TemporaryDirectory() as home:
        sqlite = f"sqlite:///{Path(home) / 'greenroom.db'}"
        for label, url in (("PostgreSQL", postgres.url), ("SQLite", sqlite)):
            flask("db", "upgrade", settings={"DATABASE_URL": url}, directory=Path(home))
            for found in measure(url, options.messages):
                is_good = is_good and found.is_good
                cells = [
                    found.read.name,
                    label,
                    f"{found.duration_ms:.1f}",
                    str(found.statements),
                    ", ".join(found.indexes),
                ]
                print(f"| {' | '.join(cells)} |{'' if found.is_good else ' NOT AS IT SHOULD BE'}", flush=True)
                if options.plans or not found.is_good:
                    print("", *found.plans, sep="\n\n")
    return 0 if is_good else 1


if __name__ == "__main__":
    sys.exit(main())
