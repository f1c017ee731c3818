"""What one GET of a polling client is answered."""

from __future__ import annotations

from itertools import chain

import pytest

from app.realtime.backlog import Bounds
from app.realtime.frames import encode_frame
from app.realtime.polling import FAR_BEHIND, PollingTransport
from app.realtime.settings import EngineSettings

MAX_BYTES = 10_000


class TooMuchError(Exception):
    """More waits than may."""


def overflow() -> None:
    raise TooMuchError


def transport() -> PollingTransport:
    return PollingTransport(Bounds(EngineSettings(backlog_bytes_per_client=MAX_BYTES)), overflow)


def packets(count: int, size: int = 4) -> list[bytes]:
    return [b"4%0*d" % (size - 1, number) for number in range(count)]


def test_an_answer_has_no_more_packets_than_python_engineio_reads() -> None:
    polling = transport()
    sent = packets(40)
    polling.write(b"".join(map(encode_frame, sent)))
    answers = [polling.fetch() for _ in range(4)]
    assert [len(answer) for answer in answers] == [16, 16, 8, 0]
    assert list(chain(*answers)) == sent


def test_ephemeral_packets_come_when_the_durable_ones_are_through() -> None:
    polling = transport()
    for number in range(20):
        polling.write_latest(("typing", str(number)), encode_frame(b"t%d" % number))
    durable = packets(10)
    polling.write(b"".join(map(encode_frame, durable)))
    first, second = polling.fetch(), polling.fetch()
    assert first == [*durable, *(b"t%d" % number for number in range(6))]
    assert second == [b"t%d" % number for number in range(6, 20)]


def test_who_is_far_behind_gets_everything() -> None:
    polling = transport()
    sent = packets(20, MAX_BYTES // FAR_BEHIND // 19)
    polling.write(b"".join(map(encode_frame, sent)))
    assert polling.fetch() == sent


def test_what_was_fetched_no_longer_counts() -> None:
    polling = transport()
    for _ in range(20):
        polling.write(b"".join(map(encode_frame, packets(40, 60))))
        while polling.fetch():
            pass
    polling.write(encode_frame(b"4" + b"x" * MAX_BYTES))
    with pytest.raises(TooMuchError):
        polling.write(encode_frame(b"4"))


def test_one_answer_may_be_longer_than_all_that_may_wait() -> None:
    """A join may be: nobody could come into a room with long messages."""
    polling = transport()
    joined = encode_frame(b"4" + b"x" * MAX_BYTES) * 3
    polling.write(joined)
    assert b"".join(map(encode_frame, polling.fetch())) == joined


def test_all_who_do_not_fetch_hold_no_more_together_than_all_clients_may() -> None:
    bounds = Bounds(EngineSettings(backlog_bytes_total=MAX_BYTES))
    ended: list[str] = []
    pollers = {
        name: PollingTransport(bounds, lambda name=name: ended.append(name)) for name in ("most", "less", "none")
    }
    pollers["most"].write(encode_frame(b"x" * 6_000))
    pollers["less"].write(encode_frame(b"x" * 3_000))
    pollers["none"].write(encode_frame(b"x" * 1_000))
    pollers["none"].take()
    assert (bounds.counters.backlog_bytes, ended) == (9_000, [])
    pollers["less"].write_latest(("room", "count"), encode_frame(b"x" * 2_000))
    assert (bounds.counters.backlog_bytes, ended) == (5_000, ["most"])
    pollers["less"].write_latest(("room", "count"), encode_frame(b"x" * 6_000))
    assert (bounds.counters.backlog_bytes, ended, bounds.behind) == (9_000, ["most"], {pollers["less"]})
    pollers["less"].end(by_client=True)
    assert (bounds.counters.backlog_bytes, bounds.behind) == (0, set())


def test_what_is_written_to_a_session_that_is_over_is_kept_by_nobody() -> None:
    bounds = Bounds(EngineSettings())
    polling = PollingTransport(bounds, overflow)
    polling.end(by_client=True)
    polling.write(encode_frame(b"4late"))
    polling.write_latest(("typing", "1"), encode_frame(b"4late"))
    assert (polling.fetch(), bounds.counters.backlog_bytes, bounds.behind) == ([], 0, set())
