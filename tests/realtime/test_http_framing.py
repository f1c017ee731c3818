"""Strict HTTP framing, shown by raw bytes sent to a running gunicorn.

Each case would let a proxy and the server disagree about where a request ends (request smuggling,
RFC 9112 section 11.2); the second request inside must never be answered.
"""

import socket

import pytest

from tests.realtime.conftest import Launch
from tests.realtime.launcher import Gunicorn
from tests.realtime.raw import HANDSHAKE, PATH, connect_tcp, masked

SMUGGLED = b"GET /stats HTTP/1.1\r\nHost: x\r\n\r\n"


def answers(server: Gunicorn, data: bytes) -> bytes:
    """Everything that the server says to `data` before it closes or falls silent."""
    said = b""
    with connect_tcp(server) as sock:
        sock.settimeout(1)
        sock.sendall(data)
        try:
            while piece := sock.recv(65_536):
                said += piece
        except (TimeoutError, ConnectionResetError):
            pass
    return said


def post(*headers: bytes, body: bytes = b"") -> bytes:
    return b"\r\n".join([b"POST /readyz HTTP/1.1", b"Host: x", *headers, b"", b""]) + body


@pytest.mark.parametrize(
    "data",
    [
        post(b"Content-Length: 0", b"Content-Length: 33", body=SMUGGLED),
        post(b"Content-Length: 33", b"Content-Length: 33", body=SMUGGLED),
        post(b"Content-Length: 5", b"Transfer-Encoding: chunked", body=b"0\r\n\r\n" + SMUGGLED),
        post(b"Transfer-Encoding: xchunked", body=SMUGGLED),
        post(b"Transfer-Encoding: chunked, identity", body=b"0\r\n\r\n" + SMUGGLED),
        post(b"Transfer-Encoding: chunked", b"Transfer-Encoding: chunked", body=b"0\r\n\r\n" + SMUGGLED),
        post(b"Content-Length: +0", body=SMUGGLED),
        post(b"Content-Length: -1", body=SMUGGLED),
        post(b"Content-Length: 0x0", body=SMUGGLED),
        post(b"Content-Length : 0", body=SMUGGLED),
        post(b"Transfer-Encoding : chunked", body=SMUGGLED),
        post(b"Transfer_Encoding: chunked", body=SMUGGLED),
        post(b"Content-Length: 0", b" folded: x", body=SMUGGLED),
        post(b"Host: y", body=SMUGGLED),
        b"POST /readyz HTTP/1.1\r\nContent-Length: 0\r\n\r\n" + SMUGGLED,
        post(b"Na\x00me: x", body=SMUGGLED),
        post(b"Name: a\x00b", body=SMUGGLED),
        b"POST /readyz HTTP/1.1\nHost: x\n\n" + SMUGGLED,
        b"POST /readyz\x00 HTTP/1.1\r\nHost: x\r\n\r\n" + SMUGGLED,
    ],
)
def test_ambiguous_framing_is_refused_and_nothing_after_it_is_read(server: Gunicorn, data: bytes) -> None:
    said = answers(server, data)
    assert b"connections" not in said
    assert said.count(b"HTTP/1.1 ") <= 1
    assert said.startswith((b"HTTP/1.1 400", b"HTTP/1.1 501")) or not said


@pytest.mark.parametrize(
    ("data", "status", "code"),
    [
        (b"GET /readyz?" + b"a" * 9_000 + b" HTTP/1.1\r\nHost: x\r\n\r\n", b"414", b"uri_too_long"),
        (b"GET /readyz HTTP/1.1\r\nHost: x\r\nA: " + b"a" * 9_000 + b"\r\n\r\n", b"431", b"headers_too_large"),
        (b"GET /readyz HTTP/1.1\r\nHost: x\r\n" + b"A: b\r\n" * 200 + b"\r\n", b"431", b"headers_too_large"),
    ],
)
def test_too_long_an_address_and_too_many_headers_have_answers_of_their_own(
    server: Gunicorn, data: bytes, status: bytes, code: bytes
) -> None:
    said = answers(server, data)
    assert said.startswith(b"HTTP/1.1 " + status)
    assert b'"code": "' + code in said


def test_a_clean_request_with_another_behind_it_is_answered_twice(server: Gunicorn) -> None:
    said = answers(server, b"GET /readyz HTTP/1.1\r\nHost: x\r\n\r\n" + SMUGGLED)
    assert said.count(b"HTTP/1.1 200") == 2
    assert b"connections" in said


def test_a_slow_head_is_cut(launch: Launch, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_IDLE_TIMEOUT_MS", "1000")
    with connect_tcp(launch()) as sock:
        sock.sendall(b"GET /readyz HTTP/1.1\r\n")
        sock.settimeout(0.2)
        for _ in range(25):
            try:
                sock.sendall(b"X-A: b\r\n")
                if sock.recv(1_000) == b"":
                    return
            except TimeoutError:
                continue
            except (ConnectionResetError, BrokenPipeError):
                return
        pytest.fail("the server still waits for the end of the head")


def test_bytes_after_the_websocket_handshake_reach_the_engine(server: Gunicorn) -> None:
    with connect_tcp(server) as sock:
        sock.sendall(
            HANDSHAKE.format(path=PATH, query="", headers="").encode() + masked(b"40") + masked(b'421["disconnects"]')
        )
        said = b""
        while b"431[" not in said:
            said += sock.recv(4_096)
    assert b'40{"sid"' in said


def test_an_http_client_that_goes_away_is_forgotten(server: Gunicorn) -> None:
    for _ in range(3):
        sock = socket.create_connection(("127.0.0.1", server.port))
        sock.close()
    assert answers(server, b"GET /readyz HTTP/1.1\r\nHost: x\r\n\r\n").startswith(b"HTTP/1.1 200")
