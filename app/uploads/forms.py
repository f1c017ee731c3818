"""The form of a POST upload (RFC 7578), read as it arrives: fields first, then the file, nothing gathered in memory."""

from __future__ import annotations

from collections.abc import Iterator
from typing import IO

from werkzeug.sansio.multipart import Data, Epilogue, Event, Field, File, MultipartDecoder, NeedData

from app.core.errors import AppError

CHUNK_BYTES = 64 * 1024
OVERHEAD_BYTES = 64 * 1024
FILE_FIELD = "file"
_MAX_PARTS = 20


class FileForm:
    """`fields` as far as the file; then `chunks()`."""

    def __init__(self, stream: IO[bytes], boundary: str) -> None:
        self.fields: dict[str, str] = {}
        self._stream = stream
        self._decoder = MultipartDecoder(boundary.encode(), 4 * CHUNK_BYTES, max_parts=_MAX_PARTS)
        self._boundary = boundary.encode()
        self._read_fields()

    def chunks(self) -> Iterator[bytes]:
        """The bytes of the file; what follows it is not read.

        Only looked through for the line that ends it: the decoder would copy and search each chunk several times.
        """
        held = bytes(self._decoder.buffer)
        line_break = held[:2] if held.startswith(b"\r\n") else held[:1]  # the decoder leaves it, and takes either
        end = line_break + b"--" + self._boundary
        held = held[len(line_break) :]
        while True:
            found = held.find(end)
            if found >= 0:
                if found:
                    yield held[:found]
                return
            keep = len(end) - 1
            if len(held) > keep:
                yield held[:-keep]
                held = held[-keep:]
            more = self._stream.read(CHUNK_BYTES)
            if not more:
                raise AppError("malformed", "The form ends within the file.")
            held += more

    def _read_fields(self) -> None:
        name = ""
        for event in self._events():
            if isinstance(event, File) and event.name == FILE_FIELD:
                return
            if isinstance(event, (Field, File)):
                name = event.name or ""
                self.fields[name] = ""
            elif isinstance(event, Data):
                self.fields[name] += event.data.decode(errors="replace")
                if len(self.fields[name]) > OVERHEAD_BYTES:
                    raise AppError("malformed", "A field of the form is too long.")
        raise AppError("malformed", "The form has no file.")

    def _events(self) -> Iterator[Event]:
        try:
            while True:
                event = self._decoder.next_event()
                if isinstance(event, NeedData):
                    self._decoder.receive_data(self._stream.read(CHUNK_BYTES) or None)
                    continue
                yield event
                if isinstance(event, Epilogue):
                    return
        except ValueError:
            raise AppError("malformed", "The form could not be read.") from None
