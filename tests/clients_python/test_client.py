"""The Python client against a running server, whose access tokens live three seconds."""

from __future__ import annotations

import re
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import requests

import greenroom_client.client
import greenroom_client.clock
from greenroom_client import Client, Clock, GreenroomError, Room
from tests.support.fixtures import StartServer
from tests.support.people import PASSWORD, Person
from tests.support.server import Server, environment
from tests.support.waiting import eventually

MINUTE_MS = 60_000
PACKAGE = Path(__file__).parents[2] / "clients" / "python"
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
    assert isinstance(viewer.remaining_ms(timer), int)
    assert 9 * MINUTE_MS < viewer.remaining_ms(timer) < 10 * MINUTE_MS
    eventually(lambda: abs(viewer.remaining_ms(timer) - mine.remaining_ms(mine.timers[0])) < 250)


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


def test_what_the_page_prints_runs_as_it_is_printed(server: Server, host: Client, made: dict[str, Any]) -> None:
    mine = host.join(made["id"])
    mine.act(mine.timers[0]["id"], "start")
    snippet = re.findall(r"^```python\n(.*?)^```", (PACKAGE / "README.md").read_text(), re.DOTALL | re.MULTILINE)[0]
    address, token = '"http://localhost:3000"', re.compile(r'share_token = "\w+"')
    assert (address in snippet, len(token.findall(snippet))) == (True, 1)
    program = token.sub(f'share_token = "{made["shareToken"]}"', snippet.replace(address, f'"{server.url}"'))
    variables = environment({"PYTHONPATH": str(PACKAGE / "src"), "PYTHONUNBUFFERED": "1"})
    with subprocess.Popen([sys.executable, "-c", program], env=variables, stdout=subprocess.PIPE, text=True) as bot:
        try:
            assert bot.stdout
            assert re.fullmatch(r"Opening 5\d{5}\n", bot.stdout.readline())
            mine.act(mine.timers[0]["id"], "adjust", deltaMs=-10 * MINUTE_MS)
            eventually(lambda: said(mine) == ["Opening is over"])
        finally:
            bot.terminate()


def test_what_hosts_change_shows_in_the_room(connect: Connect, host: Client, made: dict[str, Any]) -> None:
    mine, grace = host.join(made["id"]), guest_in(connect(), made)
    ask, room = host.session.request, f"/api/rooms/{made['id']}"
    keynote = ask("POST", f"{room}/timers", {"title": "Keynote", "duration": MINUTE_MS})
    eventually(lambda: [timer["title"] for timer in grace.timers] == ["Opening", "Keynote"])
    ask("DELETE", f"/api/timers/{keynote['id']}")
    eventually(lambda: [timer["title"] for timer in grace.timers] == ["Opening"])
    ask("PATCH", room, {"name": "Great hall"})
    ask("PUT", f"{room}/stage", {"text": "Welcome", "visible": True})
    eventually(lambda: grace.state and (grace.state["name"], grace.state["stage"]["text"]) == ("Great hall", "Welcome"))
    message = mine.say("Helo")
    ask("PATCH", f"/api/messages/{message['id']}", {"content": "Hello"})
    eventually(lambda: said(grace)[-1] == "Hello")
    ask("DELETE", f"/api/messages/{message['id']}")
    eventually(lambda: said(grace)[-1] == "")
    assert next(found for found in grace.messages if found["id"] == message["id"])["deletedAt"]
    eventually(lambda: grace.position == mine.position)


def joins_after_a_lost_connection(client: Client) -> list[Any]:
    """Which rooms a client enters when it comes back."""
    entered: list[Any] = []
    emit, sid = client.emit, client._socket.sid

    def listening(name: str, payload: Any) -> None:
        entered.append(payload)
        emit(name, payload)

    client.emit = listening  # type: ignore[method-assign]
    client._socket.eio.ws.sock.shutdown(socket.SHUT_RDWR)
    eventually(lambda: client._socket.connected and client._socket.sid != sid, 15)
    client.call("ping", {})
    return entered


def test_a_room_that_was_left_or_never_found_is_not_entered_again(connect: Connect, made: dict[str, Any]) -> None:
    client = connect()
    guest_in(client, made).leave()
    with pytest.raises(GreenroomError):
        client.join("nowhere")
    assert joins_after_a_lost_connection(client) == []


def test_who_was_taken_out_does_not_come_back_by_itself(connect: Connect, host: Client, made: dict[str, Any]) -> None:
    client = connect()
    client.session.register(Person(host.session.url, signed_up=False).name, PASSWORD)
    room = client.join(made["id"])
    reasons: list[str] = []
    room.on("room-left")(lambda left: reasons.append(left["reason"]))
    host.session.request("DELETE", f"/api/rooms/{made['id']}/members/{room.user_id}")
    eventually(lambda: reasons == ["removed"])
    assert joins_after_a_lost_connection(client) == []
    members = host.session.request("GET", f"/api/rooms/{made['id']}/members")["items"]
    assert room.user_id not in [member["userId"] for member in members]


def test_the_clock_is_put_right_while_a_bot_runs(connect: Connect, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(greenroom_client.client, "SYNC_EVERY_S", 0.05)
    client = connect()
    client.connect()
    right = client.clock.now_ms() - Clock().now_ms()
    client.clock._samples.clear()
    client.clock.sample(-60.0, "2030-01-01T00:00:00.000Z")
    assert abs(client.clock.now_ms() - Clock().now_ms() - right) > MINUTE_MS
    eventually(lambda: abs(client.clock.now_ms() - Clock().now_ms() - right) < 1_000)


def test_a_machine_that_slept_forgets_what_it_knew_of_the_time(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = Clock()
    clock.sample(0.0, "2030-01-01T00:00:00.000Z")
    assert not clock.slept()
    awake = greenroom_client.clock._drift_ms
    monkeypatch.setattr(greenroom_client.clock, "_drift_ms", lambda: awake() + MINUTE_MS)
    assert clock.slept()
    assert not clock.slept()
    assert abs(clock.now_ms() - Clock().now_ms()) < 1_000


def test_an_account_signs_in_and_out(connect: Connect) -> None:
    client = connect()
    name = Person(client.session.url, signed_up=False).name
    session = client.session
    session.register(name, PASSWORD)
    session.logout()
    assert (session.user, session.token()) == (None, None)
    with pytest.raises(GreenroomError) as nobody:
        session.request("GET", "/api/me")
    assert nobody.value.code == "unauthenticated"
    with pytest.raises(GreenroomError) as invalid:
        session.register(name, "short")
    assert "password" in invalid.value.details
    assert session.login(name, PASSWORD)["username"] == name
    assert session.user
    assert session.request("GET", "/api/me")["id"] == session.user["id"]
    assert not client.wait(0.01)
    client.close()
    assert client.wait()
