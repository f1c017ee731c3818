"""A room under load while something breaks: 50 participants, some of whom talk, and timers that end meanwhile.

with Scene(cluster) as scene:
    with scene.busy():
        cluster.redis.restart()
    scene.recover()      # how long until a new message reaches everybody
    scene.check()        # every promise of "Order, loss, resume"
"""

from __future__ import annotations

import itertools
import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Self
from urllib.error import HTTPError, URLError
from urllib.request import Request, urlopen
from uuid import uuid4

import gevent.event

from tests.faults.crowd import Crowd
from tests.faults.participant import Participant
from tests.faults.report import Outcome
from tests.support.waiting import eventually

SPEAKERS = 4
SAY_EVERY_S = 0.4
TIMER_MS = 2_000
#: After the fault has ended; the goal is half of it.
LIMIT_S = 10.0
PRESENCE_S = 5.0
SETTINGS = {"RATE_LIMIT_MAX_REQUESTS": "0", "WIDE_RATE_LIMIT_MAX_REQUESTS": "0", "LOG_LEVEL": "warning"}


def post(url: str, path: str, body: dict[str, Any], token: str = "", *, patiently: bool = False) -> dict[str, Any]:
    """POST to the API; `patiently` repeats while the server is away."""
    headers = {"Content-Type": "application/json", **({"Authorization": f"Bearer {token}"} if token else {})}
    while True:
        request = Request(f"{url}/api{path}", json.dumps(body).encode(), headers, method="POST")
        try:
            with urlopen(request, timeout=5) as response:
                return dict(json.loads(response.read() or b"{}"))
        except HTTPError as why:
            if not (patiently and why.code in (502, 503, 504)):
                raise AssertionError(f"{path}: {why.code} {why.read().decode()}") from None
        except (URLError, OSError):
            if not patiently:
                raise
        gevent.sleep(0.2)


@dataclass
class Scene:
    """A room on running workers.

    urls:     where participants connect, in turn; the first one also serves the owner
    """

    urls: list[str]
    guests: int = 40
    viewers: int = 9
    participants: list[Participant] = field(default_factory=list)
    said: dict[str, str] = field(default_factory=dict)
    timers: list[str] = field(default_factory=list)
    outcome: Outcome = field(default_factory=Outcome)
    owner_token: str = ""
    room: dict[str, Any] = field(default_factory=dict)
    crowd: Crowd | None = None

    def __enter__(self) -> Self:
        account = {"username": f"owner-{uuid4().hex[:8]}", "password": "long enough for a test"}
        self.owner_token = post(self.urls[0], "/auth/register", account)["accessToken"]
        self.room = post(self.urls[0], "/rooms", {"name": "A busy room"}, self.owner_token)
        urls = itertools.cycle(self.urls)
        for number in range(self.guests):
            path = f"/rooms/{self.room['id']}/guests"
            token = post(self.urls[0], path, {"name": f"guest {number}"})["accessToken"]
            self._add(Participant(next(urls), self.room["id"], self.room["id"], {"token": token}))
        for _ in range(self.viewers):
            self._add(Participant(next(urls), self.room["shareToken"], self.room["id"], reads_chat=False))
        self._add(Participant(next(urls), self.room["id"], self.room["id"], {"token": self.owner_token}))
        eventually(lambda: all(each.is_live for each in self.participants), 20, "not everybody could join")
        self.outcome.clients = len(self.participants)
        return self

    def __exit__(self, *_: object) -> None:
        gevent.joinall([gevent.spawn(each.stop) for each in self.participants])

    def _add(self, participant: Participant) -> None:
        self.participants.append(participant)
        participant.start()

    @property
    def speakers(self) -> list[Participant]:
        """Who talks: spread over the workers."""
        return self.participants[:SPEAKERS]

    @property
    def rejoined(self) -> int:
        """How often participants came back."""
        return sum(each.joins - 1 for each in self.participants)

    @property
    def refused_sends(self) -> int:
        """How often a send had to be tried again."""
        return sum(each.retries for each in self.participants)

    @contextmanager
    def busy(self, seconds_after: float = 1.0) -> Iterator[None]:
        """Talk and run timers before, during and after the block, at whose end the fault is over.

        All that was begun is acked afterwards, and everybody is back.
        """
        is_over = gevent.event.Event()
        talking = [gevent.spawn(self._talk, speaker, is_over) for speaker in self.speakers]
        timing = gevent.spawn(self._run_timers, is_over)
        gevent.sleep(0.8)
        try:
            yield
            self.recover()
            gevent.sleep(seconds_after)
        finally:
            is_over.set()
            gevent.joinall([*talking, timing], timeout=2 * LIMIT_S, raise_error=True)
        assert all(greenlet.ready() for greenlet in talking), "a message was never acked"

    def recover(self) -> None:
        """Say something now, and note the seconds until everybody who may has it."""
        began = time.monotonic()
        probe = self.say(self.participants[SPEAKERS], "is everybody back?")
        readers = [each for each in self.participants if each.reads_chat]
        eventually(
            lambda: all(probe in each.messages for each in readers),
            LIMIT_S - (time.monotonic() - began),
            f"after {LIMIT_S} s not everybody is back",
        )
        self.outcome.recovered(time.monotonic() - began)

    def count_seen_by(self, url: str) -> int:
        """How many people are in the room, as that worker tells whoever asks."""
        return int(self._state(url)["userCount"])

    def wait_for_count(self, url: str, count: int) -> float:
        """The seconds until that worker counts so many; presence has five to tell the truth."""
        return eventually(lambda: self.count_seen_by(url) == count, PRESENCE_S, f"{url} does not count {count}")

    def fill(self, crowd: Crowd, viewers: int, guests: int = 0) -> None:
        """Let a crowd come into the room; `check` is about them as well."""
        people = [self._guest(number) for number in range(guests)]
        people += [{"auth": {}, "join": {"shareToken": self.room["shareToken"]}}] * viewers
        crowd.come(people)
        self.crowd = crowd
        self.outcome.clients += len(people)

    def _guest(self, number: int) -> dict[str, Any]:
        path = f"/rooms/{self.room['id']}/guests"
        token = post(self.urls[0], path, {"name": f"one of many {number}"})["accessToken"]
        return {"auth": {"token": token}, "join": {"roomId": self.room["id"]}}

    def _counts(self) -> dict[str, int]:
        return {
            "come back": self.rejoined,
            "sends are tried again": self.refused_sends,
            "jumps are mended": sum(each.jumps for each in self.participants),
        }

    def check(self) -> None:
        """Everything that "Order, loss, resume" promises.

        Raises:
            AssertionError: with each breach.
        """
        self.outcome.seen = self._counts()
        head = self._head()
        eventually(lambda: all(self._is_at(each, head) for each in self.participants), LIMIT_S, self._stragglers(head))
        breaches = [f"{index}: {breach}" for index, each in enumerate(self.participants) for breach in each.breaches]
        wanted = set(self.said.values())
        assert len(wanted) == len(self.said), "a message that was sent again became another message"
        for index, each in enumerate(self.participants):
            if each.reads_chat and (missing := wanted - each.messages.keys()):
                breaches.append(f"{index}: never got {len(missing)} of {len(wanted)} acked messages")
            if dict(each.finished) != dict.fromkeys(self.timers, 1):
                breaches.append(f"{index}: timer-finished {dict(each.finished)} for {len(self.timers)} timers")
        if self.crowd is not None:
            breaches += self._breaches_of_crowd(self.crowd, head, wanted)
        assert not breaches, "\n".join(breaches[:20])

    def _breaches_of_crowd(self, crowd: Crowd, head: dict[str, int], messages: set[str]) -> list[str]:
        """What is left of them once its process, like the participants, has had the time to read what was sent."""
        deadline_s = time.monotonic() + LIMIT_S
        while found := crowd.breaches(head=head, messages=messages, timers=self.timers):
            if time.monotonic() > deadline_s:
                break
            gevent.sleep(0.1)
        return found

    def say(self, speaker: Participant, content: str) -> str:
        """A message that is acked, however long it takes; its id."""
        client_message_id = uuid4().hex
        message_id = self.said[client_message_id] = speaker.say(content, client_message_id)
        return message_id

    def _talk(self, speaker: Participant, is_over: gevent.event.Event) -> None:
        number = 0
        while not is_over.is_set():
            number += 1
            self.say(speaker, f"number {number}")
            is_over.wait(SAY_EVERY_S)

    def _run_timers(self, is_over: gevent.event.Event) -> None:
        path = f"/rooms/{self.room['id']}/timers"
        while not is_over.is_set():
            body = {"title": f"timer {len(self.timers)}", "duration": TIMER_MS}
            timer = post(self.urls[-1], path, body, self.owner_token, patiently=True)
            self._start(timer["id"])
            self.timers.append(timer["id"])
            is_over.wait(1.5)
        readers = [each for each in self.participants if each.reads_chat]
        eventually(
            lambda: all(each.finished.total() >= len(self.timers) for each in readers),
            LIMIT_S + TIMER_MS / 1000,
            "timer-finished did not reach everybody",
        )

    def _start(self, timer_id: str) -> None:
        """Start a timer; one whose start was done and whose answer was lost may have ended before the start is repeated."""
        try:
            post(self.urls[-1], f"/timers/{timer_id}/start", {}, self.owner_token, patiently=True)
        except AssertionError as why:
            if "illegal_transition" not in str(why):
                raise

    def _head(self) -> dict[str, int]:
        position: dict[str, int] = self._state(self.urls[0])["position"]
        return position

    def _state(self, url: str) -> dict[str, Any]:
        headers = {"Authorization": f"Bearer {self.owner_token}"}
        with urlopen(Request(f"{url}/api/rooms/{self.room['id']}", headers=headers), timeout=5) as response:
            return dict(json.loads(response.read()))

    def _is_at(self, participant: Participant, head: dict[str, int]) -> bool:
        position = participant.position or {}
        chat = position.get("chat") == head["chat"] or not participant.reads_chat
        return position.get("room") == head["room"] and chat

    def _stragglers(self, head: dict[str, int]) -> str:
        behind = [str(each.position) for each in self.participants if not self._is_at(each, head)]
        return f"head is {head}, but {len(behind)} are elsewhere: {behind[:3]}"
