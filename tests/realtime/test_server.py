"""The seam that features use, over real sockets with an independent client."""

from collections.abc import Iterator
from queue import Queue
from typing import Any

import pytest
import requests
import socketio
from engineio.payload import Payload

from app.realtime.frames import CLOSE
from tests.realtime.launcher import Gunicorn
from tests.realtime.raw import RawSocket
from tests.support.waiting import PATIENCE_S

Payload.max_decode_packets = 256  # the client's own limit is 16 packets a poll


class Client(socketio.Client):  # type: ignore[misc]
    """python-socketio's client that keeps what it receives in a queue."""

    def __init__(self, **options: Any) -> None:
        self.http = requests.Session()
        super().__init__(http_session=self.http, **{"reconnection": False, **options})
        self.received: Queue[tuple[Any, ...]] = Queue()
        self.on("*", lambda event, *args: self.received.put((event, *args)))
        self.on("disconnect", lambda reason: self.received.put(("disconnect", reason)))

    def finish(self) -> None:
        """Leave, and close what the library leaves open."""
        self.disconnect()
        self.http.close()

    def next(self) -> tuple[Any, ...]:
        return self.received.get(timeout=PATIENCE_S)


@pytest.fixture(params=["websocket", "polling", "upgrade"])
def transports(request: pytest.FixtureRequest) -> list[str] | None:
    return None if request.param == "upgrade" else [request.param]


@pytest.fixture
def client(server: Gunicorn, transports: list[str] | None) -> Iterator[Client]:
    it = Client()
    it.connect(server.url, transports=transports, auth={"name": "ada"}, wait_timeout=PATIENCE_S)
    assert it.next() == ("auth", {"name": "ada"})
    yield it
    it.finish()


def test_a_handler_answers_with_an_ack(client: Client) -> None:
    assert client.call("say", ("nowhere", "hello"), timeout=PATIENCE_S) == {"ok": True, "members": 0}


def test_a_broadcast_reaches_the_members_of_a_channel(client: Client) -> None:
    client.call("join", "here", timeout=PATIENCE_S)
    client.emit("say", ("here", {"text": "hello"}))
    assert client.next() == ("said", {"text": "hello"})


def test_who_left_a_channel_hears_it_no_more(client: Client) -> None:
    client.call("join", "left", timeout=PATIENCE_S)
    client.call("leave", "left", timeout=PATIENCE_S)
    assert client.call("say", ("left", 1), timeout=PATIENCE_S)["members"] == 0


def test_an_unregistered_event_runs_no_handler(client: Client) -> None:
    assert client.call("nonsense", 1, timeout=PATIENCE_S) == {"ok": False, "unknown": "nonsense"}


def test_events_of_one_client_are_handled_in_order(client: Client) -> None:
    client.call("join", "ordered", timeout=PATIENCE_S)
    for number in range(50):
        client.emit("say", ("ordered", number))
    assert [client.next()[1] for _ in range(50)] == list(range(50))


def test_closing_a_client_ends_its_transport_without_a_socketio_disconnect(server: Gunicorn) -> None:
    with RawSocket(server) as client:
        client.send('42["close-me"]')
        assert client.frame() == (CLOSE, (1000).to_bytes(2, "big"))


def test_every_engine_sid_begins_with_the_worker_id(server: Gunicorn, client: Client) -> None:
    assert client.eio.sid.startswith("w0.")


def test_a_refused_client_gets_the_reason_as_data(server: Gunicorn) -> None:
    with RawSocket(server, join=False) as client:
        client.send('40{"refuse":true}')
        assert client.text() == '44{"message":"no","data":{"code":"unauthorized","message":"no"}}'
