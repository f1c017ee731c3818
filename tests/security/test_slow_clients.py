"""Bytes that come one by one, each in time, hold no connection for long."""

from __future__ import annotations

import socket
import threading
import time
from contextlib import suppress
from http.client import HTTPResponse, IncompleteRead
from pathlib import Path

import psutil
import pytest

from app.realtime.worker import READ_OUT_BYTES
from tests.support.fixtures import StartServer
from tests.support.people import Person
from tests.support.server import Server
from tests.support.waiting import eventually

HEAD = b"POST /api/auth/login HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
WITHIN_S = 10
DRIP_S = 0.2


@pytest.fixture(scope="module")
def server(start_server: StartServer) -> Server:
    return start_server(HTTP_IO_TIMEOUT_MS="1000", HTTP_BODY_BYTES_PER_S="1000")


@pytest.mark.parametrize(
    ("framing", "drop"),
    [(b"Content-Length: 900\r\n\r\n{", b" "), (b"Transfer-Encoding: chunked\r\n\r\n", b"1\r\n \r\n")],
)
def test_a_body_that_drips_is_cut(server: Server, framing: bytes, drop: bytes) -> None:
    assert is_cut(server, HEAD + framing, drop)


def is_cut(server: Server, head: bytes, drop: bytes) -> bool:
    """Whether the server ends a connection that sends `drop` after `drop`, in time and without success."""
    with socket.create_connection(("127.0.0.1", server.port), timeout=WITHIN_S) as sock:
        sock.sendall(head)
        sock.settimeout(DRIP_S)
        ends_s = time.monotonic() + WITHIN_S
        while time.monotonic() < ends_s:
            try:
                sock.sendall(drop)
                answer = sock.recv(1_000)
            except TimeoutError:
                continue
            except (ConnectionResetError, BrokenPipeError):
                return True
            return answer == b"" or answer.startswith(b"HTTP/1.1 400")
    return False


def test_a_file_that_drips_is_cut_and_leaves_nothing(server: Server) -> None:
    ada = Person(server.url)
    room = ada.post("/api/rooms", name="Files")
    announced = {"roomId": room["id"], "filename": "a.txt", "mime": "text/plain", "bytes": 900}
    ticket = ada.post("/api/upload/init", **announced)
    head = f"PUT {ticket['url']} HTTP/1.1\r\nHost: x\r\nContent-Type: text/plain\r\nContent-Length: 900\r\n\r\n"
    assert is_cut(server, head.encode(), b"x")
    incoming = Path(server.settings["DATA_DIR"], "incoming")  # is there, since the file had begun
    eventually(lambda: list(incoming.iterdir()) == [], 5)
    refused = ada.request("POST", "/api/upload/complete", json={"uploadId": ticket["uploadId"]})
    assert refused.json()["error"]["code"] == "upload_incomplete"


def test_a_body_that_is_large_and_steady_is_read(server: Server) -> None:
    with socket.create_connection(("127.0.0.1", server.port), timeout=WITHIN_S) as sock:
        sock.sendall(HEAD + b"Content-Length: 3000\r\n\r\n" + b"{")
        for _ in range(10):
            time.sleep(DRIP_S)  # 2 s in all: longer than one read may take, and fast enough
            sock.sendall(b" " * 299)
        sock.sendall(b" " * 8 + b"}")
        assert sock.recv(1_000).startswith(b"HTTP/1.1 422")


def test_large_bodies_that_do_not_end_are_not_gathered(start_server: StartServer) -> None:
    server = start_server()
    length, path = 900_000, f"/api/rooms/{Person(server.url).post('/api/rooms', name='Open')['shareToken']}/guests"
    head = f"POST {path} HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: {length}\r\n\r\n"
    before = memory_of(server)
    held = [connect(server, "127.0.0.2") for _ in range(150)]
    for sock in held:
        sock.sendall(head.encode() + b" " * (length - 1))
    with connect(server, "127.0.0.3") as other:
        other.sendall(head.encode() + b'{"name": "Ann"}'.rjust(length))
        assert other.recv(1_000).startswith(b"HTTP/1.1 201"), "somebody else's is read"
    assert held[-1].recv(1_000).startswith(b"HTTP/1.1 429"), "it was not its turn"
    assert memory_of(server) - before < 80_000_000
    for sock in held:
        sock.close()


@pytest.mark.parametrize(
    "framing", [b"Content-Length: 9000000000\r\n\r\n", b"Transfer-Encoding: chunked\r\n\r\n10000000\r\n"]
)
def test_a_refused_body_without_end_is_not_read_for_long(start_server: StartServer, framing: bytes) -> None:
    server = start_server()
    sent = 0
    with connect(server, "127.0.0.2") as sock:
        sock.sendall(HEAD.replace(b"/api/auth/login", b"/api/nothing") + framing)
        with suppress(ConnectionResetError, BrokenPipeError):
            while sent < 2 * READ_OUT_BYTES:
                sock.sendall(bytes(1_000_000))
                sent += 1_000_000
    assert sent < 2 * READ_OUT_BYTES, (
        "gunicorn takes all of it, and whoever sends fast enough has the loop for themselves"
    )


def test_requests_sent_one_behind_the_other_keep_nobody_waiting(server: Server) -> None:
    many, answers = 2_000, bytearray()
    with connect(server, "127.0.0.2") as sock:
        reader = threading.Thread(target=read_into, args=(answers, sock))
        reader.start()
        sock.sendall(b"GET /nothing HTTP/1.1\r\nHost: x\r\n\r\n" * many)
        assert is_served(server, "127.0.0.3")
        assert answers.count(b"HTTP/1.1 4") < many, "all of them were served first"
        sock.shutdown(socket.SHUT_RDWR)
        reader.join(WITHIN_S)


def read_into(answers: bytearray, sock: socket.socket) -> None:
    """Everything that comes; who does not read makes the server wait, and others are served meanwhile."""
    with suppress(OSError):
        while piece := sock.recv(1_000_000):
            answers += piece


def test_a_body_in_very_small_chunks_keeps_nobody_waiting(server: Server) -> None:
    pieces, piece = 900, b"1;x=" + b"y" * 40 + b"\r\n \r\n"
    sent: list[int] = []
    with connect(server, "127.0.0.2") as sock:
        sock.sendall(HEAD + b"Transfer-Encoding: chunked\r\n\r\n")
        sender = threading.Thread(target=send_all, args=(sock, piece * 1_000, pieces, sent))
        sender.start()
        assert is_served(server, "127.0.0.3")
        assert len(sent) < pieces, "all of it was read first"
        sock.shutdown(socket.SHUT_RDWR)
        sender.join(WITHIN_S)


def send_all(sock: socket.socket, data: bytes, times: int, sent: list[int]) -> None:
    """Send `data` so often, and note each time."""
    with suppress(OSError):
        for number in range(times):
            sock.sendall(data)
            sent.append(number)


def memory_of(server: Server) -> int:
    """What its processes hold, in bytes."""
    master = psutil.Process(server.pid)
    return sum(int(process.memory_info().rss) for process in (master, *master.children(recursive=True)))


SHARE = 5


@pytest.mark.parametrize(("hops", "share"), [("0", SHARE), ("1", 0)])
def test_one_address_has_so_many_connections_and_no_more(start_server: StartServer, hops: str, share: int) -> None:
    server = start_server(HTTP_CONNECTIONS_PER_IP=str(SHARE), TRUSTED_HOPS=hops)
    held = [connect(server, "127.0.0.2") for _ in range(2 * SHARE)]
    for sock in held:
        sock.sendall(HEAD)  # which never ends
    for sock in held[SHARE:] if share else ():
        assert sock.recv(1_000).startswith(b"HTTP/1.1 429")
    assert is_served(server, "127.0.0.3"), "somebody else is"
    assert is_served(server, "127.0.0.2") == (not share)
    for sock in held:
        sock.close()
    eventually(lambda: is_served(server, "127.0.0.2"))


UNREAD_BYTES = 4_000_000
LONGEST = "\N{GRINNING FACE}" * 4_000


def test_who_leaves_much_unread_is_ended_and_others_have_their_answers(start_server: StartServer) -> None:
    free = {"MESSAGE_RATE": "1000,1000", "RATE_LIMIT_MAX_REQUESTS": "0"}
    server = start_server(free, HTTP_UNREAD_BYTES_TOTAL=str(UNREAD_BYTES))
    ada = Person(server.url)
    room = ada.post("/api/rooms", name="Long")
    for _ in range(50):
        ada.post(f"/api/rooms/{room['id']}/messages", content=LONGEST)
    path = f"/api/rooms/{room['id']}/messages"
    asked = f"GET {path} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {ada.token}\r\nConnection: close\r\n\r\n".encode()
    patient = ask_slowly(server, "127.0.0.2", asked)
    flood = [ask_slowly(server, "127.0.0.3", asked) for _ in range(10)]
    assert is_whole(patient)
    assert 0 < sum(map(is_whole, flood)) <= UNREAD_BYTES // (50 * len(LONGEST.encode()))


def ask_slowly(server: Server, address: str, asked: bytes) -> socket.socket:
    """A connection whose answer has begun; nearly all of it waits at the server, as on a network."""
    sock = socket.socket()
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_MAXSEG, 1_440)  # on loopback the kernel would take all of it
    sock.settimeout(WITHIN_S)
    sock.bind((address, 0))
    sock.connect(("127.0.0.1", server.port))
    sock.sendall(asked)
    sock.recv(1, socket.MSG_PEEK)
    return sock


def is_whole(sock: socket.socket) -> bool:
    """Whether all of the answer comes."""
    with sock, suppress(ConnectionResetError), HTTPResponse(sock) as answer:
        answer.begin()
        with suppress(IncompleteRead):
            return bool(answer.read())
    return False


def connect(server: Server, address: str) -> socket.socket:
    return socket.create_connection(("127.0.0.1", server.port), WITHIN_S, source_address=(address, 0))


def is_served(server: Server, address: str) -> bool:
    """Whether a request from there is answered, and not refused."""
    with connect(server, address) as sock:
        sock.sendall(b"GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        return sock.recv(1_000).startswith(b"HTTP/1.1 200")
