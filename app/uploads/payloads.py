"""How a file looks on the wire; made here and nowhere else, `AttachmentSchema` documents it."""

from __future__ import annotations

from typing import Any

from app.backends.handles import handles
from app.backends.storage import Serving
from app.core.clock import to_epoch_ms
from app.uploads.content import DOWNLOAD, is_scriptable, shows_inline
from app.uploads.models import Attachment
from app.uploads.pictures import THUMBNAIL_MIME
from app.web.downloads import content_disposition

Payload = dict[str, Any]


def attachment_payload(attachment: Attachment) -> Payload:
    """The wire form of a completed attachment, with addresses signed now."""
    return {
        "id": attachment.id,
        "roomId": attachment.room_id,
        "userId": attachment.user_id,
        "filename": attachment.filename,
        "mime": attachment.mime,
        "bytes": attachment.bytes,
        "width": attachment.width,
        "height": attachment.height,
        "alt": attachment.alt,
        "url": file_url(attachment),
        "thumbnailUrl": _thumbnail_url(attachment) if attachment.is_picture else None,
        "ts": to_epoch_ms(attachment.created_at),
    }


def file_url(attachment: Attachment) -> str:
    """A signed address of the file."""
    serving = serving_of(attachment.filename, attachment.mime)
    return handles.storage.url(attachment.file_key, serving=serving, life_ms=handles.settings.file_url_ms)


def serving_of(filename: str, mime: str) -> Serving:
    """Shown in place only if no browser can run it; what could be run does not even keep its type."""
    disposition = content_disposition(filename, inline=shows_inline(mime))
    return Serving(DOWNLOAD if is_scriptable(mime) else mime, disposition)


def _thumbnail_url(attachment: Attachment) -> str:
    serving = thumbnail_serving()
    return handles.storage.url(attachment.thumbnail_key, serving=serving, life_ms=handles.settings.file_url_ms)


def thumbnail_serving() -> Serving:
    """How thumbnails are handed out."""
    return Serving(THUMBNAIL_MIME, content_disposition("thumbnail.webp", inline=True))
