"""Files in a folder: app/backends/storage_local.py, where it differs from the port's promises."""

from __future__ import annotations

import errno
import hashlib
import os
from collections.abc import Iterator
from pathlib import Path

import gevent
import pytest

from app.backends import storage_local as module
from app.backends.storage import Serving, file_key, incoming_key
from app.backends.storage_local import OPEN_PATH, SEND_PATH, LocalStorage
from app.core.clock import FakeClock
from app.core.errors import AppError

TEXT = Serving("text/plain", "attachment")


@pytest.fixture
def storage(tmp_path: Path, clock: FakeClock) -> LocalStorage:
    return LocalStorage(tmp_path, secret="s" * 32, clock=clock)


def token(storage: LocalStorage, key: str, size: int = 5) -> str:
    return storage.ticket(key, mime="text/plain", size=size, life_ms=1000).url.removeprefix(SEND_PATH)


def version_of(storage: LocalStorage, key: str) -> str:
    stored = storage.head(key)
    assert stored is not None
    return stored.version


def files(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]


def refused_with(code: str) -> pytest.RaisesExc[AppError]:
    return pytest.RaisesExc(AppError, check=lambda why: why.code == code)


def test_a_ticket_runs_out(storage: LocalStorage, clock: FakeClock) -> None:
    given = token(storage, incoming_key())
    clock.advance(999)
    storage.admit(given)
    clock.advance(1)
    with refused_with("upload_not_found"):
        storage.admit(given)


def test_a_file_that_is_through_when_its_ticket_has_run_out_is_not_there(
    storage: LocalStorage, clock: FakeClock, tmp_path: Path
) -> None:
    """It would stay for ever, counted for nobody: its key was swept at the end of the ticket."""

    def drip() -> Iterator[bytes]:
        yield b"hel"
        clock.advance(1_000)
        yield b"lo"

    admission = storage.admit(token(storage, incoming_key()))
    with refused_with("upload_not_found"):
        storage.receive(admission, drip())
    assert files(tmp_path) == []


def test_an_address_runs_out(storage: LocalStorage, clock: FakeClock) -> None:
    key = incoming_key()
    storage.receive(storage.admit(token(storage, key)), iter([b"hello"]))
    address = storage.url(key, serving=TEXT, life_ms=1000).removeprefix(OPEN_PATH)
    storage.open(address).file.close()
    clock.advance(1000)
    with refused_with("attachment_not_found"):
        storage.open(address)


def test_tokens_are_good_only_for_what_they_were_signed_for(storage: LocalStorage, clock: FakeClock) -> None:
    given = token(storage, incoming_key())
    address = storage.url(file_key(), serving=TEXT, life_ms=1000).removeprefix(OPEN_PATH)
    stranger = LocalStorage(Path("/nowhere"), secret="t" * 32, clock=clock)
    for forged in (
        given[:-1] + ("A" if given[-1] != "A" else "B"),
        address,
        token(stranger, incoming_key()),
        "",
        "a.b",
    ):
        with refused_with("upload_not_found"):
            storage.admit(forged)
    with refused_with("attachment_not_found"):
        storage.open(given)


def test_a_transfer_that_breaks_off_leaves_nothing(storage: LocalStorage, tmp_path: Path) -> None:
    def chunks() -> Iterator[bytes]:
        yield b"he"
        raise ConnectionResetError

    with refused_with("storage_unavailable"):
        storage.receive(storage.admit(token(storage, incoming_key())), chunks())
    assert files(tmp_path) == []


def test_a_full_disk_keeps_what_was_there(
    storage: LocalStorage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    key = incoming_key()
    storage.receive(storage.admit(token(storage, key)), iter([b"hello"]))

    def full(handle: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(module.os, "fsync", full)
    with refused_with("storage_unavailable"):
        storage.receive(storage.admit(token(storage, key)), iter([b"HELLO"]))
    assert [path.read_bytes() for path in files(tmp_path)] == [b"hello"]


def without_links(source: Path, target: Path) -> None:
    raise OSError(errno.EPERM, os.strerror(errno.EPERM))


def test_a_disk_without_second_names_keeps_a_copy(
    storage: LocalStorage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module.os, "link", without_links)
    source, kept = incoming_key(), file_key()
    storage.receive(storage.admit(token(storage, source)), iter([b"hello"]))
    version = version_of(storage, source)
    storage.keep(source, kept, version=version, serving=TEXT)
    assert (tmp_path / kept).read_bytes() == b"hello"
    storage.receive(storage.admit(token(storage, source)), iter([b"other"]))
    with refused_with("upload_incomplete"):
        storage.keep(source, kept, version=version, serving=TEXT)
    with refused_with("upload_incomplete"):
        storage.keep(incoming_key(), kept, version=version, serving=TEXT)
    assert (tmp_path / kept).read_bytes() == b"hello"
    assert len(files(tmp_path)) == 2


def test_a_full_disk_without_second_names_leaves_no_half_of_a_copy(
    storage: LocalStorage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*args: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    source = incoming_key()
    storage.receive(storage.admit(token(storage, source)), iter([b"hello"]))
    version = version_of(storage, source)
    monkeypatch.setattr(module.os, "link", without_links)
    monkeypatch.setattr(module.shutil, "copyfileobj", full)
    with refused_with("storage_unavailable"):
        storage.keep(source, file_key(), version=version, serving=TEXT)
    assert len(files(tmp_path)) == 1


def test_the_same_file_may_be_kept_by_several_at_once(storage: LocalStorage, tmp_path: Path) -> None:
    source, kept = incoming_key(), file_key()
    storage.receive(storage.admit(token(storage, source)), iter([b"hello"]))
    version = version_of(storage, source)
    both = [gevent.spawn(storage.keep, source, kept, version=version, serving=TEXT) for _ in range(20)]
    gevent.joinall(both, raise_error=True)
    assert sorted(path.name for path in files(tmp_path)) == sorted([Path(source).name, Path(kept).name])


def test_a_checksum_is_of_the_bytes_whether_they_were_just_received_or_long_ago(
    storage: LocalStorage, tmp_path: Path, clock: FakeClock
) -> None:
    content = bytes(range(256)) * 5000
    key = incoming_key()
    pieces = (content[start : start + 100_000] for start in range(0, len(content), 100_000))
    storage.receive(storage.admit(token(storage, key, len(content))), pieces)
    assert (tmp_path / key).read_bytes() == content
    after_restart = LocalStorage(tmp_path, secret="s" * 32, clock=clock)
    just, later = storage.head(key), after_restart.head(key)
    assert just == later
    assert just is not None
    assert just.checksum == f"sha256:{hashlib.sha256(content).hexdigest()}"


@pytest.mark.parametrize("key", ["files/../../etc/passwd", "../secret", "files/abc", "/etc/passwd", ""])
def test_nothing_outside_the_folder_has_a_key(storage: LocalStorage, key: str) -> None:
    with pytest.raises(ValueError, match="not a key"):
        storage.head(key)


def test_a_folder_that_cannot_be_made_is_a_storage_that_is_away(tmp_path: Path, clock: FakeClock) -> None:
    (tmp_path / "file").touch()
    storage = LocalStorage(tmp_path / "file" / "folder", secret="s" * 32, clock=clock)
    with refused_with("storage_unavailable"):
        storage.probe()
    with refused_with("storage_unavailable"):
        storage.put(file_key(), tmp_path / "file", serving=TEXT)


def test_addresses_begin_with_the_public_url(tmp_path: Path, clock: FakeClock) -> None:
    storage = LocalStorage(tmp_path, secret="s" * 32, clock=clock, public_url="https://example.org/")
    assert storage.url(file_key(), serving=TEXT, life_ms=1).startswith("https://example.org/api/files/")
