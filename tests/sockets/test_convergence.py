"""Whatever happens in a room, and whoever is away meanwhile: what a client makes of its events is what a fresh fetch has."""

from __future__ import annotations

import time
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from tests.support.fixtures import StartServer
from tests.support.people import Person, Socket
from tests.support.server import Server
from tests.support.waiting import eventually

DURATION_MS = 600_000
ONLY_IN_EVENTS = ("seq", "serverNow")
Json = dict[str, Any]

picks = st.integers(0, 99)  # of a list whose length is not known beforehand: modulo it
texts = st.sampled_from(["hello", "🎬 ready?", "<b>bold</b>", "שלום", "two\nlines"])


@pytest.fixture(scope="module")
def server(start_server: StartServer) -> Server:
    return start_server(RATE_LIMIT_MAX_REQUESTS="0", WIDE_RATE_LIMIT_MAX_REQUESTS="0")


class Follower:
    """Somebody in the room who knows only what the socket brings: `messages` and `timers` by id, at `position`."""

    def __init__(self, person: Person, room_id: str) -> None:
        self.person = person
        self.room_id = room_id
        self.socket: Socket | None = None
        self.position: Json | None = None
        self.messages: dict[str, Json] = {}
        self.timers: dict[str, Json] = {}
        self._heard = 0
        self._settled = {"room": 0, "chat": 0}

    def come(self) -> None:
        self.socket, self._heard = self.person.connect(), 0
        self.sync("join-room")

    def go(self) -> None:
        """What came before is known; what comes from now on is missed."""
        if self.socket is not None:
            self.hear()
            self.socket.close()
            self.socket = None

    def sync(self, event: str, *, from_nothing: bool = False) -> None:
        assert self.socket is not None
        self.hear()
        known = {"position": self.position} if self.position and not from_nothing else {}
        ack = self.socket.call(event, {"roomId": self.room_id, **known})
        assert ack["ok"], ack
        assert ack["recovered"] is bool(known), ack
        self._settled = {stream: ack["position"][stream] for stream in ("room", "chat")}
        if not known:
            self.messages = {message["id"]: message for message in ack["messages"]}
            self.timers = {timer["id"]: timer for timer in ack["room"]["timers"]}
            self.position = ack["position"]
        self.hear()
        assert all(self.position[stream] >= self._settled[stream] for stream in self._settled) or known
        self.position = {"epoch": ack["position"]["epoch"]} | {
            stream: max(number, self.position[stream]) for stream, number in self._settled.items()
        }

    def hear(self) -> None:
        """Take in what has come since the last time."""
        assert self.socket is not None
        news = self.socket.events[self._heard :]
        self._heard += len(news)
        for name, args in news:
            assert name != "error", args
            if name.startswith(("message-", "timer-")) and name != "message-read":
                self._take(name, args[0])

    def _take(self, name: str, payload: Json) -> None:
        stream = "chat" if name.startswith("message-") else "room"
        number = payload["changeSeq" if stream == "chat" else "seq"]
        assert self.position is not None, f"{name} before the first snapshot"
        if number <= self.position[stream]:
            assert number <= self._settled[stream], f"{name} {number} came again, or late"
            return
        self.position[stream] = number
        if name == "message-deleted":
            self.messages[payload["messageId"]] = {"deletedAt": "then", **payload}
        elif name == "timer-deleted":
            del self.timers[payload["timerId"]]
        else:
            kept = self.messages if stream == "chat" else self.timers
            kept[payload["id"]] = payload


class Conversation(RuleBasedStateMachine):
    """A host and two guests talk, read and run timers, come and go."""

    def __init__(self, host: Person) -> None:
        super().__init__()
        self.host = host
        self.everybody: list[Follower] = []
        self.said: list[tuple[Follower, Json]] = []
        self.timers: list[str] = []
        self.read: dict[str, int] = {}
        self.is_checked = False

    @initialize()
    def open_the_room(self) -> None:
        self.room = self.host.post("/api/rooms", name="Convergence")
        people = [self.host, self.host.guest(self.room, "Ada"), self.host.guest(self.room, "Bob")]
        self.everybody = [Follower(person, self.room["id"]) for person in people]
        for follower in self.everybody:
            follower.come()

    @property
    def present(self) -> list[Follower]:
        return [follower for follower in self.everybody if follower.socket is not None]

    @property
    def absent(self) -> list[Follower]:
        return [follower for follower in self.everybody if follower.socket is None]

    def ask(self, follower: Follower, event: str, **body: Any) -> Json:
        """The ack; a person who is too fast for the limit waits."""
        assert follower.socket is not None
        self.is_checked = False
        ack: Json = follower.socket.call(event, body)
        while not ack["ok"] and ack["error"]["code"] == "rate_limited":
            time.sleep(ack["error"]["retryAfterMs"] / 1000)
            ack = follower.socket.call(event, body)
        return ack

    @precondition(lambda self: self.present)
    @rule(who=picks, text=texts)
    def send(self, who: int, text: str) -> None:
        author = self.present[who % len(self.present)]
        ack = self.ask(author, "send-message", roomId=self.room["id"], content=text)
        assert ack["ok"], ack
        self.said.append((author, ack["message"]))

    @precondition(lambda self: any(author.socket for author, _ in self.said))
    @rule(which=picks, text=texts)
    def edit(self, which: int, text: str) -> None:
        author, message = self._pick_said(which)
        ack = self.ask(author, "edit-message", messageId=message["id"], content=text)
        assert ack["ok"] or ack["error"]["code"] == "conflict", ack

    @precondition(lambda self: any(author.socket for author, _ in self.said))
    @rule(which=picks)
    def delete(self, which: int) -> None:
        author, message = self._pick_said(which)
        assert self.ask(author, "delete-message", messageId=message["id"])["ok"]

    @precondition(lambda self: self.present and self.said)
    @rule(who=picks, which=picks)
    def mark_read(self, who: int, which: int) -> None:
        reader = self.present[who % len(self.present)]
        author, message = self.said[which % len(self.said)]
        assert self.ask(reader, "mark-read", roomId=self.room["id"], messageId=message["id"])["ok"]
        reader_id = str(reader.person.id)
        self.read[reader_id] = max(self.read.get(reader_id, 0), message["seq"])
        receipts = self.host.get(f"/api/messages/{message['id']}/receipts")["items"]
        seen_by = {person for person, seq in self.read.items() if seq >= message["seq"]} - {author.person.id}
        assert {receipt["userId"] for receipt in receipts} == seen_by

    @rule(next_to=picks)
    def make_a_timer(self, next_to: int) -> None:
        self.is_checked = False
        body = {"title": "A part", "duration": DURATION_MS, "position": next_to % (len(self.timers) + 1)}
        self.timers.append(self.host.post(f"/api/rooms/{self.room['id']}/timers", **body)["id"])

    @precondition(lambda self: self.timers and self.everybody[0].socket)
    @rule(which=picks, action=st.sampled_from(["start", "pause", "reset", "next", "undo"]))
    def act_on_a_timer(self, which: int, action: str) -> None:
        ack = self.ask(self.everybody[0], "timer-action", timerId=self._pick_timer(which), action=action)
        refusals = ("illegal_transition", "nothing_next", "nothing_to_undo")
        assert ack["ok"] or ack["error"]["code"] in refusals, ack

    @precondition(lambda self: self.timers and self.everybody[0].socket)
    @rule(which=picks, delta_ms=st.sampled_from([60_000, -60_000, -2 * DURATION_MS]))
    def adjust_a_timer(self, which: int, delta_ms: int) -> None:
        body = {"timerId": self._pick_timer(which), "action": "adjust", "deltaMs": delta_ms}
        ack = self.ask(self.everybody[0], "timer-action", **body)
        assert ack["ok"] or ack["error"]["code"] in ("illegal_transition", "validation_failed"), ack

    @precondition(lambda self: self.timers)
    @rule(which=picks)
    def delete_a_timer(self, which: int) -> None:
        self.is_checked = False
        timer_id = self._pick_timer(which)
        self.timers.remove(timer_id)
        self.host.delete(f"/api/timers/{timer_id}")

    @precondition(lambda self: self.present)
    @rule(who=picks)
    def disconnect(self, who: int) -> None:
        self.present[who % len(self.present)].go()

    @precondition(lambda self: self.absent)
    @rule(who=picks)
    def resume(self, who: int) -> None:
        self.is_checked = False
        self.absent[who % len(self.absent)].come()

    @precondition(lambda self: self.absent and self.present)
    @rule(who=picks, count=st.integers(1, 4))
    def resume_while_somebody_talks(self, who: int, count: int) -> None:
        self.is_checked = False
        speaker = self.present[who % len(self.present)]
        assert speaker.socket is not None
        acks: list[Json] = []
        for number in range(count):
            body = {"roomId": self.room["id"], "content": f"meanwhile {number}"}
            speaker.socket.client.emit("send-message", body, callback=acks.append)
        self.absent[who % len(self.absent)].come()
        eventually(lambda: len(acks) == count)
        self.said += [(speaker, ack["message"]) for ack in acks if ack["ok"]]

    @precondition(lambda self: self.present)
    @rule(who=picks, from_nothing=st.booleans())
    def sync(self, who: int, *, from_nothing: bool) -> None:
        self.is_checked = False
        self.present[who % len(self.present)].sync("request-sync", from_nothing=from_nothing)

    @invariant()
    def everybody_present_has_what_a_fresh_fetch_answers(self) -> None:
        if self.is_checked or not self.everybody:
            return
        room = self.host.get(f"/api/rooms/{self.room['id']}")
        messages = self.host.get(f"/api/rooms/{self.room['id']}/messages?limit=100")
        assert messages["nextCursor"] is None
        for follower in self.present:
            eventually(lambda follower=follower: _is_at(follower, room["position"]), what="an event is missing")
            assert _messages_of(follower.messages.values()) == _messages_of(messages["items"])
            assert _timers_of(follower.timers.values()) == _timers_of(room["timers"])
        self.is_checked = True

    def teardown(self) -> None:
        for follower in self.everybody:
            if follower.socket is not None:
                follower.socket.close()

    def _pick_said(self, which: int) -> tuple[Follower, Json]:
        there = [(author, message) for author, message in self.said if author.socket is not None]
        return there[which % len(there)]

    def _pick_timer(self, which: int) -> str:
        return self.timers[which % len(self.timers)]


def _is_at(follower: Follower, head: Json) -> bool:
    follower.hear()
    assert follower.position is not None
    return all(follower.position[stream] >= head[stream] for stream in ("room", "chat"))


def _messages_of(messages: Any) -> dict[str, Any]:
    """Messages as they are compared. Of a deleted one all that a client is told is when it was deleted."""
    return {message.get("messageId") or message["id"]: _message(message) for message in messages}


def _message(message: Json) -> Any:
    if message["deletedAt"]:
        return message["changeSeq"]
    return {key: value for key, value in message.items() if key != "messageId"}  # which edits have as well


def _timers_of(timers: Any) -> dict[str, Json]:
    return {timer["id"]: {key: value for key, value in timer.items() if key not in ONLY_IN_EVENTS} for timer in timers}


def test_what_events_make_of_a_room_is_what_a_fresh_fetch_answers(server: Server) -> None:
    host = Person(server.url)
    run_state_machine_as_test(
        lambda: Conversation(host),
        settings=settings(
            max_examples=5,
            stateful_step_count=25,
            derandomize=True,
            deadline=None,
            phases=[Phase.generate],  # to shrink a failure over real sockets takes minutes
            database=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
