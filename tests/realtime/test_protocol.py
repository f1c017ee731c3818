"""The rules of Engine.IO v4 and Socket.IO v5 on the wire, over both transports.

They are the rules that the public protocol suites check; those run from their own repository
(see docs/adr/strict-protocols-and-the-public-suites.md) against the same conformance app.
"""

import json
import time
from collections.abc import Iterator
from dataclasses import dataclass
from http.client import HTTPConnection
from itertools import chain
from threading import Thread
from typing import Any

import pytest

from app.core.ids import is_id
from app.realtime.frames import BINARY
from tests.realtime.conftest import Launch
from tests.realtime.launcher import Gunicorn
from tests.realtime.raw import RawSocket, masked

ENGINE = "/engine.io/"
SOCKET = "/socket.io/"


@pytest.fixture(scope="module")
def server(launch: Launch) -> Gunicorn:
    """Pings so rarely that a slow machine cannot run into a timeout."""
    return launch("protocol", ping_interval_ms=25_000, ping_timeout_ms=20_000)


@pytest.fixture(scope="module")
def beating(launch: Launch) -> Gunicorn:
    """Pings often, and waits long enough for a slow machine."""
    return launch("protocol", ping_interval_ms=200, ping_timeout_ms=2_000, connect_timeout_ms=60_000)


@dataclass
class Answer:
    status: int
    text: str


class Polling:
    """An Engine.IO session over long-polling, one HTTP connection for each request."""

    def __init__(self, server: Gunicorn, path: str = SOCKET) -> None:
        self.server, self.path = server, path
        answer = self.request("GET", "EIO=4&transport=polling")
        assert answer.status == 200
        self.opening: dict[str, Any] = json.loads(answer.text[1:])
        self.sid = self.opening["sid"]

    def request(self, method: str, query: str, body: str | None = None) -> Answer:
        http = HTTPConnection("127.0.0.1", self.server.port, timeout=5)
        http.request(method, f"{self.path}?{query}", None if body is None else body.encode())
        answer = http.getresponse()
        read = Answer(answer.status, answer.read().decode())
        http.close()
        return read

    def get(self) -> Answer:
        return self.request("GET", f"EIO=4&transport=polling&sid={self.sid}")

    def post(self, body: str) -> Answer:
        return self.request("POST", f"EIO=4&transport=polling&sid={self.sid}", body)


@pytest.fixture
def polling(server: Gunicorn) -> Polling:
    return Polling(server)


@pytest.fixture
def echo(server: Gunicorn) -> Polling:
    return Polling(server, ENGINE)


@pytest.fixture
def websocket(server: Gunicorn) -> Iterator[RawSocket]:
    with RawSocket(server) as client:
        yield client


def waiting(polling: Polling) -> tuple[Thread, list[Answer]]:
    """A GET that is on its way in a thread, and where its answer will be."""
    answers: list[Answer] = []
    thread = Thread(target=lambda: answers.append(polling.get()))
    thread.start()
    time.sleep(0.1)  # there is no sign of a request that waits; should it come late, the answer is the same
    return thread, answers


# The handshake


def test_the_opening_packet_says_what_the_server_is_set_to(polling: Polling, server: Gunicorn) -> None:
    expected = {"upgrades": ["websocket"], "pingInterval": 25_000, "pingTimeout": 20_000, "maxPayload": 1_000_000}
    assert {**polling.opening, "sid": ""} == {"sid": "", **expected}
    with RawSocket(server, join=False) as client:
        assert json.loads(client.opening[1:])["upgrades"] == []


@pytest.mark.parametrize(
    ("method", "query", "code"),
    [
        ("GET", "transport=polling", 5),
        ("GET", "EIO=abc&transport=polling", 5),
        ("GET", "EIO=3&transport=polling", 5),
        ("GET", "EIO=4", 0),
        ("GET", "EIO=4&transport=abc", 0),
        ("GET", "EIO=4&transport=websocket", 3),
        ("GET", "EIO=4&transport=polling&sid=unknown", 1),
        ("POST", "EIO=4&transport=polling", 2),
        ("PUT", "EIO=4&transport=polling", 2),
    ],
)
def test_a_bad_handshake_is_refused_with_the_protocols_code(
    polling: Polling, method: str, query: str, code: int
) -> None:
    answer = polling.request(method, query, "4x" if method != "GET" else None)
    assert answer.status == 400
    assert json.loads(answer.text)["code"] == code


@pytest.mark.parametrize("query", ["EIO=4&transport=polling", "EIO=9&transport=polling"])
def test_each_answer_says_which_request_it_is_of(server: Gunicorn, query: str) -> None:
    def name_of(offered: str) -> str | None:
        http = HTTPConnection("127.0.0.1", server.port, timeout=5)
        http.request("GET", f"{SOCKET}?{query}", headers={"X-Request-ID": offered})
        answer = http.getresponse()
        answer.read()
        http.close()
        return answer.getheader("X-Request-ID")

    assert name_of("mine-1") == "mine-1"
    for harmful in ("", "a b", "x" * 65):
        assert is_id(name_of(harmful))


# Messages over polling


@pytest.mark.parametrize("payload", ["4hello", "4a\x1e4b\x1e4c", "4hello\x1ebAQIDBA=="])
def test_a_payload_comes_back_from_the_echo_packet_by_packet(echo: Polling, payload: str) -> None:
    assert echo.post(payload) == Answer(200, "ok")
    assert echo.get() == Answer(200, payload)


def test_an_answer_is_cut_where_python_engineio_stops_reading(echo: Polling) -> None:
    sent = [f"4{number}" for number in range(40)]
    assert echo.post("\x1e".join(sent)) == Answer(200, "ok")
    answers: list[list[str]] = []
    while sum(map(len, answers)) < len(sent):
        answers.append(echo.get().text.split("\x1e"))
    assert list(chain(*answers)) == sent
    assert max(map(len, answers)) <= 16


def test_a_malformed_packet_ends_a_polling_session(echo: Polling) -> None:
    assert echo.post("abc").status == 200
    assert echo.get().status == 400


def test_a_second_poll_at_a_time_ends_the_session(echo: Polling) -> None:
    thread, answers = waiting(echo)
    second = echo.get()
    thread.join()
    assert {answers[0].status, second.status} == {200, 400}
    assert "1" in (answers[0].text, second.text)
    assert echo.get().status == 400


def test_a_client_that_closes_ends_its_waiting_poll(echo: Polling) -> None:
    thread, answers = waiting(echo)
    assert echo.post("1").status == 200
    thread.join()
    assert answers == [Answer(200, "6")]
    assert echo.get().status == 400


def test_a_poll_that_crosses_its_own_close_is_answered_once(echo: Polling) -> None:
    assert echo.post("1").status == 200
    assert echo.get() == Answer(200, "6")
    assert echo.get().status == 400


def test_a_poll_whose_client_went_away_ends_the_session(echo: Polling) -> None:
    http = HTTPConnection("127.0.0.1", echo.server.port, timeout=5)
    http.request("GET", f"{ENGINE}?EIO=4&transport=polling&sid={echo.sid}")
    http.close()
    deadline = time.monotonic() + 5
    while (answer := echo.post("3")).status != 400:  # the session ends once the server has noticed
        assert time.monotonic() < deadline
    assert json.loads(answer.text)["code"] == 1


# The heartbeat


def test_a_polling_client_that_answers_its_pings_stays(beating: Gunicorn) -> None:
    polling = Polling(beating)
    for _ in range(3):
        assert polling.get() == Answer(200, "2")
        assert polling.post("3") == Answer(200, "ok")


def test_a_silent_websocket_is_ended_after_interval_and_timeout(beating: Gunicorn) -> None:
    with RawSocket(beating, join=False) as client:
        assert client.text() == "2"
        with pytest.raises(ConnectionResetError):
            client.frame()


# The upgrade


def test_an_upgrade_loses_nothing(server: Gunicorn) -> None:
    polling = Polling(server, ENGINE)
    thread, answers = waiting(polling)
    with RawSocket(server, join=False, path=ENGINE, query=f"&sid={polling.sid}") as client:
        client.send("2probe")
        assert client.text() == "3probe"
        thread.join()
        assert answers == [Answer(200, "6")]
        assert polling.post("4before").status == 200
        client.send("5")
        client.send("4after")
        assert [client.text(), client.text()] == ["4before", "4after"]
        assert polling.get().status == 400
        with RawSocket(server, join=False, path=ENGINE, query=f"&sid={polling.sid}") as second:
            assert second.close_code() == 1008
        client.send("4still here")
        assert client.text() == "4still here"


def test_a_get_during_an_upgrade_waits_for_what_comes_next(launch: Launch) -> None:
    """As with Node: an answer to `40` that the upgrade has overtaken is not preceded by a NOOP."""
    server = launch("protocol", upgrade_noop_ms=10_000, connect_timeout_ms=60_000)
    polling = Polling(server, ENGINE)
    with RawSocket(server, join=False, path=ENGINE, query=f"&sid={polling.sid}") as client:
        client.send("2probe")
        assert client.text() == "3probe"
        thread, answers = waiting(polling)
        assert polling.post("4overtaken").status == 200
        thread.join()
        assert answers == [Answer(200, "4overtaken")]


@pytest.mark.parametrize("packets", [["5"], ["4hello"], ["2probe", "2probe"], ["2probe", "3"]])
def test_a_failed_upgrade_leaves_the_session_polling(server: Gunicorn, packets: list[str]) -> None:
    polling = Polling(server, ENGINE)
    with RawSocket(server, join=False, path=ENGINE, query=f"&sid={polling.sid}") as client:
        for packet in packets:
            client.send(packet)
        assert client.close_code() == 1008
    assert polling.post("4x") == Answer(200, "ok")
    assert "4x" in polling.get().text


# Socket.IO


@pytest.mark.parametrize(
    ("packet", "sid", "auth"),
    [
        ("40", "40{", '42["auth",{}]'),
        ('40{"token":"123"}', "40{", '42["auth",{"token":"123"}]'),
        ("40/custom,", "40/custom,{", '42/custom,["auth",{}]'),
        ('40/custom,{"token":"abc"}', "40/custom,{", '42/custom,["auth",{"token":"abc"}]'),
    ],
)
def test_connecting_is_answered_before_anything_the_handler_sends(
    server: Gunicorn, packet: str, sid: str, auth: str
) -> None:
    with RawSocket(server, join=False) as client:
        client.send(packet)
        answer = client.text()
        assert answer.startswith(sid)
        assert set(json.loads(answer[len(sid) - 1 :])) == {"sid"}
        assert client.text() == auth


def test_an_unknown_namespace_is_refused(server: Gunicorn) -> None:
    with RawSocket(server, join=False) as client:
        client.send("40/random")
        assert client.text() == '44/random,{"message":"Invalid namespace"}'


def test_namespaces_are_left_one_by_one(websocket: RawSocket) -> None:
    websocket.send("40/custom")
    assert websocket.text().startswith("40/custom")
    assert websocket.text() == '42/custom,["auth",{}]'
    websocket.send("41/custom")
    websocket.send('42["message","still here"]')
    assert websocket.text() == '42["message-back","still here"]'


def test_arguments_come_back_as_they_were_sent(websocket: RawSocket) -> None:
    websocket.send('42["message",1,"2",{"3":[true]}]')
    assert websocket.text() == '42["message-back",1,"2",{"3":[true]}]'
    websocket.send('42456["message-with-ack",1,"2",{"3":[false]}]')
    assert websocket.text() == '43456[1,"2",{"3":[false]}]'


@pytest.mark.parametrize(("event", "answer"), [("52-", '452-["message-back",'), ("52-789", "462-789[")])
def test_binary_attachments_come_back(websocket: RawSocket, event: str, answer: str) -> None:
    places = '{"_placeholder":true,"num":0},{"_placeholder":true,"num":1}]'
    name = "message-with-ack" if "789" in event else "message"
    websocket.send(f'4{event}["{name}",{places}')
    for attachment in (b"\x01\x02", b"\x03"):
        websocket.sock.sendall(masked(attachment, 0x80 | BINARY))
    assert websocket.text() == answer + places
    assert [websocket.frame(), websocket.frame()] == [(BINARY, b"\x01\x02"), (BINARY, b"\x03")]


def test_text_between_attachments_closes(websocket: RawSocket) -> None:
    websocket.send('451-["message",{"_placeholder":true,"num":0}]')
    websocket.send('42["message",1]')
    assert websocket.close_code() == 1007
