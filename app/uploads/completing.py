"""Completing an upload: what arrived is looked at, and kept only if it is what was announced.

1. Whose upload it is, and whether they may still send files, is asked of the database.
2. Size, then type by content, then for pictures the whole content: without a transaction, bound to one version of the file.
3. Good: copied (pictures: written anew) to a key that no ticket reaches, then recorded. Wrong: discarded and removed.
A failure in between records nothing; the same call again begins at 1. Calls for one upload at the same time do 2 and 3 once and
get the same of it. One person has one picture decoded at a time, and keeps nobody else waiting by it (`fair_turns.py`).
Both hold within a worker.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

from app.backends.fair_turns import FairTurns
from app.backends.handles import handles
from app.backends.offload import offload
from app.backends.pacing import one_in_line
from app.backends.single_flight import SingleFlight
from app.backends.storage import Stored
from app.backends.transaction import database, reading, transaction
from app.core.actor import Actor
from app.core.errors import AppError
from app.rooms.access import require_account, require_role
from app.rooms.models import Role
from app.uploads.content import HEAD_BYTES, PICTURES, TAIL_BYTES, Sample, is_of_type
from app.uploads.models import Attachment
from app.uploads.payloads import Payload, attachment_payload, serving_of, thumbnail_serving
from app.uploads.pictures import Limits, rewrite_picture
from app.uploads.pruning import discard, discard_keys

PICTURES_AT_ONCE = 2
PATIENCE_S = 20.0  # for a turn, and then there is the decoding: nginx waits for a minute
_FINAL = {"file_too_large", "file_type_not_allowed"}
_decoding = FairTurns(PICTURES_AT_ONCE, PATIENCE_S)
_completing: SingleFlight[Attachment] = SingleFlight()


@dataclass(frozen=True, slots=True)
class Kept:
    """What is known of the file as it is kept."""

    bytes: int
    checksum: str
    width: int | None = None
    height: int | None = None


def complete_upload(*, actor: Actor, upload_id: str) -> Payload:
    """The file was sent: judge it and keep it; its attachment. A second call answers the same.

    Raises:
        AppError: `upload_not_found` (somebody else's, ran out, or was refused before), `uploads_off`, `upload_incomplete`,
            `file_too_large`, `file_type_not_allowed`, `rate_limited` (too many pictures at once), `storage_unavailable`, and
            those of `require_role` for a member.
    """
    upload = _require_upload(actor, upload_id)
    if upload.completed_at is None:
        upload = _completing(upload.id, partial(_complete, upload))
    return attachment_payload(upload)


def _complete(upload: Attachment) -> Attachment:
    stored = handles.storage.head(upload.incoming_key)
    if stored is None:
        raise AppError("upload_incomplete")
    try:
        kept = _keep(upload, stored)
    except AppError as why:
        if why.code in _FINAL:
            _throw_away(upload)
        raise
    return _record(upload, kept)


def _require_upload(actor: Actor, upload_id: str) -> Attachment:
    user_id = require_account(actor)
    with reading() as session:
        upload = session.get(Attachment, upload_id)
        if upload is None or upload.user_id != user_id:
            raise AppError("upload_not_found")
        if upload.completed_at is None and upload.expires_at <= database.now():
            raise AppError("upload_not_found")
        access = require_role(session, actor=actor, ref=upload.room_id, need=Role.MEMBER)
        if not access.room.setting("uploads"):
            raise AppError("uploads_off")
        return upload


def _keep(upload: Attachment, stored: Stored) -> Kept:
    if stored.bytes > upload.bytes:
        raise AppError("file_too_large")
    if stored.bytes < upload.bytes:
        raise AppError("upload_incomplete")
    if upload.mime in PICTURES:
        return _keep_picture(upload, stored)
    if not offload(is_of_type, upload.mime, _sample(upload, stored)):
        raise AppError("file_type_not_allowed", "The file is not of the type that was announced.")
    serving = serving_of(upload.filename, upload.mime)
    handles.storage.keep(upload.incoming_key, upload.file_key, version=stored.version, serving=serving)
    return Kept(stored.bytes, stored.checksum)


def _sample(upload: Attachment, stored: Stored) -> Sample:
    read, key, version = handles.storage.read, upload.incoming_key, stored.version
    head = read(key, version=version, start=0, length=HEAD_BYTES)
    if stored.bytes <= HEAD_BYTES:
        return Sample(head, head)
    return Sample(head, read(key, version=version, start=max(0, stored.bytes - TAIL_BYTES), length=TAIL_BYTES))


def _keep_picture(upload: Attachment, stored: Stored) -> Kept:
    storage = handles.storage
    with TemporaryDirectory(prefix="greenroom-") as folder:
        source, target, thumbnail = (Path(folder) / name for name in ("source", "picture", "thumbnail"))
        with _decoding.turn(str(upload.user_id)):  # from here on, so that what waits takes no space on the disk either
            storage.fetch(upload.incoming_key, source, version=stored.version)
            picture = rewrite_picture(source, upload.mime, target, thumbnail, Limits.of(handles.settings))
        storage.put(upload.file_key, target, serving=serving_of(upload.filename, upload.mime))
        storage.put(upload.thumbnail_key, thumbnail, serving=thumbnail_serving())
    return Kept(picture.bytes, picture.checksum, picture.width, picture.height)


def _record(upload: Attachment, kept: Kept) -> Attachment:
    with one_in_line(), transaction() as work:
        row = work.session.get(Attachment, upload.id, with_for_update=True)
        if row is not None and row.completed_at is None:
            row.bytes, row.checksum = kept.bytes, kept.checksum
            row.width, row.height = kept.width, kept.height
            row.completed_at = work.now
            discard_keys(work.session, Attachment.incoming_key, upload.expires_at, Attachment.id == row.id)
    if row is None:  # refused by another call, or pruned, while this one kept it
        _remove(upload.file_key, upload.thumbnail_key)
        raise AppError("upload_not_found")
    return row


def _throw_away(upload: Attachment) -> None:
    with one_in_line(), transaction() as work:
        discard(work, Attachment.id == upload.id, Attachment.completed_at.is_(None))
    _remove(upload.incoming_key)


def _remove(*keys: str) -> None:
    """Now if the storage can; else the sweeper does it."""
    with suppress(AppError):
        handles.storage.delete(keys)
