"""Large states, compressed once for each position and not once for each answer.

A gzip stream (RFC 1952) is a head, deflated data, and a checksum of all. The part of a state that its position determines is
deflated once, up to a full flush (RFC 1951): what comes after it refers to nothing before. What differs by reader and moment is
deflated behind it. Whoever takes no gzip is sent the same bytes as everybody else, not a copy: a thousand who ask and do not
read hold one state in memory.
"""

from __future__ import annotations

import struct
import zlib
from collections import OrderedDict
from dataclasses import dataclass
from typing import Final

from gevent.event import AsyncResult

from app.backends.offload import offload

#: From here on a state is worth the trouble; compressing what is smaller takes less than a millisecond.
LARGE_BYTES: Final = 16_384
KEPT: Final = 100
LEVEL: Final = 4
HEAD: Final = b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\xff"


@dataclass(frozen=True, slots=True)
class Packed:
    """The beginning of a gzip stream, and what its end has to know of it."""

    begun: bytes
    checksum: int
    size: int


class Packer:
    """What was compressed last, least recently used out first. Those who ask for the same at once wait for one of them."""

    def __init__(self) -> None:
        self._packed: OrderedDict[bytes, AsyncResult] = OrderedDict()

    def pack(self, prefix: bytes, rest: bytes) -> list[bytes]:
        """`prefix` and `rest` as one gzip stream, in two parts; the first is shared by all who ask for this prefix."""
        packed = self._begun(prefix)
        return [packed.begun, _end(packed, rest)]

    def _begun(self, prefix: bytes) -> Packed:
        found = self._packed.get(prefix)
        if found is None:
            return self._begin(prefix)
        self._packed.move_to_end(prefix)
        packed: Packed | None = found.get()
        return packed or offload(_begin, prefix)

    def _begin(self, prefix: bytes) -> Packed:
        """Who waits for it, waits no longer whatever comes: this greenlet may be killed."""
        result = self._packed[prefix] = AsyncResult()
        packed: Packed | None = None
        try:
            packed = offload(_begin, prefix)
        finally:
            result.set(packed)
            if packed is None:
                self._packed.pop(prefix, None)
            elif len(self._packed) > KEPT:
                self._packed.popitem(last=False)
        return packed


def _begin(prefix: bytes) -> Packed:
    deflater = zlib.compressobj(LEVEL, zlib.DEFLATED, -zlib.MAX_WBITS)
    deflated = deflater.compress(prefix) + deflater.flush(zlib.Z_FULL_FLUSH)
    return Packed(HEAD + deflated, zlib.crc32(prefix), len(prefix))


def _end(packed: Packed, rest: bytes) -> bytes:
    deflater = zlib.compressobj(LEVEL, zlib.DEFLATED, -zlib.MAX_WBITS)
    size = (packed.size + len(rest)) & 0xFFFFFFFF
    return deflater.compress(rest) + deflater.flush() + struct.pack("<LL", zlib.crc32(rest, packed.checksum), size)


packer = Packer()
