"""Whose answers are ended when too much is left unread: app/realtime/unread.py."""

from __future__ import annotations

import socket

from app.realtime.unread import Answer, Unread

MOST_BYTES = 100


class Readers:
    """Answers that wait with a piece each, by a name that says whose they are."""

    def __init__(self) -> None:
        self.told: list[str] = []
        self.unread = Unread(MOST_BYTES, self.told.append)
        self._ours: dict[str, tuple[Answer, socket.socket]] = {}

    def wait(self, name: str, piece: bytes) -> Answer:
        """`name` is the address and a number."""
        ours, theirs = socket.socketpair()
        answer = Answer(self.unread, [piece, b"the rest"], ours, name[:-1])
        self._ours[name] = answer, theirs
        next(iter(answer))
        return answer

    def ended(self) -> list[str]:
        """Whose connection was ended."""
        for _, theirs in self._ours.values():
            theirs.setblocking(False)
        return [name for name, (_, theirs) in self._ours.items() if is_ended(theirs)]


def is_ended(sock: socket.socket) -> bool:
    try:
        return sock.recv(1) == b""
    except BlockingIOError:
        return False


def test_who_has_most_gives_way_and_of_theirs_the_longest() -> None:
    readers = Readers()
    readers.wait("slow0", b"s" * 30)
    for number, size in enumerate((10, 25, 20)):
        readers.wait(f"flood{number}", b"f" * size)
    readers.wait("slow1", b"t" * 15)
    assert readers.ended() == []
    readers.wait("late0", b"l" * 20)
    assert readers.ended() == ["flood1"]
    assert readers.told == ["flood"]
    assert readers.unread.size_bytes == 95


def test_a_piece_that_many_wait_with_counts_once() -> None:
    readers = Readers()
    shared = b"x" * 60
    answers = [readers.wait(f"crowd{number}", shared) for number in range(5)]
    assert readers.unread.size_bytes == 60
    for answer in answers[:4]:
        answer.close()
    assert readers.unread.size_bytes == 60
    answers[4].close()
    assert readers.unread.size_bytes == 0
    assert readers.ended() == []


def test_a_piece_is_gone_when_the_next_one_is_asked_for() -> None:
    unread = Unread(MOST_BYTES, lambda address: None)
    pieces = iter(Answer(unread, [b"x" * 60, b"y" * 70], None, "any"))
    sizes = [unread.size_bytes for _ in pieces]
    assert sizes == [60, 70]
    assert unread.size_bytes == 0


def test_one_that_is_too_long_for_all_is_ended_itself() -> None:
    readers = Readers()
    readers.wait("slow0", b"s" * 30)
    readers.wait("long0", b"l" * 101)
    assert readers.ended() == ["long0"]
    assert readers.unread.size_bytes == 30
