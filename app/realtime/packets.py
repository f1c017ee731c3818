"""Socket.IO packets (protocol v5), read strictly: what the protocol does not know is an error.

The stock decoder lets malformed packets pass as odd data, which keeps broken or hostile clients
connected; the protocol says to close. Reserved event names never reach a handler: a client that
could call `disconnect` would leave a ghost behind.
"""

from typing import Any, Final, NamedTuple

import socketio.packet

from app.realtime import codec
from app.realtime.frames import BINARY, encode_frame

CONNECT: Final = 0
DISCONNECT: Final = 1
EVENT: Final = 2
ACK: Final = 3
CONNECT_ERROR: Final = 4
BINARY_EVENT: Final = 5
BINARY_ACK: Final = 6

RESERVED_EVENTS: Final = frozenset(
    {"connect", "connect_error", "disconnect", "disconnecting", "newListener", "removeListener"}
)
MAX_ACK_DIGITS: Final = 16


class MalformedPacketError(ValueError):
    """Not a Socket.IO packet; the connection is closed."""


class Packet(NamedTuple):
    """`data` of an event is `[name, *arguments]`, with placeholders while attachments are missing."""

    type: int
    namespace: str
    id: int | None
    data: Any
    attachments: int = 0


def decode(text: str, max_attachments: int = 0) -> Packet:
    """Parse the text of a packet. Raises MalformedPacketError."""
    kind = text[:1]
    if not kind or kind not in "0123456":
        raise MalformedPacketError("unknown packet type")
    type_ = int(kind)
    rest = text[1:]
    attachments = 0
    if type_ >= BINARY_EVENT:
        attachments, rest = _attachments(rest, max_attachments)
    namespace, rest = _namespace(rest)
    id_, rest = _ack_id(rest)
    data = _parse(rest)
    _check(type_, id_, data, has_data=bool(rest))
    return Packet(type_, namespace, id_, data, attachments)


def _attachments(rest: str, limit: int) -> tuple[int, str]:
    digits, dash, rest = rest.partition("-")
    if not dash or not _is_number(digits) or int(digits) > limit:
        raise MalformedPacketError("too many attachments")
    return int(digits), rest


def _namespace(rest: str) -> tuple[str, str]:
    if not rest.startswith("/"):
        return "/", rest
    namespace, _, rest = rest.partition(",")
    return namespace.partition("?")[0], rest


def _ack_id(rest: str) -> tuple[int | None, str]:
    end = 0
    while end < len(rest) and "0" <= rest[end] <= "9":
        end += 1
    if not end:
        return None, rest
    if end > MAX_ACK_DIGITS:
        raise MalformedPacketError("an acknowledgement id that long")
    return int(rest[:end]), rest[end:]


def _is_number(digits: str) -> bool:
    return digits.isascii() and digits.isdigit() and len(digits) <= MAX_ACK_DIGITS


def _parse(text: str) -> Any:
    if not text:
        return None
    try:
        return codec.loads(text)
    except ValueError as error:
        raise MalformedPacketError("the payload is not JSON") from error


def _check(type_: int, id_: int | None, data: Any, *, has_data: bool) -> None:
    """The shapes that the protocol allows, as the reference parser checks them."""
    if type_ in (EVENT, BINARY_EVENT):
        valid = isinstance(data, list) and bool(data) and _is_event_name(data[0])
    elif type_ in (ACK, BINARY_ACK):
        valid = isinstance(data, list) and id_ is not None
    elif type_ == CONNECT:
        valid = id_ is None and (not has_data or isinstance(data, dict))
    else:
        valid = type_ == DISCONNECT and id_ is None and not has_data
    if not valid:
        raise MalformedPacketError("the payload has the wrong shape")


def _is_event_name(name: object) -> bool:
    if isinstance(name, str):
        return name not in RESERVED_EVENTS
    return isinstance(name, int) and not isinstance(name, bool)


def attach(data: Any, attachments: list[bytes]) -> Any:
    """`data` with its placeholders replaced. Raises MalformedPacketError for one that points nowhere."""
    if isinstance(data, list):
        return [attach(item, attachments) for item in data]
    if not isinstance(data, dict):
        return data
    if data.get("_placeholder") is True:
        number = data.get("num")
        if not isinstance(number, int) or not 0 <= number < len(attachments):
            raise MalformedPacketError("a placeholder without its attachment")
        return attachments[number]
    return {key: attach(value, attachments) for key, value in data.items()}


def encode(type_: int, namespace: str, data: Any, id_: int | None = None) -> bytes:
    """The WebSocket frames of a packet: one of text, then one for each binary attachment."""
    prefix = f"4{type_}" if namespace == "/" else f"4{type_}{namespace},"
    if id_ is not None:
        prefix += str(id_)
    if data is None:
        return encode_frame(prefix.encode())
    try:
        return encode_frame(prefix.encode() + codec.encode(data))
    except TypeError:
        if not socketio.packet.Packet.data_is_binary(data):
            raise
    return _encode_binary(type_, namespace, data, id_)


def _encode_binary(type_: int, namespace: str, data: Any, id_: int | None) -> bytes:
    packet = socketio.packet.Packet(type_, data=data, namespace=namespace, id=id_)
    text, *attachments = packet.encode()
    frames = [encode_frame(b"4" + text.encode()), *(encode_frame(bytes(a), BINARY) for a in attachments)]
    return b"".join(frames)
