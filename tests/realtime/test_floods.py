"""Who floods a running server is not read, then closed. How far it gets is counted; how long it takes is for the benchmark."""

from __future__ import annotations

from http.client import HTTPConnection
from threading import Thread

import pytest

from app.realtime.frames import BINARY, CLOSE, CONTINUATION, PING, TEXT
from tests.realtime.conftest import Launch
from tests.realtime.launcher import Gunicorn
from tests.realtime.raw import RawSocket, masked
from tests.support.waiting import eventually

FINAL = 0x80
AT_ONCE = 100
#: Parsed in one go before it is paid for: a read, or as many events as may be queued.
OVERSHOOT_EVENTS = 32
FLOOD = 4_000


@pytest.fixture(scope="module")
def server(launch: Launch) -> Gunicorn:
    """Earns next to nothing, so that what a test counts does not depend on how long it takes."""
    return launch(packets_per_s=1, packets_at_once=AT_ONCE, packets_per_s_per_ip=0, max_unasked_packets=5)


@pytest.fixture(scope="module")
def strict(launch: Launch) -> Gunicorn:
    return launch(packets_per_s=20, packets_at_once=AT_ONCE, packets_per_s_per_ip=0, flood_timeout_ms=300)


def pour(client: RawSocket, frames: bytes) -> None:
    """Send until the server ends it."""

    def send() -> None:
        try:
            while True:
                client.sock.sendall(frames)
        except OSError:
            return

    Thread(target=send, daemon=True).start()


def goodbye(client: RawSocket) -> tuple[int, str]:
    """The code and the reason of the server's close frame."""
    while True:
        opcode, payload = client.frame()
        if opcode == CLOSE:
            return int.from_bytes(payload[:2], "big"), payload[2:].decode()


FLOODS = {
    "events": masked(b'42["nonsense"]') * 100,
    "pings": masked(b"", FINAL | PING) * 100,
    "fragments of a byte": masked(b"4", TEXT) + masked(b"x", CONTINUATION) * 60_000,
    "answers": masked(b'42["say","nowhere",1]') * 100,
}


@pytest.mark.parametrize("frames", FLOODS.values(), ids=FLOODS)
def test_a_flood_is_closed_with_a_code_and_a_reason(strict: Gunicorn, frames: bytes) -> None:
    floods = strict.stats()["floods"]
    with RawSocket(strict) as client:
        pour(client, frames)
        assert goodbye(client) == (1008, "rate_limited: too many packets")
    assert strict.stats()["floods"] == floods + 1


def test_reads_of_single_bytes_count_as_well(server: Gunicorn) -> None:
    throttled = server.stats()["throttled"]
    with RawSocket(server) as client:
        frame = masked(b'427["say","nowhere",1]')
        for _ in range(2 * AT_ONCE):
            client.sock.sendall(frame[:1])
            frame = frame[1:] or masked(b"4" * 300)
            if server.stats()["throttled"] > throttled:
                return
    raise AssertionError("never")


def test_flooders_are_not_read_while_a_neighbour_is(server: Gunicorn) -> None:
    flooders = [RawSocket(server) for _ in range(4)]
    before = server.stats()
    for flooder in flooders:
        Thread(target=flooder.sock.sendall, args=(masked(b'42["nonsense"]') * FLOOD,), daemon=True).start()
    eventually(lambda: server.stats()["throttled"] == before["throttled"] + len(flooders))
    with RawSocket(server) as neighbour:
        neighbour.send('427["say","nowhere",1]')
        assert neighbour.text().startswith('437[{"ok":true')
    handled = server.stats()["events"] - before["events"]
    assert handled <= len(flooders) * (AT_ONCE + OVERSHOOT_EVENTS) + 20
    for flooder in flooders:
        flooder.close()


@pytest.mark.parametrize("packet", ['431["x"]', "3", "40/nowhere,"])
def test_what_nobody_asked_for_is_borne_a_few_times(server: Gunicorn, packet: str) -> None:
    with RawSocket(server) as client:
        for _ in range(5):
            client.send(packet)
        client.send('427["say","nowhere",1]')
        while not client.text().startswith('437[{"ok":true'):
            pass
        client.send(packet)
        assert goodbye(client) == (1008, "rate_limited: packets that nobody asked for")


def test_a_polling_client_pays_for_each_packet(strict: Gunicorn) -> None:
    connection = HTTPConnection("127.0.0.1", strict.port, timeout=20)
    connection.request("GET", "/socket.io/?EIO=4&transport=polling")
    opening = connection.getresponse().read().decode()
    path = f"/socket.io/?EIO=4&transport=polling&sid={opening.split('sid')[1].split(chr(34))[2]}"
    connection.request("POST", path, body="40")
    assert connection.getresponse().read() == b"ok"
    body = "\x1e".join(['42["nonsense"]'] * 250)
    statuses = []
    while not statuses or statuses[-1] == 200:
        connection.request("POST", path, body=body)
        answer = connection.getresponse()
        answer.read()
        statuses.append(answer.status)
    assert statuses[-1] in (400, 429)
    assert len(statuses) < FLOOD // 250


def test_binary_messages_count_as_well(strict: Gunicorn) -> None:
    with RawSocket(strict, join=False) as client:
        pour(client, masked(b"x", BINARY) + masked(b"y", CONTINUATION) * 60_000)
        assert goodbye(client)[0] == 1008
