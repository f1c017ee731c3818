"""Files beside conversations: app/backends/pacing.py."""

from __future__ import annotations

import gevent
import pytest

from app.backends import pacing


def test_nothing_is_lost_and_every_chunk_is_followed_by_a_rest(monkeypatch: pytest.MonkeyPatch) -> None:
    rests: list[float] = []
    monkeypatch.setattr(pacing.time, "thread_time", iter(range(100)).__next__)
    monkeypatch.setattr(pacing.gevent, "sleep", rests.append)
    monkeypatch.setattr(pacing, "LONGEST_REST_S", 1000.0)
    first, second = pacing.paced(iter("abc")), pacing.paced(iter("xyz"))
    assert list(first) == ["a", "b", "c"]
    assert rests == [1, 1, 1]  # each chunk took a second of work; the second reader has not begun
    next(second)
    assert list(pacing.paced("a")) == ["a"]
    assert rests[3:] == [2]  # two readers are at it
    second.close()
    assert list(pacing.paced("a")) == ["a"]
    assert rests[4:] == [1]


def test_a_reader_that_fails_is_no_longer_counted() -> None:
    def broken() -> gevent.Greenlet[[], None]:
        raise OSError("gone")

    with pytest.raises(OSError, match="gone"):
        list(pacing.paced(broken() for _ in range(1)))
    assert pacing._readers == 0
