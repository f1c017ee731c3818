"""What one GET of a polling client is answered."""

from __future__ import annotations

from itertools import chain

import pytest

from app.realtime.frames import encode_frame
from app.realtime.polling import FAR_BEHIND, PollingTransport

MAX_BYTES = 10_000


class TooMuchError(Exception):
    """More waits than may."""


def overflow() -> None:
    raise TooMuchError


def transport() -> PollingTransport:
    return PollingTransport(MAX_BYTES, 16, overflow)


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
    with pytest.raises(TooMuchError):
        polling.write(encode_frame(b"4" + b"x" * MAX_BYTES))
