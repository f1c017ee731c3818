"""`kill -9` while the embedded database is written: it starts again, is right, and has all that was acked."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import gevent
import pytest
import requests

from tests.faults.scene import SETTINGS
from tests.support.fixtures import StartServer
from tests.support.people import Person
from tests.support.server import Server, flask
from tests.support.waiting import eventually

WRITERS = 4
ACKED_BEFORE_THE_KILL = 40


class Written:
    """What the server said ok to before it was killed."""

    def __init__(self, host: Person) -> None:
        self.host = host
        self.room = host.post("/api/rooms", name="Hall")
        self.path = f"/api/rooms/{self.room['id']}"
        self.timer = host.post(f"{self.path}/timers", title="Keynote", duration=3_600_000)
        self.messages: dict[str, str] = {}
        self._number = 0

    def say(self) -> None:
        """A message with an id of ours."""
        self._number += 1
        sent = f"c{self._number}"
        said = self.host.post(f"{self.path}/messages", content=sent, clientMessageId=sent)
        self.messages[sent] = said["id"]

    def run(self) -> None:
        """Give the timer a second: one more revision and one more `addedMs`, in the row and in the log."""
        self.timer = self.host.post(f"/api/timers/{self.timer['id']}/adjust", deltaMs=1_000)

    def read(self) -> list[dict[str, Any]]:
        """All messages of the room, by walking back page by page."""
        items: list[dict[str, Any]] = []
        cursor = ""
        while True:
            page = self.host.get(f"{self.path}/messages?limit=100{cursor}")
            items += page["items"]
            if page["nextCursor"] is None:
                return items
            cursor = f"&cursor={page['nextCursor']}"


@contextmanager
def writing(*actions: Callable[[], None]) -> Iterator[None]:
    """Each action over and over, all at once, until the server is gone."""

    def keep_on(action: Callable[[], None]) -> None:
        while True:
            try:
                action()
            except requests.RequestException:
                return

    writers = [gevent.spawn(keep_on, action) for action in actions]
    yield
    gevent.joinall(writers, timeout=30, raise_error=True)
    assert all(writer.ready() for writer in writers)


@pytest.fixture
def server(start_server: StartServer) -> Server:
    return start_server(SETTINGS)


def test_a_server_killed_while_it_writes_has_all_that_it_said_ok_to(server: Server) -> None:
    written = Written(Person(server.url))
    with writing(*[written.say] * WRITERS, written.run):
        eventually(lambda: len(written.messages) >= ACKED_BEFORE_THE_KILL, within_s=60)
        server.kill()
    assert "NOT" not in flask("check", settings=server.settings, directory=server.directory)
    server.start()
    kept = {message["clientMessageId"]: message["id"] for message in written.read()}
    assert {sent: kept.get(sent) for sent in written.messages} == written.messages
    assert len(kept) - len(written.messages) <= WRITERS  # what was written, and nobody was told of any more
    (timer,) = written.host.get(written.path)["timers"]
    assert timer["revision"] - written.timer["revision"] in (0, 1)
    assert timer["addedMs"] // 1_000 == timer["revision"] - 1
    written.say()
    written.run()
