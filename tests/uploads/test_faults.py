"""A bucket that dies under a running server: every step says so, and the room lives on."""

from __future__ import annotations

from typing import Any

import pytest
import requests

from tests.support.fixtures import StartServer
from tests.support.people import Person
from tests.support.services import S3
from tests.support.waiting import eventually
from tests.uploads.support import picture

PNG = picture()


@pytest.fixture(scope="module")
def bucket() -> Any:
    with S3() as bucket:
        yield bucket


def test_a_bucket_that_dies_harms_nothing_but_files(bucket: S3, start_server: StartServer) -> None:
    ada = Person(start_server(**bucket.store.settings()).url)
    room = ada.post("/api/rooms", name="Files")
    asked = {"roomId": room["id"], "filename": "a.png", "mime": "image/png", "bytes": len(PNG)}
    ticket = ada.post("/api/upload/init", **asked)
    assert requests.post(ticket["url"], data=ticket["fields"], files={"file": PNG}, timeout=10).status_code == 204
    assert ada.get("/healthz")["storage"] == "ok"

    bucket.kill()
    complete = {"uploadId": ticket["uploadId"]}
    answer = ada.request("POST", "/api/upload/complete", json=complete)
    assert (answer.status_code, answer.json()["error"]["code"]) == (503, "storage_unavailable")
    assert answer.json()["error"]["retryable"]
    assert int(answer.headers["Retry-After"]) > 0
    assert ada.post("/api/upload/init", **asked)["uploadId"]
    assert ada.post(f"/api/rooms/{room['id']}/messages", content="still here")["content"] == "still here"
    eventually(lambda: ada.get("/healthz")["storage"] == "down", 15)
    assert ada.get("/healthz")["status"] == "degraded"
