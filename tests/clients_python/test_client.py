"""The Python client against a running server, whose access tokens live three seconds."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import requests

from greenroom_client import Client, GreenroomError, Room
from tests.support.fixtures import StartServer
from tests.support.people import PASSWORD, Person
from tests.support.server import Server
from tests.support.waiting import eventually

MINUTE_MS = 60_000
Connect = Callable[..., Client]


@pytest.fixture(scope="module")
def server(start_server: StartServer) -> Server:
    return start_server(ACCESS_TOKEN_MS="3000", RATE_LIMIT_MAX_REQUESTS="0")


@pytest.fixture
def connect(server: Server) -> Iterator[Connect]:
    """Clients that end with the test."""
    opened: list[Client] = []

    def new() -> Client:
        opened.append(Client(server.url))
        return opened[-1]

    yield new
    for client in opened:
        client.close()


@pytest.fixture
def host(connect: Connect) -> Client:
    """Somebody with an account."""
    client = connect()
    client.session.register(Person(client.session.url, signed_up=False).name, PASSWORD)
    return client


@pytest.fixture
def made(host: Client) -> dict[str, Any]:
    """The host's room with one timer."""
    room: dict[str, Any] = host.session.request("POST", "/api/rooms", {"name": "Main hall"})
    timer = {"title": "Opening", "duration": 10 * MINUTE_MS}
    host.session.request("POST", f"/api/rooms/{room['id']}/timers", timer)
    return room


def guest_in(client: Client, made: dict[str, Any]) -> Room:
    client.session.guest(made["shareToken"], "Grace")
    return client.join(made["shareToken"])


def said(room: Room) -> list[str]:
    return [message["content"] for message in room.messages if message["userId"]]


def test_a_viewer_without_an_account_follows_a_timer(connect: Connect, host: Client, made: dict[str, Any]) -> None:
    viewer, mine = connect().join(made["shareToken"]), host.join(made["id"])
    assert (viewer.role, mine.role) == ("viewer", "owner")
    started: list[str] = []
    viewer.on("timer-update")(lambda timer: started.append(timer["title"]))
    mine.act(mine.timers[0]["id"], "start")
    eventually(lambda: started == ["Opening"])
    timer = viewer.current()
    assert timer
    assert 9 * MINUTE_MS < viewer.remaining_ms(timer) < 10 * MINUTE_MS
    assert abs(viewer.remaining_ms(timer) - mine.remaining_ms(mine.timers[0])) < 250


def test_two_people_talk_with_typing_presence_and_receipts(
    connect: Connect, host: Client, made: dict[str, Any]
) -> None:
    mine, grace = host.join(made["id"]), guest_in(connect(), made)
    eventually(lambda: any(person["name"] == "Grace" for person in mine.users.values()))
    grace.start_typing()
    eventually(lambda: list(mine.typing.values()) == ["Grace"])
    grace.stop_typing()
    eventually(lambda: not mine.typing)
    message = mine.say("Hello")
    eventually(lambda: said(grace) == ["Hello"])
    grace.mark_read(message["id"])
    eventually(lambda: grace.user_id in mine.reads)
    assert [reader["name"] for reader in mine.receipts(message["id"])] == ["Grace"]


def test_a_handler_may_answer_and_wait_for_its_answer(connect: Connect, host: Client, made: dict[str, Any]) -> None:
    mine, bot = host.join(made["id"]), guest_in(connect(), made)

    @bot.on("message-received")
    def answer(message: Any) -> None:
        if message["content"] == "ping":
            bot.say("pong", replyTo=message["id"])

    mine.say("ping")
    eventually(lambda: said(mine) == ["ping", "pong"])


def test_an_event_that_got_lost_is_repaired_and_nothing_comes_twice(
    connect: Connect, host: Client, made: dict[str, Any]
) -> None:
    mine, grace = host.join(made["id"]), guest_in(connect(), made)
    heard: list[str] = []
    grace.on("message-received")(lambda message: heard.append(message["content"]))
    receive = grace.receive
    lost: list[str] = []

    def lossy(name: str, *args: Any) -> None:
        if name == "message-received" and not lost:
            lost.append(name)
        else:
            receive(name, *args)

    grace.receive = lossy  # type: ignore[method-assign]
    for content in ("one", "two", "three"):
        mine.say(content)
    eventually(lambda: heard == ["one", "two", "three"], what=str(heard))
    assert said(grace) == heard


def test_after_a_lost_connection_it_resumes_from_its_position(
    connect: Connect, host: Client, made: dict[str, Any]
) -> None:
    client = connect()
    mine, grace = host.join(made["id"]), guest_in(client, made)
    mine.say("before")
    eventually(lambda: said(grace) == ["before"])
    joins: list[bool] = []
    grace.on("room-joined")(lambda joined: joins.append(joined["recovered"]))
    client._socket.eio.ws.sock.shutdown(socket.SHUT_RDWR)
    mine.say("while you were away")
    eventually(lambda: said(grace) == ["before", "while you were away"], 15)
    eventually(lambda: joins == [True])


def test_a_message_whose_answer_was_lost_exists_once(connect: Connect, made: dict[str, Any]) -> None:
    client = connect()
    grace = guest_in(client, made)
    call, asked = client.call, []

    def losing_the_first_answer(name: str, payload: Any) -> Any:
        ack = call(name, payload)
        asked.append(payload["clientMessageId"])
        if len(asked) == 1:
            raise GreenroomError("no_answer", "lost", retryable=True, retryAfterMs=1)
        return ack

    client.call = losing_the_first_answer  # type: ignore[method-assign]
    grace.say("once")
    assert len(asked) == 2
    assert len(set(asked)) == 1
    assert [message["content"] for message in grace.history() if message["userId"]] == ["once"]


def test_a_refusal_is_raised_with_its_code(connect: Connect, made: dict[str, Any]) -> None:
    grace = guest_in(connect(), made)
    with pytest.raises(GreenroomError) as refused:
        grace.act(grace.timers[0]["id"], "start")
    assert refused.value.code == "forbidden"
    with pytest.raises(GreenroomError) as unknown:
        connect().join("nowhere")
    assert unknown.value.code == "room_not_found"


def test_a_file_goes_along_with_a_message(host: Client, made: dict[str, Any], tmp_path: Path) -> None:
    mine = host.join(made["id"])
    plan = tmp_path / "plan.txt"
    plan.write_text("Doors open at nine.")
    attachment = host.upload(made["id"], plan, mime="text/plain")
    sent = mine.say("the plan", attachmentId=attachment["id"])
    assert sent["attachment"]
    assert requests.get(host.session.url + sent["attachment"]["url"], timeout=10).text == "Doors open at nine."


def test_history_goes_back_over_all_pages(host: Client, made: dict[str, Any]) -> None:
    mine = host.join(made["id"])
    numbers = [f"line {number}" for number in range(55)]
    for content in numbers:
        host.session.request("POST", f"/api/rooms/{made['id']}/messages", {"content": content})
    assert [message["content"] for message in mine.history()] == numbers[::-1]


def test_a_token_that_runs_out_is_renewed_under_the_open_socket(host: Client, made: dict[str, Any]) -> None:
    mine = host.join(made["id"])
    sid, first = host._socket.sid, host.session.token()
    answers: list[str] = []
    call = host.call

    def listening(name: str, payload: Any) -> Any:
        ack = call(name, payload)
        answers.append(name)
        return ack

    host.call = listening  # type: ignore[method-assign]
    eventually(lambda: "authenticate" in answers, 15)
    assert host.session.token() != first
    assert mine.say("still me")["userId"] == mine.user_id
    assert host._socket.sid == sid
