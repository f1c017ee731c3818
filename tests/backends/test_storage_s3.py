"""Files in a bucket: app/backends/storage_s3.py, where it differs from the port's promises."""

from __future__ import annotations

from pathlib import Path

import pytest

from app.backends.storage import Serving, Storage, file_key, incoming_key
from app.backends.storage_s3 import S3Storage
from app.core.clock import FakeClock
from app.core.errors import AppError
from app.settings import Settings
from tests.support.processes import free_port
from tests.support.store import Store

PDF = Serving("application/pdf", "attachment")


def bucket(store: Store, clock: FakeClock, **changed: str) -> S3Storage:
    return S3Storage(Settings.from_env({**store.settings(), **changed}, dotenv=None), clock=clock)


@pytest.fixture(params=["away", "wrong key"])
def broken(s3: Store, clock: FakeClock, request: pytest.FixtureRequest) -> Storage:
    wrong = {
        "away": {"S3_ENDPOINT": f"http://127.0.0.1:{free_port()}"},
        "wrong key": {"S3_SECRET_ACCESS_KEY": "wrong"},
    }
    return bucket(s3, clock, **wrong[request.param])


def test_a_bucket_that_cannot_be_used_is_unavailable(broken: Storage, tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"x")
    for attempt in (broken.probe, lambda: broken.put(file_key(), tmp_path / "file", serving=PDF)):
        with pytest.raises(AppError) as why:
            attempt()
        assert why.value.code == "storage_unavailable"
        assert why.value.retryable
        assert why.value.retry_after_ms


def test_a_bucket_that_was_never_made_shows_in_the_probe(s3: Store, clock: FakeClock) -> None:
    with pytest.raises(AppError) as why:
        bucket(s3, clock, S3_BUCKET="never-made").probe()
    assert why.value.code == "storage_unavailable"


def test_an_address_is_signed_once_for_a_moment(s3: Store, clock: FakeClock) -> None:
    storage, key = bucket(s3, clock), file_key()
    first = storage.url(key, serving=PDF, life_ms=600_000)
    clock.advance(59_999)
    assert storage.url(key, serving=PDF, life_ms=600_000) is first
    clock.advance(1)
    assert storage.url(key, serving=PDF, life_ms=600_000) is not first


def test_the_bucket_is_in_the_path_so_that_pages_allow_one_origin(s3: Store, clock: FakeClock) -> None:
    ticket = bucket(s3, clock).ticket(incoming_key(), mime="image/png", size=1, life_ms=60_000)
    assert ticket.url == f"{s3.endpoint}/{s3.bucket}"
