"""A room with a member who sends files, on the storage and by the method that a test module chooses; embedded otherwise."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from flask.testing import FlaskClient

from app.core.actor import Actor
from app.rooms.models import Room
from app.uploads import service
from tests.uploads.support import init, send, ticket_of

Upload = Callable[..., dict[str, Any]]


@pytest.fixture
def upload(client: FlaskClient, member: Actor, room: Room) -> Upload:
    """`upload(content, mime, …)`: init, send, complete; the attachment."""

    def run(content: bytes, mime: str = "image/png", actor: Actor = member, **more: Any) -> dict[str, Any]:
        answer = init(actor, more.pop("room", room), content, mime, **more)
        status = send(client, ticket_of(answer), content)
        assert status in (200, 204), status
        return service.complete_upload(actor=actor, upload_id=answer["upload_id"])

    return run
