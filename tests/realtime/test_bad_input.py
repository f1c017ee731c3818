"""Hostile and broken clients against a running server: the right close code, and nobody else notices."""

import base64
import json
import signal
import socket
import struct
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.client import HTTPConnection

import psutil
import pytest

from app.realtime.frames import BINARY, CONTINUATION, PING, PONG, TEXT, encode_frame
from tests.realtime.conftest import Launch
from tests.realtime.launcher import Gunicorn
from tests.realtime.raw import HANDSHAKE, PATH, RawSocket, connect_tcp, masked

FIN = 0x80


@pytest.fixture(scope="module")
def server(launch: Launch) -> Gunicorn:
    return launch(
        max_frame_bytes=4_096,
        connect_timeout_ms=2_000,
        close_timeout_ms=300,
        receive_timeout_ms=500,
        backlog_bytes_per_client=200_000,
        max_payload_packets=100,
        connections_per_ip=40,
    )


def wait_until(holds: Callable[[], bool]) -> None:
    """Return once `holds`; fail if it does not within 10 s."""
    deadline = time.monotonic() + 10
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.02)


@contextmanager
def bystander(server: Gunicorn) -> Iterator[RawSocket]:
    """Somebody else on the server, who is answered before and after."""
    with RawSocket(server) as client:
        assert _round_trip_ms(client) < 5_000
        yield client
        assert _round_trip_ms(client) < 5_000


def _round_trip_ms(client: RawSocket) -> float:
    began = time.perf_counter()
    client.send('42["nonsense"]')  # no ack was asked for: unanswered, and not the end
    client.send('427["say","nowhere",1]')
    assert client.text().startswith('437[{"ok":true')
    return (time.perf_counter() - began) * 1000


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (encode_frame(b'42["say","a",1]'), 1002),
        (masked(b"x", FIN | TEXT | 0x40), 1002),
        (masked(b"x", FIN | 0x3), 1002),
        (masked(b"x", FIN | CONTINUATION), 1002),
        (masked(b"x", PING), 1002),
        (masked(b"4\xff\xfe"), 1007),
        (masked(b"4" * 4_097), 1009),
        (b"\x81\xff" + (1 << 60).to_bytes(8, "big") + b"\0\0\0\0", 1009),
        (masked(b"4" * 3_000, TEXT) + masked(b"4" * 3_000, CONTINUATION), 1009),
        (masked(b"\x01\x02", FIN | BINARY), 1007),
        (masked(b'451-["say",{"_placeholder":true,"num":0}]'), 1007),
        (masked(b"4abc"), 1007),
        (masked(b"42{}"), 1007),
        (masked(b'42["disconnect","x"]'), 1007),
        (masked(b'42["connect",{},{"token":"x"}]'), 1007),
        (masked(b"40"), 1007),
        (masked(b"2"), 1008),
        (masked(b"5"), 1008),
        (masked(b"x"), 1008),
        (masked(b""), 1008),
        (masked(b'42["a",1]\x1e42["a",2]'), 1007),
    ],
)
def test_a_broken_rule_closes_with_its_code(server: Gunicorn, data: bytes, code: int) -> None:
    with bystander(server), RawSocket(server) as client:
        client.sock.sendall(data)
        assert client.close_code() == code


def test_an_event_before_connect_closes(server: Gunicorn) -> None:
    with RawSocket(server, join=False) as client:
        client.send('42["say","a",1]')
        assert client.close_code() == 1007


def test_a_message_sent_byte_by_byte_is_handled(server: Gunicorn) -> None:
    with RawSocket(server) as client:
        for byte in masked(b'427["say","a","bytewise"]'):
            client.sock.sendall(bytes((byte,)))
        assert client.text().startswith("437[")


def test_a_fragmented_message_with_a_ping_inside_is_handled(server: Gunicorn) -> None:
    with RawSocket(server) as client:
        client.sock.sendall(masked(b'427["say",', TEXT) + masked(b"hi", FIN | PING))
        client.sock.sendall(masked(b'"a",1]', FIN | CONTINUATION))
        assert client.frame() == (PONG, b"hi")
        assert client.text().startswith("437[")


def test_a_client_that_never_connects_is_reaped(server: Gunicorn) -> None:
    with RawSocket(server, join=False) as client:
        assert client.close_code() == 1008


def test_a_client_that_left_its_namespace_is_reaped(server: Gunicorn) -> None:
    with RawSocket(server) as client:
        client.send("41")
        assert client.close_code() == 1008


def test_a_client_that_ignores_the_close_frame_loses_its_connection(server: Gunicorn) -> None:
    with RawSocket(server) as client:
        client.send("4abc")
        assert client.close_code() == 1007
        wait_until(lambda: is_reset(client))


def is_reset(client: RawSocket) -> bool:
    """Whether the server no longer takes what the client goes on sending."""
    try:
        client.send("x" * 1_000)
    except (ConnectionResetError, BrokenPipeError):
        return True
    return False


def test_a_client_that_stops_reading_is_closed_and_others_are_served(server: Gunicorn) -> None:
    with bystander(server) as sender, RawSocket(server) as lazy:
        lazy.send('421["join","flood"]')
        assert lazy.text() == "431[]"
        before = server.stats()["slow_closes"]
        text = "x" * 4_000
        slowest = 0.0
        for number in range(4_000):
            if server_closed_one(server, before, number):
                break
            began = time.perf_counter()
            sender.send(f'427["say","flood","{text}"]')
            assert sender.text().startswith("437[")
            slowest = max(slowest, time.perf_counter() - began)
        stats = server.stats()
        assert stats["slow_closes"] == before + 1
        assert stats["backlog_bytes"] == 0
        assert slowest < 2


def test_a_small_backlog_that_grows_old_closes_its_client(launch: Launch) -> None:
    server = launch(backlog_age_ms=500)
    with RawSocket(server) as sender, RawSocket(server) as lazy:
        lazy.send('421["join","old"]')
        assert lazy.text() == "431[]"
        request = '427["say","old","' + "x" * 60_000 + '"]'
        while not server.stats()["backlogged"]:
            sender.send(request)
            assert sender.text().startswith("437[")
        wait_until(lambda: server.stats()["slow_closes"] == 1)
        assert server.stats()["backlog_bytes"] == 0


def server_closed_one(server: Gunicorn, before: int, number: int) -> bool:
    """Whether the slow reader is gone; asked every hundredth time."""
    return number % 100 == 99 and server.stats()["slow_closes"] > before


def test_a_client_that_sends_without_end_is_read_no_faster_than_it_is_handled(server: Gunicorn) -> None:
    with bystander(server) as other, RawSocket(server) as flooder:
        flooder.sock.settimeout(0.2)
        worker = psutil.Process(server.process.pid).children()[0]
        before = worker.memory_info().rss
        burst = masked(b'42["say","nowhere",1]') * 2_000
        slowest = 0.0
        for _ in range(40):
            try:
                flooder.sock.sendall(burst)
            except TimeoutError:
                break  # the server has stopped reading: just what it should do
            slowest = max(slowest, _round_trip_ms(other))
        assert worker.memory_info().rss - before < 20_000_000
        assert slowest < 1_000


def _open_polling(server: Gunicorn) -> tuple[HTTPConnection, str]:
    http = HTTPConnection("127.0.0.1", server.port, timeout=5)
    http.request("GET", "/socket.io/?EIO=4&transport=polling")
    return http, json.loads(http.getresponse().read()[1:])["sid"]


def _post(http: HTTPConnection, sid: str, body: bytes) -> int:
    http.request("POST", f"/socket.io/?EIO=4&transport=polling&sid={sid}", body)
    answer = http.getresponse()
    answer.read()
    return answer.status


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"4" * 5_000, 413),
        (b"\xff\xfe", 400),
        (b"b!!!", 400),
        (b"\x1e".join([b'42["a"]'] * 101), 400),
        (b"", 400),
    ],
)
def test_a_bad_polling_body_is_refused(server: Gunicorn, body: bytes, status: int) -> None:
    http, sid = _open_polling(server)
    assert _post(http, sid, body) == status
    http.close()


def test_ten_thousand_events_in_one_body_close_the_session(server: Gunicorn) -> None:
    http, sid = _open_polling(server)
    assert _post(http, sid, b"\x1e".join([b"42[1]"] * 600)) == 400
    assert _post(http, sid, b"40") == 400
    http.close()


def test_a_polling_body_that_does_not_come_is_not_waited_for(server: Gunicorn) -> None:
    http, sid = _open_polling(server)
    with connect_tcp(server) as sock:
        head = f"POST /socket.io/?EIO=4&transport=polling&sid={sid} HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\n4"
        sock.sendall(head.encode())
        assert sock.recv(1_000).startswith(b"HTTP/1.1 400")
    http.close()


def test_what_is_said_to_a_polling_client_that_has_left_is_kept_by_nobody(launch: Launch) -> None:
    server = launch()
    http, sid = _open_polling(server)
    assert _post(http, sid, b"40/" + b"x" * 50_000 + b",\x1e1") == 200  # a CONNECT to be refused, and goodbye
    wait_until(lambda: server.stats()["events"] == 1)
    stats = server.stats()
    assert (stats["connections"], stats["backlog_bytes"]) == (0, 0)
    http.close()


@contextmanager
def frozen(server: Gunicorn) -> Iterator[None]:
    """The worker does nothing meanwhile: what clients do then has all happened when it goes on."""
    (worker,) = psutil.Process(server.process.pid).children()
    worker.send_signal(signal.SIGSTOP)
    try:
        yield
    finally:
        worker.send_signal(signal.SIGCONT)


def reset(sock: socket.socket) -> None:
    """Close with a reset, so that whatever is written to it fails."""
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    sock.close()


def test_a_client_that_is_gone_before_the_101_is_counted_as_nobody(launch: Launch) -> None:
    server = launch()
    with frozen(server), connect_tcp(server) as sock:
        sock.sendall(HANDSHAKE.format(path=PATH, query="", headers="").encode())
        reset(sock)
    wait_until(lambda: server.stats()["handshakes"] == 1)
    stats = server.stats()
    assert (stats["connections"], stats["polling"]) == (0, 0)


def test_a_client_that_is_gone_when_its_upgrade_ends_is_counted_as_nobody(launch: Launch) -> None:
    server = launch()
    http, sid = _open_polling(server)
    probe = RawSocket(server, join=False, query=f"&sid={sid}")
    probe.send("2probe")
    assert probe.text() == "3probe"
    assert _post(http, sid, b"40") == 200  # its answer waits, and is what cannot be written
    with frozen(server):
        probe.send("5")
        reset(probe.sock)
    wait_until(lambda: not server.stats()["connections"])
    assert server.stats()["polling"] == 0
    http.close()


def test_a_refused_origin_never_sees_a_101(server: Gunicorn) -> None:
    with RawSocket(server, join=False, headers="Origin: https://evil.example\r\n") as client:
        assert client.status == 403


@pytest.mark.parametrize("sid", ["w0.unknown", "%00", "../../etc", "w0." + "x" * 2_000])
def test_an_unknown_session_is_refused(server: Gunicorn, sid: str) -> None:
    with RawSocket(server, join=False, query=f"&sid={sid}") as client:
        assert client.status == 400


@pytest.mark.parametrize("key", ["", "short", base64.b64encode(b"x" * 15).decode(), "not base64!"])
def test_a_bad_websocket_key_is_refused(server: Gunicorn, key: str) -> None:
    with connect_tcp(server) as sock:
        sock.sendall(
            b"GET /socket.io/?EIO=4&transport=websocket HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\n"
            b"Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: " + key.encode() + b"\r\n\r\n"
        )
        assert sock.recv(1_000).startswith(b"HTTP/1.1 400")


def test_one_address_may_hold_so_many_connections_and_no_more(launch: Launch) -> None:
    server = launch(connections_per_ip=3)
    held = [RawSocket(server, join=False) for _ in range(3)]
    with RawSocket(server, join=False) as refused:
        assert refused.status == 429
    held.pop().close()
    wait_until(lambda: server.stats()["connections"] == 2)
    with RawSocket(server) as accepted:
        assert accepted.status == 101
    for client in held:
        client.close()


def test_a_failing_disconnect_handler_runs_once_and_leaves_no_room_behind(server: Gunicorn) -> None:
    failed = server.stats()["handler_errors"]
    with RawSocket(server) as client:
        client.send('421["join","boom"]')
        assert client.text() == "431[]"
    with RawSocket(server) as other:
        wait_until(lambda: server.stats()["handler_errors"] > failed)
        other.send('421["say","boom",1]')
        assert other.text() == '431[{"ok":true,"members":0}]'
        other.send('422["disconnects"]')
        assert other.text() == '432[["transport close"]]'
