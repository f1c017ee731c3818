"""Files in a folder; tickets and addresses are signed tokens for this server's own routes.

A file is written beside its place, brought to the disk and renamed: a crash or a full disk leaves what was there before.
"""

from __future__ import annotations

import errno
import hashlib
import os
import re
import secrets
import shutil
import time
from collections import OrderedDict
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import gevent
import structlog
from gevent.lock import BoundedSemaphore
from itsdangerous import BadData, URLSafeSerializer

from app.backends.offload import offload
from app.backends.pacing import paced
from app.backends.storage import Serving, Stored, Ticket, replaced, unavailable
from app.core.clock import Clock, add_ms, to_epoch_ms
from app.core.errors import AppError

CHUNK_BYTES = 256 * 1024
KNOWN_DIGESTS = 1_000
HASHED_AT_ONCE = 512 * 1024
SEND_PATH = "/api/uploads/"
OPEN_PATH = "/api/files/"
_SIGNER = {"digest_method": hashlib.sha256, "key_derivation": "hmac"}
_KEY = re.compile(r"(?:incoming|files)/[0-9a-f]{32}\Z")

_NO_LINKS = {errno.EPERM, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS, errno.EMLINK, errno.EXDEV}

_hashing = BoundedSemaphore(1)

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Admission:
    """What a ticket of this storage admits; `ends_ms` is the epoch's."""

    key: str
    mime: str
    size: int
    ends_ms: int


@dataclass(frozen=True, slots=True)
class Opened:
    """A file being handed out; whoever has it closes `file`, and reads it off the loop. `etag` changes with the file."""

    file: IO[bytes]
    size: int
    serving: Serving
    left_ms: int
    etag: str


class LocalStorage:
    """Under `folder`.

    Args:
        secret: signs tickets and addresses; those that a `previous` one has signed are good as well.
        method: how clients send, as with a bucket.
        public_url: goes before the addresses.
    """

    def __init__(
        self,
        folder: Path,
        *,
        secret: str,
        clock: Clock,
        previous: Sequence[str] = (),
        method: str = "post",
        public_url: str = "",
    ) -> None:
        secrets_known = [*previous, secret]  # itsdangerous signs by the last
        self._folder = folder
        self._clock = clock
        self._method = method
        self._public_url = public_url.rstrip("/")
        self._digests: OrderedDict[str, str] = OrderedDict()  # of what was received lately, by version
        self._tickets = URLSafeSerializer(secrets_known, salt="greenroom.files.send", signer_kwargs=_SIGNER)
        self._addresses = URLSafeSerializer(secrets_known, salt="greenroom.files.open", signer_kwargs=_SIGNER)

    def ticket(self, key: str, *, mime: str, size: int, life_ms: int) -> Ticket:
        url = self._public_url + SEND_PATH + str(self._tickets.dumps([key, mime, size, self._end(life_ms)]))
        if self._method == "put":
            return Ticket("PUT", url, headers={"Content-Type": mime})
        return Ticket("POST", url, fields={"Content-Type": mime})

    def url(self, key: str, *, serving: Serving, life_ms: int) -> str:
        token = self._addresses.dumps([key, serving.mime, serving.disposition, self._end(life_ms)])
        return f"{self._public_url}{OPEN_PATH}{token}"

    def admit(self, token: str) -> Admission:
        """What the ticket with this token admits.

        Raises:
            AppError: `upload_not_found` for a token that is not ours or has run out.
        """
        return Admission(*self._read(self._tickets, token, "upload_not_found"))

    def receive(self, admission: Admission, chunks: Iterable[bytes]) -> None:
        """Store what `chunks` bring, if it is exactly as long as admitted.

        Raises:
            AppError: `file_too_large`, `upload_incomplete` (shorter), `upload_not_found` (the ticket ran out meanwhile: who
                sweeps what it brought has been there, and will not come again), `storage_unavailable`.
        """
        digest = hashlib.sha256()
        with _honest(), self._writing(admission.key) as file:
            for part in _gathered(_counted(paced(chunks), admission.size)):
                offload(_write, file, digest, part)
            if admission.ends_ms <= to_epoch_ms(self._clock.now()):
                raise AppError("upload_not_found")
            version = _version(file)
        self._digests[version] = digest.hexdigest()
        if len(self._digests) > KNOWN_DIGESTS:
            self._digests.popitem(last=False)

    def open(self, token: str) -> Opened:
        """The file at the address with this token.

        Raises:
            AppError: `attachment_not_found` for a token that is not ours or has run out, or a file that is gone.
        """
        key, mime, disposition, end = self._read(self._addresses, token, "attachment_not_found")
        with _honest():
            try:
                file = offload(self._path(key).open, "rb")
            except FileNotFoundError:
                raise AppError("attachment_not_found") from None
        left_ms = end - to_epoch_ms(self._clock.now())
        etag = hashlib.sha256(f"{key} {_version(file)}".encode()).hexdigest()[:32]
        return Opened(file, os.fstat(file.fileno()).st_size, Serving(mime, disposition), left_ms, etag)

    def head(self, key: str) -> Stored | None:
        with _honest():
            try:
                file = offload(self._path(key).open, "rb")
            except FileNotFoundError:
                return None
            with file:
                version = _version(file)
                digest = self._digests.get(version) or _digest(file)
                return Stored(os.fstat(file.fileno()).st_size, version, f"sha256:{digest}")

    def read(self, key: str, *, version: str, start: int, length: int) -> bytes:
        with _honest():
            return offload(_read, self._path(key), version, start, length)

    def fetch(self, key: str, path: Path, *, version: str) -> None:
        with _honest(), path.open("wb") as copy:
            offload(_copy, self._path(key), copy, version)

    def keep(self, source: str, key: str, *, version: str, serving: Serving) -> None:
        with _honest():
            offload(_keep, self._path(source), self._path(key), version)

    def put(self, key: str, path: Path, *, serving: Serving) -> None:
        with _honest(), self._writing(key) as file, path.open("rb") as source:
            offload(shutil.copyfileobj, source, file, CHUNK_BYTES)

    def delete(self, keys: Iterable[str]) -> None:
        with _honest():
            for key in keys:
                offload(self._path(key).unlink, missing_ok=True)

    def probe(self) -> None:
        with _honest():
            offload(_probe, self._folder)

    @contextmanager
    def _writing(self, key: str) -> Iterator[IO[bytes]]:
        """A file that takes the place of `key` when the block ends well, and leaves no trace when it does not."""
        path = self._path(key)
        beside = _beside(path)
        file = offload(_create, beside)
        try:
            yield file
            offload(_finish, file, path)
        except BaseException:
            with suppress(OSError):
                file.close()
            with suppress(OSError):
                beside.unlink(missing_ok=True)
            raise

    def _path(self, key: str) -> Path:
        if not _KEY.match(key):
            raise ValueError(f"not a key: {key!r}")
        return self._folder / key

    def _end(self, life_ms: int) -> int:
        return to_epoch_ms(add_ms(self._clock.now(), life_ms))

    def _read(self, serializer: URLSafeSerializer, token: str, code: str) -> tuple[Any, ...]:
        try:
            values = serializer.loads(token)
        except BadData:
            raise AppError(code) from None
        if values[-1] <= to_epoch_ms(self._clock.now()):
            raise AppError(code)
        return tuple(values)


@contextmanager
def _honest() -> Iterator[None]:
    """A disk that fails or is full is a storage that is away."""
    try:
        yield
    except OSError as why:
        log.warning("storage_failed", reason=str(why))
        raise unavailable() from why


def _create(path: Path) -> IO[bytes]:
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    return path.open("xb")


def _finish(file: IO[bytes], path: Path) -> None:
    file.flush()
    os.fsync(file.fileno())
    file.close()
    Path(file.name).replace(path)


def _version(file: IO[bytes]) -> str:
    """Two files that replaced each other under a key differ in it: each was renamed into place with an inode of its own."""
    status = os.fstat(file.fileno())
    return f"{status.st_ino:x}-{status.st_mtime_ns:x}-{status.st_size:x}"


def _digest(file: IO[bytes]) -> str:
    """Its SHA-256, in parts with as long a rest after each: threads have the processor from the event loop as well."""
    digest = hashlib.sha256()
    with _hashing:
        while True:
            began_s = time.perf_counter()
            if not offload(_hash_part, file, digest):
                return digest.hexdigest()
            gevent.sleep(time.perf_counter() - began_s)


def _hash_part(file: IO[bytes], digest: hashlib._Hash) -> bool:
    part = file.read(HASHED_AT_ONCE)
    digest.update(part)
    return bool(part)


@contextmanager
def _same(path: Path, version: str) -> Iterator[IO[bytes]]:
    try:
        file = path.open("rb")
    except FileNotFoundError:
        raise replaced() from None
    with file:
        if _version(file) != version:
            raise replaced()
        yield file


def _read(path: Path, version: str, start: int, length: int) -> bytes:
    with _same(path, version) as file:
        file.seek(start)
        return file.read(length)


def _copy(path: Path, copy: IO[bytes], version: str) -> None:
    with _same(path, version) as file:
        shutil.copyfileobj(file, copy, CHUNK_BYTES)


def _keep(source: Path, target: Path, version: str) -> None:
    """A second name for the same bytes: what is sent later under the first one is a file of its own.

    Made beside and moved there, so that two that keep the same file at once both succeed.
    """
    target.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    beside = _beside(target)
    try:
        _link(source, beside, version)
        beside.replace(target)
    finally:
        beside.unlink(missing_ok=True)  # to move a name onto another one of the same file leaves both (POSIX rename)


def _link(source: Path, target: Path, version: str) -> None:
    try:
        os.link(source, target)
    except FileNotFoundError:
        raise replaced() from None
    except OSError as why:
        if why.errno not in _NO_LINKS:
            raise
        _copy_through(source, target, version)
        return
    with target.open("rb") as file:
        if _version(file) != version:
            raise replaced()


def _copy_through(source: Path, target: Path, version: str) -> None:
    """For disks without a second name for a file (FAT, some network drives)."""
    with _same(source, version) as file, target.open("xb") as copy:
        shutil.copyfileobj(file, copy, CHUNK_BYTES)
        copy.flush()
        os.fsync(copy.fileno())


def _beside(path: Path) -> Path:
    return path.with_name(f"{path.name}.{secrets.token_hex(4)}.part")


def _counted(chunks: Iterable[bytes], size: int) -> Iterator[bytes]:
    """`chunks`, if they are `size` bytes together."""
    received = 0
    for chunk in chunks:
        received += len(chunk)
        if received > size:
            raise AppError("file_too_large")
        yield chunk
    if received < size:
        raise AppError("upload_incomplete")


def _gathered(chunks: Iterable[bytes]) -> Iterator[bytes]:
    """`chunks` in parts of `CHUNK_BYTES` or somewhat more: the way to a thread costs more than to write a small one."""
    waiting: list[bytes] = []
    length = 0
    for chunk in chunks:
        waiting.append(chunk)
        length += len(chunk)
        if length >= CHUNK_BYTES:
            yield b"".join(waiting)
            waiting, length = [], 0
    if waiting:
        yield b"".join(waiting)


def _write(file: IO[bytes], digest: hashlib._Hash, part: bytes) -> None:
    """To the disk at once: what gathers in memory would delay whoever else waits for the disk, the database for one."""
    digest.update(part)
    file.write(part)
    file.flush()
    os.fdatasync(file.fileno())


def _probe(folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    if not os.access(folder, os.W_OK):
        raise PermissionError(f"{folder} cannot be written to")
