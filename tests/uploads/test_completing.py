"""From asking to the file in the room: app/uploads/completing.py, on both storages and by both methods."""

from __future__ import annotations

from dataclasses import replace

import pytest
from flask.testing import FlaskClient

from app.core.actor import Actor
from app.core.clock import FakeClock, to_epoch_ms
from app.rooms.models import Room
from app.settings import Settings
from tests.support.store import Store
from tests.uploads.conftest import Upload
from tests.uploads.support import picture, read


@pytest.fixture(params=["local-post", "local-put", "s3-post", "s3-put"])
def settings(settings: Settings, request: pytest.FixtureRequest) -> Settings:
    kind, method = request.param.split("-")
    if kind == "s3":
        store: Store = request.getfixturevalue("s3")
        values = {name.lower(): value for name, value in store.settings().items()}
        settings = replace(settings, **values)
    return replace(settings, s3_upload_method=method)


def test_a_picture_comes_back_measured_with_a_thumbnail(
    upload: Upload, client: FlaskClient, member: Actor, room: Room, clock: FakeClock
) -> None:
    attachment = upload(picture(size=(1200, 600)), filename="a picture.png", alt="red")
    body, headers = read(client, attachment["url"])
    thumbnail, _ = read(client, attachment["thumbnailUrl"])
    assert attachment == {
        "id": attachment["id"],
        "roomId": room.id,
        "userId": member.id,
        "filename": "a picture.png",
        "mime": "image/png",
        "bytes": len(body),
        "width": 1200,
        "height": 600,
        "alt": "red",
        "url": attachment["url"],
        "thumbnailUrl": attachment["thumbnailUrl"],
        "ts": to_epoch_ms(clock.now()),
    }
    assert headers["Content-Type"] == "image/png"
    assert headers["Content-Disposition"].startswith('inline; filename="a picture.png"')
    assert thumbnail[8:12] == b"WEBP"


def test_a_document_is_kept_as_it_was_sent(upload: Upload, client: FlaskClient) -> None:
    content = b"%PDF-1.7\n" + bytes(range(256)) * 100
    attachment = upload(content, "application/pdf", filename="run of show")
    body, headers = read(client, attachment["url"])
    assert body == content
    assert headers["Content-Type"] == "application/pdf"
    assert headers["Content-Disposition"].startswith('attachment; filename="run of show.pdf"')
    assert (attachment["width"], attachment["height"], attachment["thumbnailUrl"]) == (None, None, None)
