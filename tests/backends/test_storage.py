"""What every storage promises: app/backends/storage.py, on a folder and on a bucket, by both methods."""

from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests

from app.backends.storage import Serving, Storage, Ticket, file_key, incoming_key
from app.backends.storage_local import SEND_PATH, LocalStorage
from app.backends.storage_s3 import S3Storage
from app.core.clock import SystemClock
from app.core.errors import AppError
from app.settings import Settings
from tests.support.store import Store

CONTENT = b"%PDF-1.7 and so on"
PDF = Serving("application/pdf", 'attachment; filename="a.pdf"')
LIFE_MS = 60_000


@pytest.fixture(scope="module", params=["local-post", "local-put", "s3-post", "s3-put"])
def storage(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Storage]:
    kind, method = request.param.split("-")
    if kind == "local":
        yield LocalStorage(tmp_path_factory.mktemp("files"), secret="s" * 32, clock=SystemClock(), method=method)
    else:
        store: Store = request.getfixturevalue("s3")
        env = {**store.settings(), "S3_UPLOAD_METHOD": method}
        yield S3Storage(Settings.from_env(env, dotenv=None), clock=SystemClock())


def send(storage: Storage, ticket: Ticket, content: bytes, mime: str = "application/pdf") -> bool:
    """Whether the storage took `content`. What a folder's own routes do beside it is tested with them."""
    if isinstance(storage, LocalStorage):
        admission = storage.admit(ticket.url.removeprefix(SEND_PATH))
        try:
            storage.receive(admission, iter([content[:5], content[5:]]))
        except AppError:
            return False
        return admission.mime == mime
    if ticket.method == "PUT":
        return requests.put(ticket.url, data=content, headers={"Content-Type": mime}, timeout=10).ok
    fields = {**(ticket.fields or {}), "Content-Type": mime}
    return requests.post(ticket.url, data=fields, files={"file": ("a", io.BytesIO(content))}, timeout=10).ok


@pytest.fixture
def key(storage: Storage) -> str:
    """The key of a file that was sent."""
    key = incoming_key()
    ticket = storage.ticket(key, mime="application/pdf", size=len(CONTENT), life_ms=LIFE_MS)
    assert send(storage, ticket, CONTENT)
    return key


def version_of(storage: Storage, key: str) -> str:
    stored = storage.head(key)
    assert stored is not None
    return stored.version


def refused_with(code: str) -> pytest.RaisesExc[AppError]:
    return pytest.RaisesExc(AppError, check=lambda why: why.code == code)


def test_what_was_sent_lies_there(storage: Storage, key: str, tmp_path: Path) -> None:
    stored = storage.head(key)
    assert stored is not None
    assert stored.bytes == len(CONTENT)
    assert stored.checksum
    assert storage.read(key, version=stored.version, start=5, length=3) == CONTENT[5:8]
    storage.fetch(key, tmp_path / "copy", version=stored.version)
    assert (tmp_path / "copy").read_bytes() == CONTENT


@pytest.mark.parametrize("content", [CONTENT + b"!", CONTENT[:-1], b""], ids=["longer", "shorter", "empty"])
def test_a_ticket_admits_exactly_the_announced_size(storage: Storage, content: bytes) -> None:
    key = incoming_key()
    ticket = storage.ticket(key, mime="application/pdf", size=len(CONTENT), life_ms=LIFE_MS)
    assert not send(storage, ticket, content)
    assert storage.head(key) is None


def test_a_ticket_admits_only_the_announced_type(storage: Storage) -> None:
    ticket = storage.ticket(incoming_key(), mime="application/pdf", size=len(CONTENT), life_ms=LIFE_MS)
    assert not send(storage, ticket, CONTENT, mime="text/html")


def test_a_file_sent_anew_is_another_version(storage: Storage, key: str, tmp_path: Path) -> None:
    seen = version_of(storage, key)
    other = CONTENT[::-1]
    assert send(storage, storage.ticket(key, mime="application/pdf", size=len(other), life_ms=LIFE_MS), other)
    assert version_of(storage, key) != seen
    with refused_with("upload_incomplete"):
        storage.read(key, version=seen, start=0, length=4)
    with refused_with("upload_incomplete"):
        storage.fetch(key, tmp_path / "copy", version=seen)
    kept = file_key()
    with refused_with("upload_incomplete"):
        storage.keep(key, kept, version=seen, serving=PDF)
    assert storage.head(kept) is None


def test_what_is_kept_stays_when_the_ticket_is_used_again(storage: Storage, key: str) -> None:
    kept = file_key()
    storage.keep(key, kept, version=version_of(storage, key), serving=PDF)
    storage.keep(key, kept, version=version_of(storage, key), serving=PDF)
    send(storage, storage.ticket(key, mime="application/pdf", size=3, life_ms=LIFE_MS), b"new")
    assert read_all(storage, kept) == CONTENT


def test_a_file_of_ours_is_put_and_replaced(storage: Storage, tmp_path: Path) -> None:
    key = file_key()
    for content in (b"first", b"second, longer"):
        (tmp_path / "file").write_bytes(content)
        storage.put(key, tmp_path / "file", serving=PDF)
        assert read_all(storage, key) == content


def test_deleting_succeeds_whether_or_not_it_is_there(storage: Storage, key: str) -> None:
    storage.delete([key, file_key()])
    storage.delete([key])
    assert storage.head(key) is None
    with refused_with("upload_incomplete"):
        storage.read(key, version="any", start=0, length=1)


def test_a_signed_address_hands_out_the_file_as_it_says(storage: Storage, key: str) -> None:
    serving = Serving("application/octet-stream", "attachment; filename=\"b.bin\"; filename*=UTF-8''%E2%82%AC.bin")
    url = storage.url(key, serving=serving, life_ms=LIFE_MS)
    if isinstance(storage, LocalStorage):
        opened = storage.open(url.rpartition("/")[2])
        with opened.file as file:
            assert (file.read(), opened.serving, opened.size) == (CONTENT, serving, len(CONTENT))
        assert 0 < opened.left_ms <= LIFE_MS
    else:
        answer = requests.get(url, timeout=10)
        assert answer.content == CONTENT
        assert answer.headers["Content-Type"] == serving.mime
        assert answer.headers["Content-Disposition"] == serving.disposition


def test_a_storage_that_is_there_says_so(storage: Storage) -> None:
    storage.probe()


def test_keys_are_unguessable_and_say_nothing() -> None:
    keys = {make() for make in (incoming_key, file_key) for _ in range(50)}
    assert len(keys) == 100
    assert {len(key.rpartition("/")[2]) for key in keys} == {32}


def read_all(storage: Storage, key: str) -> bytes:
    return storage.read(key, version=version_of(storage, key), start=0, length=100)
