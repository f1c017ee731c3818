"""Bytes that come one by one, each in time, hold no connection for long."""

from __future__ import annotations

import socket
import time

import pytest

from tests.support.fixtures import StartServer
from tests.support.server import Server

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
    with socket.create_connection(("127.0.0.1", server.port), timeout=WITHIN_S) as sock:
        sock.sendall(HEAD + framing)
        sock.settimeout(DRIP_S)
        ends_s = time.monotonic() + WITHIN_S
        while time.monotonic() < ends_s:
            try:
                sock.sendall(drop)
                answer = sock.recv(1_000)
            except TimeoutError:
                continue
            except (ConnectionResetError, BrokenPipeError):
                return
            assert answer == b"" or answer.startswith(b"HTTP/1.1 400"), answer
            return
        pytest.fail("the server still waits for the end of the body")


def test_a_body_that_is_large_and_steady_is_read(server: Server) -> None:
    with socket.create_connection(("127.0.0.1", server.port), timeout=WITHIN_S) as sock:
        sock.sendall(HEAD + b"Content-Length: 3000\r\n\r\n" + b"{")
        for _ in range(10):
            time.sleep(DRIP_S)  # 2 s in all: longer than one read may take, and fast enough
            sock.sendall(b" " * 299)
        sock.sendall(b" " * 8 + b"}")
        assert sock.recv(1_000).startswith(b"HTTP/1.1 422")
