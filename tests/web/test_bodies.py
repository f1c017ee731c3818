"""Bodies that come in chunks, without a length: as large and as well framed as the others. Raw bytes to a running server."""

from __future__ import annotations

import socket
from collections.abc import Iterable

import pytest

from tests.support.people import Person
from tests.support.server import Server

LIMIT_BYTES = 1_000_000
PIECE_BYTES = 50_000


@pytest.fixture(scope="module")
def host(server: Server) -> Person:
    return Person(server.url)


def chunked(pieces: Iterable[bytes]) -> bytes:
    """RFC 9112, section 7.1."""
    return b"".join(b"%x\r\n%b\r\n" % (len(piece), piece) for piece in pieces) + b"0\r\n\r\n"


def post(host: Person, path: str, body: bytes, kind: str = "application/json") -> bytes:
    """Send the head and these very bytes; the whole answer."""
    head = (
        f"POST {path} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {host.token}\r\nConnection: close\r\n"
        f"Content-Type: {kind}\r\nTransfer-Encoding: chunked\r\n\r\n"
    )
    with socket.create_connection(("127.0.0.1", int(host.url.rpartition(":")[2])), timeout=10) as sock:
        sock.sendall(head.encode() + body)
        answer = b""
        while piece := sock.recv(65_536):
            answer += piece
    return answer


def test_a_body_in_chunks_is_read_like_any_other(host: Person) -> None:
    answer = post(host, "/api/rooms", chunked([b'{"name": ', b'"In pieces"}']))
    assert answer.startswith(b"HTTP/1.1 201")
    assert b'"name":"In pieces"' in answer


@pytest.mark.parametrize("body", [b"ZZ\r\n{}\r\n0\r\n\r\n", b"+2\r\n{}\r\n0\r\n\r\n", b"2\r\n{}0\r\n\r\n"])
def test_a_body_that_is_badly_framed_is_malformed(host: Person, body: bytes) -> None:
    answer = post(host, "/api/rooms", body)
    assert answer.startswith(b"HTTP/1.1 400")
    assert b'"code":"malformed"' in answer


def test_a_body_in_chunks_may_not_be_larger_than_others(host: Person) -> None:
    pieces = [b'{"name": "', *[b"a" * PIECE_BYTES] * (LIMIT_BYTES // PIECE_BYTES), b'"}']
    answer = post(host, "/api/rooms", chunked(pieces))
    assert answer.startswith(b"HTTP/1.1 413")
    assert b'"code":"body_too_large"' in answer


def test_of_a_programme_that_is_too_large_no_row_is_imported(host: Person) -> None:
    room = host.post("/api/rooms", name="Hall")
    path = f"/api/rooms/{room['id']}"
    rows = [b"title,duration\n", b"Opening,5\n", *[b"\n" * PIECE_BYTES] * (LIMIT_BYTES // PIECE_BYTES), b"Lost,5\n"]
    answer = post(host, f"{path}/timers/import", chunked(rows), kind="text/csv")
    assert answer.startswith(b"HTTP/1.1 413")
    assert host.get(path)["timers"] == []
