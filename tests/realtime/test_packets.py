"""The packet reader against the Socket.IO protocol (v5)."""

import math
from typing import Any

import pytest
import socketio.packet
from hypothesis import given
from hypothesis import strategies as st

from app.realtime import packets
from app.realtime.frames import BINARY, TEXT, split_frames
from app.realtime.packets import MalformedPacketError, Packet, attach, decode, encode

json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(st.characters(exclude_categories=["Cs"])),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)


@pytest.mark.parametrize(
    ("text", "packet"),
    [
        ("0", Packet(0, "/", None, None)),
        ('0{"token":"t"}', Packet(0, "/", None, {"token": "t"})),
        ("0/admin,", Packet(0, "/admin", None, None)),
        ("0/admin?a=b,{}", Packet(0, "/admin", None, {})),
        ("1", Packet(1, "/", None, None)),
        ("1/admin", Packet(1, "/admin", None, None)),
        ('2["a",1]', Packet(2, "/", None, ["a", 1])),
        ('212["a"]', Packet(2, "/", 12, ["a"])),
        ('2/admin,456["a"]', Packet(2, "/admin", 456, ["a"])),
        ("312[]", Packet(3, "/", 12, [])),
    ],
)
def test_a_packet_of_the_protocol_is_read(text: str, packet: Packet) -> None:
    assert decode(text) == packet


@pytest.mark.parametrize(
    "text",
    [
        *("", "7", "a", "-1", "²", "0[]", '0"x"', "01", "1{}", "2", "2{}", "2[]", "2[null]", "2[true]", "2[{}]"),
        *('2["connect"]', '2["disconnect","x"]', '2["connect_error"]', '2["disconnecting"]', '2["newListener"]'),
        *('2["a"', "2[NaN]", '2["a",nan]', '2abc["a"]', "3[]", "31{}", "4{}", "5[]", '5-["a"]', '51["a"]'),
        *('299999999999999999999["a"]', '2["a"]x', '2["a"]\x1e2["b"]', "2" + "[" * 5_000),
    ],
)
def test_what_the_protocol_does_not_know_is_refused(text: str) -> None:
    with pytest.raises(MalformedPacketError):
        decode(text)


@pytest.mark.parametrize("declared", ["1", "11", "1000000000", "9" * 30, "٣"])
def test_more_attachments_than_allowed_are_refused_when_announced(declared: str) -> None:
    with pytest.raises(MalformedPacketError):
        decode(f'5{declared}-["a"]', 0 if declared == "1" else 10)


def test_an_escaped_lone_surrogate_is_left_to_the_validation_of_the_event() -> None:
    assert decode('2["a","\\ud800"]').data == ["a", "\ud800"]


@pytest.mark.parametrize(("text", "value"), [("1e400", math.inf), ("-Infinity", -math.inf), ("Infinity", math.inf)])
def test_so_is_a_number_that_is_not_finite(text: str, value: float) -> None:
    assert decode(f'2["a",{text}]').data == ["a", value]


@given(st.text(max_size=60))
def test_any_text_is_a_packet_or_refused(text: str) -> None:
    try:
        packet = decode(text, 2)
    except MalformedPacketError:
        return
    assert packet.type in range(7)


@given(st.lists(json_values, max_size=3), st.none() | st.integers(0, 10**9), st.sampled_from(["/", "/admin"]))
def test_what_is_encoded_is_what_the_stock_codec_reads(values: list[Any], id_: int | None, namespace: str) -> None:
    ((opcode, payload),) = split_frames(encode(packets.EVENT, namespace, ["a", *values], id_))
    stock = socketio.packet.Packet(encoded_packet=payload.decode()[1:])
    assert opcode == TEXT
    assert (stock.packet_type, stock.namespace or "/", stock.id, stock.data) == (2, namespace, id_, ["a", *values])


def test_binary_data_follows_its_packet_in_frames_of_its_own() -> None:
    frames = split_frames(encode(packets.ACK, "/", [{"file": b"\x01"}, b"\x02"], 7))
    assert [opcode for opcode, _ in frames] == [TEXT, BINARY, BINARY]
    packet = decode(frames[0][1].decode()[1:], 2)
    assert packet.id == 7
    assert attach(packet.data, [frames[1][1], frames[2][1]]) == [{"file": b"\x01"}, b"\x02"]


@pytest.mark.parametrize("number", ["1", "-1", '"0"', "null", "true"])
def test_a_placeholder_without_its_attachment_is_refused(number: str) -> None:
    packet = decode(f'51-["a",{{"_placeholder":true,"num":{number}}}]', 1)
    with pytest.raises(MalformedPacketError):
        attach(packet.data, [b"x"])


def test_what_has_no_json_form_is_an_error_of_the_sender() -> None:
    with pytest.raises(TypeError):
        encode(packets.EVENT, "/", ["a", object()])
