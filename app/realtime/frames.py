"""WebSocket frames (RFC 6455 section 5): what a server writes, and a strict reader of what it gets.

A server's frames are not masked, so one event's frame is the same bytes for every recipient. The
reader judges a frame by its header, before its payload has arrived: a client cannot make it wait
for, or keep, more than `max_bytes`.
"""

import struct
from typing import Final

CONTINUATION: Final = 0x0
TEXT: Final = 0x1
BINARY: Final = 0x2
CLOSE: Final = 0x8
PING: Final = 0x9
PONG: Final = 0xA

# Close codes, RFC 6455 section 7.4.1 and the IANA registry.
NORMAL: Final = 1000
GOING_AWAY: Final = 1001
PROTOCOL_ERROR: Final = 1002
UNSUPPORTED_DATA: Final = 1003
INVALID_PAYLOAD: Final = 1007
POLICY_VIOLATION: Final = 1008
TOO_BIG: Final = 1009
SERVICE_RESTART: Final = 1012
TRY_AGAIN_LATER: Final = 1013

OPCODES: Final = frozenset({CONTINUATION, TEXT, BINARY, CLOSE, PING, PONG})
MAX_CONTROL_BYTES: Final = 125
MASK_BYTES: Final = 4

Message = tuple[int, str | bytes]


class ProtocolError(Exception):
    """The client broke a rule; `code` is the close code it deserves."""

    def __init__(self, code: int, reason: str) -> None:
        super().__init__(reason)
        self.code = code
        self.reason = reason


def encode_frame(payload: bytes, opcode: int = TEXT) -> bytes:
    """One final, unmasked frame."""
    size = len(payload)
    if size < 126:
        return bytes((0x80 | opcode, size)) + payload
    if size < 65_536:
        return struct.pack("!BBH", 0x80 | opcode, 126, size) + payload
    return struct.pack("!BBQ", 0x80 | opcode, 127, size) + payload


def encode_close(code: int, reason: str = "") -> bytes:
    """A close frame; the reason is cut at what a control frame can carry."""
    return encode_frame(struct.pack("!H", code) + reason.encode()[: MAX_CONTROL_BYTES - 2], CLOSE)


def split_frames(data: bytes) -> list[tuple[int, bytes]]:
    """(opcode, payload) of each frame in `data`, which `encode_frame` made."""
    found = []
    start = 0
    while start < len(data):
        size = data[start + 1]
        begin = start + 2
        if size == 126:
            (size,) = struct.unpack_from("!H", data, begin)
            begin += 2
        elif size == 127:
            (size,) = struct.unpack_from("!Q", data, begin)
            begin += 8
        found.append((data[start] & 0x0F, data[begin : begin + size]))
        start = begin + size
    return found


def unmask(payload: bytes | bytearray, mask: bytes) -> bytes:
    """XOR with the repeated mask, as one big integer: two orders faster than byte by byte."""
    size = len(payload)
    key = (mask * (size // MASK_BYTES + 1))[:size]
    return (int.from_bytes(payload, "little") ^ int.from_bytes(key, "little")).to_bytes(size, "little")


class FrameParser:
    """Bytes in, whole messages out; raises ProtocolError as soon as a rule is broken.

    `feed` what arrived, then call `next_message` until it gives None. A message is
    `(TEXT, str)`, `(BINARY, bytes)`, `(PING or PONG, bytes)` or `(CLOSE, b"")`. `frames` counts what came, fragments too.
    """

    __slots__ = ("_buffer", "_kind", "_max_bytes", "_needed", "_parts", "_start", "frames")

    def __init__(self, max_bytes: int) -> None:
        self._max_bytes = max_bytes
        self._buffer: bytes | bytearray = b""
        self._start = 0
        self._needed = 2  # bytes from `_start` without which looking again is a waste
        self._parts: bytearray | None = None  # of an unfinished fragmented message
        self._kind = TEXT
        self.frames = 0

    def feed(self, data: bytes) -> None:
        """Add bytes as they came from the socket."""
        if self._start == len(self._buffer):
            self._buffer = data
        else:
            # A bytearray grows in place: a frame sent byte by byte costs no copy for each byte.
            if self._start or not isinstance(self._buffer, bytearray):
                self._buffer = bytearray(self._buffer[self._start :])
            self._buffer += data
        self._start = 0

    def next_message(self) -> Message | None:
        """The next whole message, or None if it has not arrived yet."""
        while (frame := self._next_frame()) is not None:
            message = self._assemble(*frame)
            if message is not None:
                return message
        return None

    def _next_frame(self) -> tuple[bool, int, bytes] | None:
        """(final, opcode, payload) of the next whole frame."""
        buffer, start = self._buffer, self._start
        have = len(buffer) - start
        if have < self._needed:
            return None
        head, size = buffer[start], buffer[start + 1] & 0x7F
        self._check_head(head, buffer[start + 1], size)
        begin = start + 2
        if size > MAX_CONTROL_BYTES:
            width = 2 if size == 126 else 8
            if have < 2 + width:
                self._needed = 2 + width
                return None
            size = self._long_size(int.from_bytes(buffer[begin : begin + width], "big"), width)
            begin += width
        self._check_size(size, head & 0x0F)
        end = begin + MASK_BYTES + size
        if len(buffer) < end:
            self._needed = end - start
            return None
        self._needed = 2
        self.frames += 1
        payload = unmask(buffer[begin + MASK_BYTES : end], bytes(buffer[begin : begin + MASK_BYTES]))
        if end == len(buffer):
            self._buffer, self._start = b"", 0
        else:
            self._start = end
        return bool(head & 0x80), head & 0x0F, payload

    def _check_head(self, head: int, second: int, size: int) -> None:
        opcode = head & 0x0F
        if head & 0x70 or opcode not in OPCODES:
            raise ProtocolError(PROTOCOL_ERROR, "reserved bits or opcode")
        if not second & 0x80:
            raise ProtocolError(PROTOCOL_ERROR, "a client's frames are masked")
        if opcode & 0x8:
            if not head & 0x80 or size > MAX_CONTROL_BYTES:
                raise ProtocolError(PROTOCOL_ERROR, "control frames are short and whole")
        elif (opcode == CONTINUATION) == (self._parts is None):
            raise ProtocolError(PROTOCOL_ERROR, "fragments out of order")

    @staticmethod
    def _long_size(size: int, width: int) -> int:
        smallest = 126 if width == 2 else 65_536
        if size < smallest or size >> 63:
            raise ProtocolError(PROTOCOL_ERROR, "a length is written as short as it can be")
        return size

    def _check_size(self, size: int, opcode: int) -> None:
        held = len(self._parts) if self._parts is not None and not opcode & 0x8 else 0
        if size + held > self._max_bytes and not opcode & 0x8:
            raise ProtocolError(TOO_BIG, f"a message has at most {self._max_bytes} bytes")

    def _assemble(self, final: bool, opcode: int, payload: bytes) -> Message | None:
        """The message that this frame completes, if it does."""
        if opcode & 0x8:
            return (opcode, self._close_payload(payload) if opcode == CLOSE else payload)
        if opcode != CONTINUATION:
            self._kind = opcode
            if final:
                return self._finish(payload)
            self._parts = bytearray(payload)
            return None
        assert self._parts is not None  # _check_head refused it otherwise
        self._parts += payload
        if not final:
            return None
        whole, self._parts = bytes(self._parts), None
        return self._finish(whole)

    def _finish(self, payload: bytes) -> Message:
        return (TEXT, _decode(payload)) if self._kind == TEXT else (BINARY, payload)

    @staticmethod
    def _close_payload(payload: bytes) -> bytes:
        if len(payload) == 1:
            raise ProtocolError(PROTOCOL_ERROR, "a close code has two bytes")
        if payload:
            code = int.from_bytes(payload[:2], "big")
            if not (1000 <= code <= 1003 or 1007 <= code <= 1014 or 3000 <= code <= 4999):
                raise ProtocolError(PROTOCOL_ERROR, "a close code that may not be sent")
            _decode(payload[2:])
        return b""


def _decode(payload: bytes) -> str:
    try:
        return payload.decode()
    except UnicodeDecodeError as error:
        raise ProtocolError(INVALID_PAYLOAD, "text is UTF-8") from error
