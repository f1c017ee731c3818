"""Where files are kept: the port. `storage_local.py` is a folder, `storage_s3.py` a bucket.

A client sends a file under a key of `incoming/` with a ticket; what was looked at and found good is kept under one of `files/`,
which no ticket reaches. So whatever a client sends later, with a ticket that is still good, changes nothing that was judged.

Guarantees
- A ticket admits exactly the announced type and number of bytes, until it runs out; the last file sent under a key counts.
- `head` tells a `version`; `read`, `fetch` and `keep` act on that version or refuse (`upload_incomplete`).
- A file is there whole or not at all, and `delete` of what is not there succeeds.
- Every call that waits can refuse with `storage_unavailable`, within seconds. `ticket` and `url` only compute.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from app.core.errors import AppError

RETRY_AFTER_MS = 2_000


@dataclass(frozen=True, slots=True)
class Ticket:
    """How a client sends its file: a POST of a form with `fields` and then `file`, or a PUT of the bytes with `headers`."""

    method: str
    url: str
    fields: dict[str, str] | None = None
    headers: dict[str, str] | None = None


@dataclass(frozen=True, slots=True)
class Stored:
    """A file as it lies there. `checksum`: `md5:…`, `sha256:…` or whatever the store itself knows it by (`etag:…`)."""

    bytes: int
    version: str
    checksum: str


@dataclass(frozen=True, slots=True)
class Serving:
    """How a file is handed out: its `Content-Type` and `Content-Disposition`."""

    mime: str
    disposition: str


class Storage(Protocol):
    """Keys come from `incoming_key` and `file_key`. Lives are in milliseconds."""

    def ticket(self, key: str, *, mime: str, size: int, life_ms: int) -> Ticket:
        """Leave to send one file of `size` bytes and type `mime` under `key`."""
        ...

    def head(self, key: str) -> Stored | None:
        """What lies under `key`."""
        ...

    def read(self, key: str, *, version: str, start: int, length: int) -> bytes:
        """Up to `length` bytes from `start`."""
        ...

    def fetch(self, key: str, path: Path, *, version: str) -> None:
        """Copy the file to `path`."""
        ...

    def keep(self, source: str, key: str, *, version: str, serving: Serving) -> None:
        """Copy what lies under `source` to `key`."""
        ...

    def put(self, key: str, path: Path, *, serving: Serving) -> None:
        """Store the file at `path` under `key`."""
        ...

    def delete(self, keys: Iterable[str]) -> None:
        """Remove what lies under `keys`."""
        ...

    def url(self, key: str, *, serving: Serving, life_ms: int) -> str:
        """An address that hands the file out to whoever has it, for at most `life_ms`."""
        ...

    def probe(self) -> None:
        """Do the least that shows that files can be kept.

        Raises:
            AppError: `storage_unavailable`.
        """
        ...


def incoming_key() -> str:
    """A key for a file on its way: unguessable, and it says nothing."""
    return f"incoming/{secrets.token_hex(16)}"


def file_key() -> str:
    """A key for a file that is kept."""
    return f"files/{secrets.token_hex(16)}"


def unavailable() -> AppError:
    """The refusal of a storage that is away, full or too slow."""
    return AppError("storage_unavailable", retry_after_ms=RETRY_AFTER_MS)


def replaced() -> AppError:
    """The refusal to go on with a file that is not the one that was looked at."""
    return AppError("upload_incomplete", "The file was sent anew in the meantime.")
