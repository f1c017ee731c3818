"""What waits for a slow reader: in order, bounded, and only the latest of what is ephemeral."""

from hypothesis import given
from hypothesis import strategies as st

from app.realtime.backlog import Backlog


@given(st.lists(st.binary(min_size=1, max_size=20), min_size=1, max_size=100), st.data())
def test_every_byte_goes_out_once_and_in_order(chunks: list[bytes], data: st.DataObject) -> None:
    backlog = Backlog()
    already = data.draw(st.integers(0, len(chunks[0]) - 1))
    waiting = backlog.append(chunks[0], already) + sum(backlog.append(chunk) for chunk in chunks[1:])
    assert backlog.size_bytes == waiting
    out = chunks[0][:already]
    while head := backlog.head():
        offered = b"".join(bytes(piece) for piece in head)
        sent = data.draw(st.integers(1, len(offered)))
        out += offered[:sent]
        backlog.consume(sent)
    assert out == b"".join(chunks)
    assert backlog.size_bytes == 0


def test_only_the_latest_of_a_key_waits_and_goes_out_last() -> None:
    backlog = Backlog()
    backlog.append(b"durable")
    for text in (b"old", b"newer", b"newest"):
        backlog.replace(("room", "typing:ada"), text)
    backlog.replace(("room", "count"), b"7")
    backlog.append(b"later")
    assert backlog.size_bytes == len(b"durablelaternewest7")
    out = b""
    while head := backlog.head():
        out += b"".join(bytes(piece) for piece in head)
        backlog.consume(sum(len(piece) for piece in head))
    assert out == b"durablelaternewest7"


def test_the_chunks_are_the_very_bytes_that_others_got() -> None:
    shared = b"x" * 1_000
    backlog = Backlog()
    backlog.append(shared)
    assert backlog.head()[0] is shared
