"""The frame reader against RFC 6455, with frames cut anywhere."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.realtime.frames import (
    BINARY,
    CLOSE,
    CONTINUATION,
    PING,
    PONG,
    TEXT,
    FrameParser,
    Message,
    ProtocolError,
    encode_close,
    encode_frame,
    split_frames,
    unmask,
)
from tests.realtime.raw import masked

MAX_BYTES = 70_000
FIN = 0x80


def parse(data: bytes, cuts: list[int] | None = None, max_bytes: int = MAX_BYTES) -> list[Message]:
    """All messages in `data`, fed in the pieces that `cuts` make of it."""
    parser = FrameParser(max_bytes)
    found = []
    edges = [0, *sorted(cuts or []), len(data)]
    for begin, end in pairwise(edges):
        parser.feed(data[begin:end])
        while (message := parser.next_message()) is not None:
            found.append(message)
    return found


def refusal(data: bytes, max_bytes: int = MAX_BYTES) -> int:
    """The close code that `data` earns."""
    with pytest.raises(ProtocolError) as caught:
        parse(data, max_bytes=max_bytes)
    return caught.value.code


messages = st.one_of(
    st.tuples(st.just(TEXT), st.text(max_size=300).map(str.encode)),
    st.tuples(st.just(BINARY), st.binary(max_size=300)),
    st.tuples(st.sampled_from([PING, PONG]), st.binary(max_size=125)),
    st.tuples(st.just(BINARY), st.sampled_from([125, 126, 127, 65_535, 65_536]).map(bytes)),
)


@st.composite
def streams(draw: st.DrawFn) -> tuple[bytes, list[Message], list[int]]:
    """Frames of some messages, some of them fragmented; what they say; where to cut."""
    data, said = b"", []
    for opcode, payload in draw(st.lists(messages, max_size=6)):
        said.append((opcode, payload.decode() if opcode == TEXT else payload))
        mask = draw(st.binary(min_size=4, max_size=4))
        if opcode in (TEXT, BINARY) and draw(st.booleans()):
            middle = draw(st.integers(0, len(payload)))
            data += masked(payload[:middle], opcode, mask)
            if draw(st.booleans()):
                data += masked(b"", FIN | PING)
                said.insert(-1, (PING, b""))
            data += masked(payload[middle:], FIN | CONTINUATION, mask)
        else:
            data += masked(payload, FIN | opcode, mask)
    cuts = draw(st.lists(st.integers(0, len(data)), max_size=12))
    return data, said, cuts


@given(streams())
def test_any_split_of_the_bytes_gives_the_same_messages(stream: tuple[bytes, list[Message], list[int]]) -> None:
    data, said, cuts = stream
    assert parse(data, cuts) == said


@given(st.binary(max_size=400), st.lists(st.integers(0, 400), max_size=8))
def test_any_bytes_give_messages_or_one_protocol_error(data: bytes, cuts: list[int]) -> None:
    def outcome(pieces: list[int]) -> int | list[Message]:
        try:
            return parse(data, [min(cut, len(data)) for cut in pieces])
        except ProtocolError as error:
            return error.code

    # However the bytes are cut: a refusal stays one, and what was readable stays readable.
    assert outcome(cuts) == outcome([])


@given(st.binary(max_size=500), st.binary(min_size=4, max_size=4))
def test_unmasking_is_the_xor_of_rfc_6455(payload: bytes, mask: bytes) -> None:
    assert unmask(payload, mask) == bytes(byte ^ mask[i % 4] for i, byte in enumerate(payload))


@given(st.lists(st.tuples(st.sampled_from([TEXT, BINARY]), st.binary(max_size=200)), max_size=5))
def test_frames_written_together_are_told_apart(pairs: list[tuple[int, bytes]]) -> None:
    assert split_frames(b"".join(encode_frame(payload, opcode) for opcode, payload in pairs)) == pairs


@pytest.mark.parametrize("size", [0, 125, 126, 65_535, 65_536])
def test_a_length_is_written_as_short_as_it_can_be(size: int) -> None:
    frame = encode_frame(b"x" * size)
    assert split_frames(frame) == [(TEXT, b"x" * size)]
    assert len(frame) - size == (2 if size < 126 else 4 if size < 65_536 else 10)


def test_a_frame_sent_byte_by_byte_is_read() -> None:
    data = masked(b"4" * 1_000)
    assert parse(data, list(range(len(data)))) == [(TEXT, "4" * 1_000)]


def test_an_unmasked_frame_is_refused() -> None:
    assert refusal(encode_frame(b"40")) == 1002


@pytest.mark.parametrize("bit", [0x40, 0x20, 0x10])
def test_a_reserved_bit_is_refused(bit: int) -> None:
    assert refusal(masked(b"40", FIN | TEXT | bit)) == 1002


@pytest.mark.parametrize("opcode", [0x3, 0x7, 0xB, 0xF])
def test_an_unknown_opcode_is_refused(opcode: int) -> None:
    assert refusal(masked(b"", FIN | opcode)) == 1002


def test_too_long_a_frame_is_refused_by_its_header() -> None:
    assert refusal(masked(b"x" * 200)[:8], max_bytes=100) == 1009


def test_a_frame_that_declares_two_to_the_sixty_is_refused_at_once() -> None:
    assert refusal(b"\x81\xff" + (1 << 60).to_bytes(8, "big")) == 1009


def test_a_length_with_its_highest_bit_set_is_refused() -> None:
    assert refusal(b"\x81\xff" + (1 << 63).to_bytes(8, "big")) == 1002


def test_a_length_longer_than_need_be_is_refused() -> None:
    assert refusal(b"\x81\xfe\x00\x05" + bytes(9)) == 1002


def test_fragments_together_may_not_be_too_long() -> None:
    assert refusal(masked(b"x" * 60, TEXT) + masked(b"x" * 60, FIN | CONTINUATION), max_bytes=100) == 1009


def test_a_continuation_of_nothing_is_refused() -> None:
    assert refusal(masked(b"x", FIN | CONTINUATION)) == 1002


def test_a_new_message_inside_a_fragmented_one_is_refused() -> None:
    assert refusal(masked(b"x", TEXT) + masked(b"y", FIN | TEXT)) == 1002


def test_a_fragmented_control_frame_is_refused() -> None:
    assert refusal(masked(b"x", PING)) == 1002


def test_a_long_control_frame_is_refused() -> None:
    assert refusal(masked(b"x" * 126, FIN | PING)) == 1002


@pytest.mark.parametrize("text", [b"\xff", b"\xc0\xaf", b"\xed\xa0\x80", b"\xf4\x90\x80\x80", b"ab\xe2\x82"])
def test_text_that_is_not_utf8_is_refused(text: bytes) -> None:
    assert refusal(masked(text)) == 1007


def test_a_character_cut_between_fragments_is_read() -> None:
    euro = "€".encode()
    assert parse(masked(euro[:1], TEXT) + masked(euro[1:], FIN | CONTINUATION)) == [(TEXT, "€")]


@pytest.mark.parametrize("payload", [b"\x03", (999).to_bytes(2, "big"), (1005).to_bytes(2, "big")])
def test_a_bad_close_code_is_refused(payload: bytes) -> None:
    assert refusal(masked(payload, FIN | CLOSE)) == 1002


def test_a_close_reason_that_is_not_utf8_is_refused() -> None:
    assert refusal(masked((1000).to_bytes(2, "big") + b"\xff", FIN | CLOSE)) == 1007


def test_a_close_frame_carries_its_code_and_no_more_than_fits() -> None:
    ((opcode, payload),) = split_frames(encode_close(1009, "x" * 500))
    assert (opcode, payload[:2], len(payload)) == (CLOSE, (1009).to_bytes(2, "big"), 125)
