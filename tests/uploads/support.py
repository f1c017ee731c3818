"""What tests of files share: files of every kind, and the way of one from the disk to the room."""

from __future__ import annotations

import io
import struct
import zipfile
from typing import Any

import requests
from flask.testing import FlaskClient
from PIL import Image
from werkzeug.test import TestResponse

from app.backends.storage import Ticket, file_key, incoming_key
from app.backends.transaction import transaction
from app.core.actor import Actor
from app.core.clock import add_ms
from app.core.ids import new_id
from app.rooms.models import Room
from app.uploads import service
from app.uploads.models import Attachment


def picture(kind: str = "PNG", size: tuple[int, int] = (40, 30), **options: Any) -> bytes:
    """An encoded picture of one colour."""
    out = io.BytesIO()
    Image.new("RGB", size, (200, 30, 30)).save(out, kind, **options)
    return out.getvalue()


def pixel_bomb(width: int, height: int) -> bytes:
    """34 bytes of WebP that decode to so many pixels of one colour."""
    size = struct.pack("<I", (width - 1) | (height - 1) << 14 | 1 << 28)
    content = b"\x2f" + size + bytes.fromhex("07101111888" + "8fe0700")
    return b"RIFF\x1a\0\0\0WEBPVP8L\x0d\0\0\0" + content


def archive(names: dict[str, bytes]) -> bytes:
    """A ZIP archive."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as file:
        for name, content in names.items():
            file.writestr(name, content)
    return out.getvalue()


def init(actor: Actor, room: Room, content: bytes, mime: str = "image/png", **more: Any) -> dict[str, Any]:
    """Ask to send `content`."""
    values = {"filename": "a file", "bytes": len(content), **more}
    return service.init_upload(actor=actor, room_id=room.id, mime=mime, **values)


def ticket_of(answer: dict[str, Any]) -> Ticket:
    """The ticket in an answer of `init_upload`."""
    return Ticket(answer["method"], answer["url"], answer.get("fields"), answer.get("headers"))


def send(client: FlaskClient, ticket: Ticket, content: bytes, **changed: str) -> int:
    """Send `content` as `ticket` says, `changed` its type; the status. Local addresses go through `client`."""
    kind = {"Content-Type": changed["mime"]} if changed else {}
    if ticket.url.startswith("/"):
        return _send_here(client, ticket, content, kind).status_code
    if ticket.method == "PUT":
        headers = {**(ticket.headers or {}), **kind}
        return requests.put(ticket.url, data=content, headers=headers, timeout=10).status_code
    fields = {**(ticket.fields or {}), **kind}
    return requests.post(ticket.url, data=fields, files={"file": ("a", content)}, timeout=10).status_code


def read(client: FlaskClient, url: str) -> tuple[bytes, dict[str, str]]:
    """The body and headers at a signed address, which must be there."""
    if url.startswith("/"):
        with client.get(url) as here:
            assert here.status_code == 200, here.text
            return here.data, dict(here.headers)
    there = requests.get(url, timeout=10)
    assert there.ok, there.text
    return there.content, dict(there.headers)


def _send_here(client: FlaskClient, ticket: Ticket, content: bytes, kind: dict[str, str]) -> TestResponse:
    if ticket.method == "PUT":
        return client.put(ticket.url, data=content, headers={**(ticket.headers or {}), **kind})
    form = {**(ticket.fields or {}), **kind, "file": (io.BytesIO(content), "a")}
    return client.post(ticket.url, data=form)


def make_attachment(actor: Actor, room: Room, **values: Any) -> str:
    """A completed attachment without its bytes; its id."""
    with transaction() as work:
        attachment = Attachment(
            id=new_id(),
            room_id=room.id,
            user_id=actor.user_id,
            incoming_key=incoming_key(),
            file_key=file_key(),
            thumbnail_key=file_key(),
            created_at=work.now,
            expires_at=add_ms(work.now, 60_000),
            **{
                "filename": "a.pdf",
                "mime": "application/pdf",
                "bytes": 1000,
                "alt": "",
                "completed_at": work.now,
                **values,
            },
        )
        work.session.add(attachment)
    return attachment.id
