"""Files of a room: asking to send one, completing it, and reading it back."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from app.backends.handles import handles
from app.backends.pacing import one_in_line
from app.backends.storage import file_key, incoming_key
from app.backends.transaction import Transaction, database, reading
from app.core.actor import Actor
from app.core.clock import add_ms
from app.core.errors import AppError
from app.core.ids import is_id, new_id
from app.rooms.access import readable_after, require_role
from app.rooms.models import Role
from app.uploads.completing import complete_upload
from app.uploads.content import announced_type, extensions_of
from app.uploads.embedded import admit_file, open_file, receive_file
from app.uploads.models import Attachment
from app.uploads.names import clean_filename
from app.uploads.payloads import file_url
from app.uploads.pruning import UNUSED_MS, prune_uploads, sweep_discarded
from app.uploads.quotas import insert_within_quota
from app.uploads.sharing import claim_attachments, describe_attachments, offer_attachments, release_attachment

__all__ = [
    "UNUSED_MS",
    "admit_file",
    "claim_attachments",
    "complete_upload",
    "describe_attachments",
    "get_attachment_url",
    "init_upload",
    "list_accepted",
    "offer_attachments",
    "open_file",
    "prune_uploads",
    "receive_file",
    "release_attachment",
    "sweep_discarded",
]


def list_accepted() -> list[str]:
    """What a file field accepts: the types that are taken, and the endings of their names for browsers that know no type."""
    types = handles.settings.upload_allowed_types
    return [*types, *dict.fromkeys(ending for each in types for ending in extensions_of(each))]


def init_upload(*, actor: Actor, room_id: str, filename: str, mime: str, bytes: int, alt: str = "") -> dict[str, Any]:
    """Ask to send a file of exactly `bytes`: `{uploadId, method, url, fields or headers, expiresAt}`.

    Where `mime` says nothing (`application/octet-stream`), the name does; what the file is, its content decides in the end.

    Raises:
        AppError: those of `require_role` for a member; `uploads_off`, `file_type_not_allowed`, `file_too_large`,
            `quota_exceeded`.
    """
    mime = announced_type(mime, filename, handles.settings.upload_allowed_types)
    announced = _Announced(filename, mime, bytes, alt)
    with one_in_line():
        upload = database.run(lambda work: _announce(work, actor, room_id, announced))
    life_ms = handles.settings.upload_ticket_ms
    ticket = handles.storage.ticket(upload.incoming_key, mime=upload.mime, size=bytes, life_ms=life_ms)
    answer = {
        "upload_id": upload.id,
        "method": ticket.method,
        "url": ticket.url,
        "fields": ticket.fields,
        "headers": ticket.headers,
        "expires_at": upload.expires_at,
    }
    return {name: value for name, value in answer.items() if value is not None}


def get_attachment_url(*, actor: Actor, attachment_id: str) -> str:
    """A fresh signed address of a file, for whoever may read the message that shows it, and for its sender.

    Raises:
        AppError: `attachment_not_found` for whatever the actor may not know of; else those of `require_role` for a guest.
    """
    with reading() as session:
        attachment = session.get(Attachment, attachment_id) if is_id(attachment_id) else None
        if attachment is None or attachment.completed_at is None:
            raise AppError("attachment_not_found")
        try:
            access = require_role(session, actor=actor, ref=attachment.room_id, need=Role.GUEST)
        except AppError as why:
            raise AppError("attachment_not_found") if why.code == "room_not_found" else why from None
        after = readable_after(access)
        is_shown = attachment.chat_seq is not None and after is not None and attachment.chat_seq > after
        if not is_shown and attachment.user_id != actor.id:
            raise AppError("attachment_not_found")
        return file_url(attachment)


@dataclass(frozen=True, slots=True)
class _Announced:
    filename: str
    mime: str
    size: int
    alt: str


def _announce(work: Transaction, actor: Actor, room_id: str, file: _Announced) -> Attachment:
    settings = handles.settings
    access = require_role(work.session, actor=actor, ref=room_id, need=Role.MEMBER)
    if not access.room.setting("uploads"):
        raise AppError("uploads_off")
    if file.mime not in settings.upload_allowed_types:
        raise AppError("file_type_not_allowed", details={"mime": ["Not one of the types that are taken."]})
    if file.size > settings.upload_max_bytes:
        raise AppError("file_too_large", details={"bytes": [f"At most {settings.upload_max_bytes}."]})
    values = {
        "id": new_id(),
        "room_id": access.room.id,
        "user_id": actor.user_id,
        "filename": clean_filename(file.filename, extensions_of(file.mime)),
        "mime": file.mime,
        "bytes": file.size,
        "alt": file.alt,
        "incoming_key": incoming_key(),
        "file_key": file_key(),
        "thumbnail_key": file_key(),
        "created_at": work.now,
        "expires_at": add_ms(work.now, settings.upload_ticket_ms),
    }
    insert_within_quota(work.session, room=access.room, values=values)
    return Attachment(**values)
