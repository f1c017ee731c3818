"""A day of IRC once more, through real sockets: who spoke is a guest, and every listener must end with the log of that day.

    .venv/bin/python examples/replay.py --url http://127.0.0.1:3000 --speed 200

Makes an account and a room on a Greenroom, whatever its limits. Everybody signs in before the first line. Half of the
listeners stay all day, a quarter come late, a quarter are cut off three times and resume by their `position`, the last time
after more than a resume repeats. Each one's log is compared with the file, line by line; exits with 1 if one differs. Joins and
renames (`===`) are not said by anybody and are left out; `* nick …` is.
"""

from __future__ import annotations

from gevent import monkey

monkey.patch_all()  # hundreds of blocking clients in one process; before anything imports sockets

import argparse
import re
import socket
import sys
import threading
import time
import uuid
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import zip_longest
from pathlib import Path
from typing import Any

import gevent
import requests
import socketio
from requests.adapters import HTTPAdapter
from socketio.exceptions import SocketIOError
from urllib3.util import Retry

DAY = Path(__file__).parent / "data" / "ubuntu-irc-2016-11-02.txt"
SAID = re.compile(r"\[(?P<hour>\d\d):(?P<minute>\d\d)\] +(?P<text>(?:<(?P<nick>[^>]+)>|\* (?P<doer>\S+)) .*)")
PAGE = 100
TIMEOUT_S = 15
SETTLE_S = 60
AWAY_LINES = (5, 50, 350)  # the last is more than a resume repeats: who was away that long has to read the pages
STAGGER = 25
WAIT_S = 0.02

Json = dict[str, Any]


@dataclass(frozen=True)
class Line:
    """What one nick said: `text` as in the file, `at_s` seconds after midnight."""

    at_s: float
    nick: str
    text: str

    def __str__(self) -> str:
        return f"<{self.nick}> {self.text}"


def read_lines(path: Path) -> list[Line]:
    """What was said that day; the lines of a minute are spread evenly over it, for the file has no seconds."""
    found = [match for match in map(SAID.fullmatch, path.read_text("utf-8").splitlines()) if match]
    in_minute = Counter(match["hour"] + match["minute"] for match in found)
    seen: Counter[str] = Counter()
    lines = []
    for match in found:
        minute = match["hour"] + match["minute"]
        at_s = int(match["hour"]) * 3600 + int(match["minute"]) * 60 + 60 * seen[minute] / in_minute[minute]
        seen[minute] += 1
        nick = match["nick"] or match["doer"]
        text = match["text"].removeprefix(f"<{nick}> ")
        lines.append(Line(at_s, nick, text))
    return lines


class Site:
    """REST of one Greenroom; who is told to wait waits as long as told and asks again."""

    def __init__(self, url: str) -> None:
        self.url = url.rstrip("/")
        self._http = requests.Session()
        patience = Retry(10, status_forcelist=[429, 503], allowed_methods=None, backoff_factor=0.2)
        self._http.mount("http", HTTPAdapter(max_retries=patience, pool_maxsize=50))

    def ask(self, method: str, path: str, token: str | None = None, **kwargs: Any) -> Json:
        """The JSON of an answer that must be good."""
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        answer = self._http.request(method, f"{self.url}/api{path}", headers=headers, timeout=TIMEOUT_S, **kwargs)
        if not answer.ok:
            raise SystemExit(f"{method} {path}: {answer.status_code} {answer.text}")
        body: Json = answer.json()
        return body

    def make_room(self) -> Json:
        """A room of a new account's."""
        account = {"username": f"replay-{uuid.uuid4().hex[:12]}", "password": uuid.uuid4().hex}
        token = self.ask("POST", "/auth/register", json=account)["accessToken"]
        return self.ask("POST", "/rooms", token, json={"name": "#ubuntu, 2 November 2016"})

    def close(self) -> None:
        """Let go of the connections."""
        self._http.close()


class Guest:
    """Somebody with a nickname in the room. `name` may carry a number, if the nick was taken."""

    def __init__(self, site: Site, room: Json, nick: str) -> None:
        self.site, self.room = site, room
        admitted = site.ask("POST", f"/rooms/{room['shareToken']}/guests", json={"name": nick})
        self.name, self.token = admitted["guest"]["name"], admitted["accessToken"]
        self.client: Any = None
        self._connection: Any = None

    def connect(self, handlers: dict[str, Callable[..., None]] | None = None) -> None:
        """A new socket in place of the one before."""
        self.cut()
        self.client = socketio.Client(reconnection=False)
        for event, handler in (handlers or {}).items():
            self.client.on(event, handler)
        auth = {"token": self.token}
        self.client.connect(self.site.url, auth=auth, transports=["websocket"], wait_timeout=TIMEOUT_S)
        self._connection = self.client.eio.ws  # the client forgets it, unclosed, when the other end closes

    def cut(self) -> None:
        """End the connection as a dead network does: without a word."""
        if self._connection is None:
            return
        connection, self._connection = self._connection, None
        if connection.sock is not None:
            with suppress(OSError):  # the other end was first
                connection.sock.shutdown(socket.SHUT_RDWR)
        self.client.eio.wait()  # not the client's own wait, which gives a reconnection a second to begin
        connection.close()


class Speaker(Guest):
    """Says lines, one after the other, until each is acked."""

    hasty = 0

    def say(self, text: str) -> Json:
        """The message; sent again with the same `clientMessageId` for as long as it is not known to be written."""
        body = {"roomId": self.room["id"], "content": text, "clientMessageId": uuid.uuid4().hex}
        while True:
            try:
                if self._connection is None:
                    self.connect()
                    self.client.call("join-room", self.room["id"], timeout=TIMEOUT_S)
                ack = self.client.call("send-message", body, timeout=TIMEOUT_S)
            except SocketIOError:
                self.cut()
                gevent.sleep(0.2)
                continue
            if ack["ok"]:
                message: Json = ack["message"]
                return message
            if not ack["error"]["retryable"]:
                raise SystemExit(f"{self.name} may not say {text!r}: {ack['error']}")
            self.hasty += 1
            gevent.sleep(ack["error"].get("retryAfterMs", 1000) / 1000)


class Listener(Guest):
    """Keeps the log by the contract: the next number is taken, a jump makes it sync, what is known is not taken twice."""

    def __init__(self, site: Site, room: Json, number: int, visits: Sequence[tuple[int, int]]) -> None:
        super().__init__(site, room, f"listener {number}")
        self.visits = visits
        self.log: list[tuple[str, str]] = []
        self.position: Json | None = None
        self.chat = 0
        self.notes: Counter[str] = Counter()
        self._is_here = False
        self._is_syncing = False

    def attend(self, progress: Progress) -> None:
        """Come and go by `visits`: numbers of lines."""
        for begin, end in self.visits:
            progress.wait_for(begin)
            self._arrive()
            if end < progress.total:
                progress.wait_for(end)
                self._is_here = False
                self.cut()

    def leave(self) -> None:
        """For good."""
        self._is_here = False
        self.cut()

    def _arrive(self) -> None:
        self._is_syncing = self._is_here = True
        while True:
            try:
                self.connect({"message-received": self._hear, "disconnect": self._lose})
                self._sync("join-room")
            except SocketIOError:
                self.notes["failed connections"] += 1
                gevent.sleep(0.2)
            else:
                return

    def _lose(self, *_: object) -> None:
        if self._is_here:
            self._is_here = False  # only one comes back
            self.notes["lost connections"] += 1
            gevent.spawn(self._arrive)

    def _hear(self, message: Json) -> None:
        if message["changeSeq"] == self.chat + 1:
            self._take(message)
        elif not self._is_syncing:
            is_known = message["changeSeq"] <= self.chat
            self.notes["repeated" if is_known else "jumps"] += 1
            if not is_known:
                self._is_syncing = True
                gevent.spawn(self._catch_up)

    def _catch_up(self) -> None:
        """Sync in place; a connection that does not even answer is a dead one, and losing it brings us back."""
        try:
            self._sync("request-sync")
        except SocketIOError:
            self.notes["unanswered syncs"] += 1
            self.cut()

    def _sync(self, event: str) -> None:
        """Ask for what is missing; as long as it is too much for that, read the pages first."""
        while self.position is None or not self._ask(event):
            self._read_pages()
            self.notes["read pages"] += 1

    def _ask(self, event: str) -> bool:
        """Whether the server could repeat all that came after our position."""
        answers: list[Json] = []
        answered = threading.Event()

        def settle(ack: Json) -> None:
            """In order with the events: what comes after this was sent after it."""
            if ack.get("recovered"):
                self.position, self.chat = ack["position"], max(self.chat, ack["position"]["chat"])
                self._is_syncing = False
            answers.append(ack)
            answered.set()

        request = {"roomId": self.room["id"], "position": {**(self.position or {}), "chat": self.chat}}
        self.client.emit(event, request, callback=settle)
        if not answered.wait(TIMEOUT_S):
            raise SocketIOError(f"no answer to {event}")
        if not answers[0]["ok"]:
            self._wait_as_told(event, answers[0]["error"])
        return not self._is_syncing

    def _wait_as_told(self, event: str, error: Json) -> None:
        if not error["retryable"]:
            raise SystemExit(f"{self.name} may not {event}: {error}")
        self.notes["told to slow down"] += 1
        gevent.sleep(error.get("retryAfterMs", 1000) / 1000)

    def _read_pages(self) -> None:
        path = f"/rooms/{self.room['id']}"
        self.position = self.site.ask("GET", path, self.token)["position"]
        is_whole = False
        while not is_whole:
            query = {"afterChange": self.chat, "limit": PAGE}
            page = self.site.ask("GET", f"{path}/messages", self.token, params=query)["items"]
            for message in page:
                if message["changeSeq"] > self.chat:
                    self._take(message)
            is_whole = len(page) < PAGE

    def _take(self, message: Json) -> None:
        self.chat = message["changeSeq"]
        if message["messageType"] == "text":
            self.log.append((message["user"]["name"], message["content"]))


@dataclass
class Progress:
    """How many lines have been said."""

    total: int
    said: int = 0

    def wait_for(self, number: int) -> None:
        """Return when `number` lines have been said."""
        while self.said < number:
            gevent.sleep(WAIT_S)


@dataclass
class Verdict:
    """One listener's log against the file; `difference` is None when they are equal."""

    name: str
    visits: Sequence[tuple[int, int]]
    lines: int
    difference: str | None
    notes: dict[str, int] = field(default_factory=dict)

    def __str__(self) -> str:
        there = ", ".join(f"{begin}–{end}" for begin, end in self.visits)
        notes = "".join(f"; {what}: {number}" for what, number in self.notes.items())
        return f"{self.name:<12} {self.difference or 'identical':<10} {self.lines} lines (there for {there}{notes})"


def plan_visits(number: int, listeners: int, total: int) -> list[tuple[int, int]]:
    """From which line to which listener `number` (from 0) is there: half stay, a quarter come late, a quarter are cut off."""
    staying, late = listeners // 2, listeners // 4
    if number < staying:
        return [(0, total)]
    if number < staying + late:
        return [(total * (number - staying + 1) // (late + 1), total)]
    visits, begin = [], 0
    part, parts = number - staying - late, listeners - staying - late
    for quarter, away in enumerate(AWAY_LINES, 1):
        cut = total * quarter // (len(AWAY_LINES) + 1) + part * total // (parts * STAGGER)
        visits.append((begin, cut))
        begin = cut + min(away, total // 5)
    return [*visits, (begin, total)]


def find_difference(expected: Sequence[str], got: Sequence[str]) -> str | None:
    """Where two logs part, in words; None when they are equal."""
    for number, (line, other) in enumerate(zip_longest(expected, got), 1):
        if line != other:
            return f"DIFFERS from line {number} on: {other!r} instead of {line!r}"
    return None


def replay(url: str, lines: Sequence[Line], *, speed: float, listeners: int) -> list[Verdict]:
    """Say `lines` at `speed` times their pace in a new room at `url`; what the listeners made of it."""
    site = Site(url)
    room = site.make_room()
    progress = Progress(len(lines))
    speakers = {nick: Speaker(site, room, nick) for nick in dict.fromkeys(line.nick for line in lines)}
    ears = [Listener(site, room, number + 1, plan_visits(number, listeners, len(lines))) for number in range(listeners)]
    attending = [gevent.spawn(ear.attend, progress) for ear in ears]
    last_number = speak(speakers, lines, speed, progress)
    gevent.joinall(attending, timeout=SETTLE_S)
    deadline = time.monotonic() + SETTLE_S
    while any(ear.chat < last_number for ear in ears) and time.monotonic() < deadline:
        gevent.sleep(WAIT_S)
    for ear, attendance in zip(ears, attending, strict=True):
        if not attendance.successful():
            ear.notes[f"did not come to an end ({attendance.exception!r})"] += 1
            attendance.kill()
        ear.leave()
    site.close()
    nicks = {speaker.name: nick for nick, speaker in speakers.items()}
    expected = [str(line) for line in lines]
    return [
        Verdict(ear.name, ear.visits, len(ear.log), find_difference(expected, spoken_by(nicks, ear.log)), ear.notes)
        for ear in ears
    ]


def speak(speakers: dict[str, Speaker], lines: Sequence[Line], speed: float, progress: Progress) -> int:
    """Say the lines, each after the ack of the one before; the last one's number.

    A nick comes into the room for its first line and leaves it after its last.
    """
    last_of = {line.nick: index for index, line in enumerate(lines)}
    began, number, latest_s, waits_ms = time.monotonic(), 0, 0.0, []
    for index, line in enumerate(lines):
        due_s = (line.at_s - lines[0].at_s) / speed
        late_s = time.monotonic() - began - due_s
        gevent.sleep(max(0, -late_s))
        latest_s = max(latest_s, late_s)
        asked = time.monotonic()
        number = speakers[line.nick].say(line.text)["changeSeq"]
        waits_ms.append(1000 * (time.monotonic() - asked))
        progress.said = index + 1
        if last_of[line.nick] == index:
            gevent.spawn(speakers[line.nick].cut)
        if progress.said * 20 // len(lines) > index * 20 // len(lines):
            print(f"{100 * progress.said // len(lines):3} %: {progress.said} lines", flush=True)
    numbered = sum(speaker.name != nick for nick, speaker in speakers.items())
    hasty = sum(speaker.hasty for speaker in speakers.values())
    print(
        f"{len(lines)} lines by {len(speakers)} guests ({numbered} with a number) in {time.monotonic() - began:.1f} s"
    )
    print(f"told to slow down: {hasty} times; behind the pace by {latest_s:.1f} s at most")
    middle, worst = sorted(waits_ms)[len(waits_ms) // 2], max(waits_ms)
    print(
        f"from saying to the ack: {middle:.1f} ms in the middle, {worst:.0f} ms at worst (a nick's first line joins first)"
    )
    return number


def spoken_by(nicks: dict[str, str], log: Sequence[tuple[str, str]]) -> list[str]:
    """A listener's log as the file has it."""
    return [f"<{nicks.get(name, name)}> {text}" for name, text in log]


def main() -> int:
    """Replay and print; the exit code."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--url", default="http://127.0.0.1:3000")
    parser.add_argument("--speed", type=float, default=200, help="how many times faster than the day (200)")
    parser.add_argument("--listeners", type=int, default=20)
    parser.add_argument("--lines", type=int, help="only so many lines, from the beginning")
    parser.add_argument("--file", type=Path, default=DAY)
    options = parser.parse_args()
    lines = read_lines(options.file)[: options.lines]
    verdicts = replay(options.url, lines, speed=options.speed, listeners=options.listeners)
    print(*verdicts, sep="\n")
    wrong = sum(verdict.difference is not None for verdict in verdicts)
    print(f"{len(verdicts) - wrong} of {len(verdicts)} logs are the file's, line by line.")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
