"""Files in a bucket: app/backends/storage_s3.py, where it differs from the port's promises."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from structlog.testing import CapturingLogger

from app.backends import storage_s3
from app.backends.storage import Serving, Storage, file_key, incoming_key
from app.backends.storage_s3 import S3Storage
from app.core.clock import FakeClock
from app.core.errors import AppError
from app.settings import Settings
from tests.support.processes import free_port
from tests.support.proxy import Proxy
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


def test_the_signed_address_of_a_bucket_that_is_away_is_not_logged(
    s3: Store, clock: FakeClock, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    log = CapturingLogger()
    monkeypatch.setattr(storage_s3, "log", log)
    away = bucket(s3, clock, S3_ENDPOINT=f"http://127.0.0.1:{free_port()}")
    (tmp_path / "file").write_bytes(b"x")
    with pytest.raises(AppError):
        away.put(file_key(), tmp_path / "file", serving=PDF)
    (call,) = log.calls
    assert call.kwargs["reason"] == "botocore.exceptions.EndpointConnectionError"


def test_a_bucket_that_was_never_made_shows_in_the_probe(s3: Store, clock: FakeClock) -> None:
    with pytest.raises(AppError) as why:
        bucket(s3, clock, S3_BUCKET="never-made").probe()
    assert why.value.code == "storage_unavailable"


LIMIT_S = 0.4
CALLS: dict[str, Callable[[S3Storage, str, str, Path], object]] = {
    "head": lambda far, key, version, path: far.head(key),
    "read": lambda far, key, version, path: far.read(key, version=version, start=0, length=10),
    "fetch": lambda far, key, version, path: far.fetch(key, path, version=version),
    "keep": lambda far, key, version, path: far.keep(key, file_key(), version=version, serving=PDF),
    "put": lambda far, key, version, path: far.put(file_key(), path, serving=PDF),
    "delete": lambda far, key, version, path: far.delete([file_key()]),
    "probe": lambda far, key, version, path: far.probe(),
}


@pytest.fixture
def wire(s3: Store) -> Iterator[Proxy]:
    """The way to the bucket."""
    with Proxy(urlsplit(s3.endpoint).port or 80) as proxy:
        yield proxy


@pytest.fixture
def far(s3: Store, clock: FakeClock, wire: Proxy) -> S3Storage:
    """The bucket at the other end."""
    return bucket(s3, clock, S3_ENDPOINT=f"http://127.0.0.1:{wire.port}")


@pytest.mark.parametrize("fault", [Proxy.drop_silently, lambda wire: wire.trickle(0.05)], ids=["silent", "a trickle"])
def test_no_call_waits_longer_than_its_limit(
    far: S3Storage, wire: Proxy, tmp_path: Path, fault: Callable[[Proxy], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"x" * 1000)
    far.put(key := file_key(), path, serving=PDF)
    stored = far.head(key)
    assert stored
    monkeypatch.setattr(storage_s3, "CALL_LIMIT_S", LIMIT_S)
    monkeypatch.setattr(storage_s3, "TRANSFER_LIMIT_S", LIMIT_S)
    fault(wire)
    for name, call in CALLS.items():
        began_s = time.monotonic()
        with pytest.raises(AppError) as why:
            call(far, key, stored.version, path)
        assert why.value.code == "storage_unavailable", name
        assert time.monotonic() - began_s < LIMIT_S * 2.5, name
    wire.restore()
    monkeypatch.undo()
    assert far.head(key) == stored


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
