"""Who has the embedded database: servers share a lock beside its file, whoever replaces the file takes it alone.

The lock is the kernel's (`flock`), so it ends with the process that holds it, however that ends. It is of a file of its own:
a second handle of the database's file would, when closed, drop the locks of SQLite
(https://www.sqlite.org/howtocorrupt.html, 2.2).
PostgreSQL needs none of this: there is nothing of it for us to replace.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy.engine import make_url

from app.settings import Settings

_PRIVATE = 0o600


class OccupiedError(RuntimeError):
    """Somebody else has the database; the message is one clear line for the operator."""


def occupy(settings: Settings) -> int | None:
    """Share the embedded database until this process and its children end; the lock's descriptor, None without one.

    Raises:
        OccupiedError: it is being replaced; or nothing can be written beside it.
    """
    path = _lock_path(settings)
    if path is None:
        return None
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle = _open(path)
    except OSError as why:
        raise OccupiedError(
            f"{path.parent} cannot be written: {why.strerror}. Set DATA_DIR to a folder that can."
        ) from why
    return _lock(handle, fcntl.LOCK_SH, f"{path.with_suffix('')} is being restored; start the server after that.")


@contextmanager
def reserved(settings: Settings) -> Iterator[None]:
    """Have the embedded database alone.

    Raises:
        OccupiedError: a server uses it.
    """
    path = _lock_path(settings)
    if path is None:
        yield
        return
    handle = _lock(_open(path), fcntl.LOCK_EX, f"A server uses {path.with_suffix('')}: stop it first.")
    try:
        yield
    finally:
        os.close(handle)


def _lock_path(settings: Settings) -> Path | None:
    url = make_url(settings.sqlalchemy_url)
    return Path(f"{url.database}.lock") if url.get_backend_name() == "sqlite" and url.database else None


def _open(path: Path) -> int:
    return os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, _PRIVATE)


def _lock(handle: int, how: int, otherwise: str) -> int:
    try:
        fcntl.flock(handle, how | fcntl.LOCK_NB)
    except BlockingIOError as why:
        os.close(handle)
        raise OccupiedError(otherwise) from why
    return handle
