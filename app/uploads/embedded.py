"""Without a bucket, files come and go through this server's own routes, by the same tickets and signed addresses."""

from __future__ import annotations

from collections.abc import Iterable

from app.backends.handles import handles
from app.backends.storage_local import Admission, LocalStorage, Opened
from app.core.errors import AppError
from app.uploads.content import normal_type


def admit_file(token: str) -> Admission:
    """What the ticket with this token admits.

    Raises:
        AppError: `upload_not_found`.
    """
    return _storage("upload_not_found").admit(token)


def receive_file(admission: Admission, *, mime: str, chunks: Iterable[bytes]) -> None:
    """Store a file as admitted, reading `chunks` as they come.

    Raises:
        AppError: `file_type_not_allowed`, `file_too_large`, `upload_incomplete`, `upload_not_found` (it took too long),
            `storage_unavailable`.
    """
    if normal_type(mime) != admission.mime:
        raise AppError("file_type_not_allowed", "The type is not the one that was announced.")
    _storage("upload_not_found").receive(admission, chunks)


def open_file(token: str) -> Opened:
    """The file at the signed address with this token.

    Raises:
        AppError: `attachment_not_found`, `storage_unavailable`.
    """
    return _storage("attachment_not_found").open(token)


def _storage(otherwise: str) -> LocalStorage:
    storage = handles.storage
    if not isinstance(storage, LocalStorage):
        raise AppError(otherwise)
    return storage
