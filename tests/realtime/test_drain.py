"""SIGTERM to a server with many real sockets: everyone is told, nobody is cut off, exit 0."""

import json
import signal
import time
from urllib.error import HTTPError, URLError
from urllib.request import urlopen

from app.realtime.frames import CLOSE
from tests.realtime.conftest import Launch
from tests.realtime.launcher import Gunicorn, run_briefly
from tests.realtime.raw import RawSocket, connect_tcp

CLIENTS = 500


def _readiness(server: Gunicorn) -> int:
    try:
        with urlopen(f"{server.url}/readyz", timeout=2) as answer:
            return int(answer.status)
    except HTTPError as error:
        return error.code
    except URLError:
        return 0  # the listener is closed


def test_five_hundred_sockets_are_told_when_to_come_back_and_closed(launch: Launch) -> None:
    server = launch(drain_notice_ms=300, drain_reconnect_ms=4_000, drain_clients_per_s=400)
    clients = [RawSocket(server) for _ in range(CLIENTS)]
    began = time.monotonic()
    server.process.send_signal(signal.SIGTERM)
    waits = []
    for client in clients:
        event, payload = json.loads(client.text()[2:])
        assert event == "server-draining"
        waits.append(payload["reconnectInMs"])
    assert _readiness(server) in (0, 503)
    for client in clients:
        assert client.frame() == (CLOSE, (1012).to_bytes(2, "big") + b"draining")
        client.close()
    assert server.process.wait(10) == 0
    assert time.monotonic() - began < 10
    assert min(waits) >= 0
    assert 800 < max(waits) <= 1000 * CLIENTS / 400  # as many a second as the others can join
    assert len(set(waits)) > CLIENTS // 4  # each its own moment


def test_a_server_whose_clients_have_all_gone_waits_for_nobody(launch: Launch) -> None:
    server = launch(drain_notice_ms=20_000, drain_reconnect_ms=200)
    clients = [RawSocket(server) for _ in range(5)]
    server.process.send_signal(signal.SIGTERM)
    for client in clients:
        assert json.loads(client.text()[2:])[0] == "server-draining"
        client.close()
    assert server.process.wait(10) == 0  # and not when the notice is over


def test_a_waiting_poll_is_answered_when_the_server_drains(launch: Launch) -> None:
    server = launch(drain_notice_ms=100)
    with urlopen(f"{server.url}/socket.io/?EIO=4&transport=polling", timeout=5) as answer:
        sid = json.loads(answer.read()[1:])["sid"]
    with connect_tcp(server) as poll:
        poll.sendall(f"GET /socket.io/?EIO=4&transport=polling&sid={sid} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
        assert server.stats()["polling"] == 1  # answered after the poll was taken in
        server.process.send_signal(signal.SIGTERM)
        said = b""
        while not said.endswith(b"\r\n\r\n1"):
            said += poll.recv(1_000)
    assert server.process.wait(20) == 0


def test_tls_is_refused_at_start() -> None:
    status, said = run_briefly("--certfile", "/dev/null")
    assert status != 0
    assert "end TLS in the proxy" in said
