"""Pictures, decoded and written anew by a process of their own (`decoder.py`), one for each.

A few bytes can be 40 million pixels, and libraries of pictures have holes. So what decodes is not the worker: it has a limit of
memory and of processor time, none of the worker's secrets and sockets, and takes its memory with it. It starts in some 100 ms;
the loop only waits for it.
"""

from __future__ import annotations

import hashlib
import json
import os
import signal
import sys
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import structlog
from gevent import Timeout
from gevent.os import fork_and_watch, waitpid

from app.backends.offload import offload
from app.backends.storage import unavailable
from app.core.errors import AppError
from app.settings import Settings
from app.uploads.content import PICTURES

THUMBNAIL_MIME = "image/webp"
TIMEOUT_S = 30.0  # by the clock, for a machine that has no time for it; nginx waits for a minute
_DECODER = Path(__file__).with_name("decoder.py")
_TOOK_TOO_MUCH = {-signal.SIGXCPU, -signal.SIGKILL}  # the latter from a machine that is out of memory

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Picture:
    """A picture as it is kept; `width` and `height` are as shown."""

    width: int
    height: int
    bytes: int
    checksum: str


@dataclass(frozen=True, slots=True)
class Limits:
    """What one picture may be and take; `pixels` of all its frames."""

    pixels: int = Settings.picture_max_pixels
    memory_bytes: int = Settings.picture_memory_bytes
    cpu_ms: int = Settings.picture_cpu_ms

    @classmethod
    def of(cls, settings: Settings) -> Limits:
        return cls(settings.picture_max_pixels, settings.picture_memory_bytes, settings.picture_cpu_ms)


_USUAL = Limits()


def rewrite_picture(source: Path, mime: str, target: Path, thumbnail: Path, limits: Limits = _USUAL) -> Picture:
    """Decode `source`, which must be of type `mime`, and write it and its thumbnail; beside `target` a file with the outcome.

    Raises:
        AppError: `file_type_not_allowed` when it is not such a picture, `file_too_large` when it has too many pixels or takes
            too much memory or processor time, `rate_limited` when the machine is too busy, `storage_unavailable` for its disk.
    """
    cpu_s = -(-limits.cpu_ms // 1000)
    outcome = target.with_suffix(".json")
    arguments = (source, PICTURES[mime], target, thumbnail, limits.pixels, limits.memory_bytes, cpu_s)
    status = _decode([str(each) for each in arguments], outcome)
    refused, width, height = _read_outcome(outcome, status)
    if refused == "too large":
        millions = limits.pixels // 1_000_000
        raise AppError(
            "file_too_large", f"A picture may have at most {millions} million pixels, as WebP two fifths of that."
        )
    if refused == "broken":
        raise AppError("file_type_not_allowed", "The picture is broken, or of another type than its name.")
    if refused:
        raise unavailable()
    return Picture(width, height, target.stat().st_size, f"sha256:{offload(_digest, target)}")


def _decode(arguments: list[str], outcome: Path) -> int:
    """How the decoder ended: 0, or below it the signal; by then it is gone, however this ends.

    By `posix_spawn`, which shares the worker's memory with the child until it is another program: a fork, as gevent's
    `subprocess` makes, copies the tables of all of it, and with many connections holds up the loop.
    """
    command = [sys.executable, "-I", str(_DECODER), *arguments]
    files = [
        (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0),
        (os.POSIX_SPAWN_OPEN, 1, str(outcome), os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600),
        (os.POSIX_SPAWN_OPEN, 2, os.devnull, os.O_WRONLY, 0),
    ]
    pid = fork_and_watch(fork=partial(os.posix_spawn, command[0], command, {}, file_actions=files))
    try:
        with Timeout(TIMEOUT_S):
            return os.waitstatus_to_exitcode(waitpid(pid, 0)[1])
    except Timeout:
        _kill(pid)
        raise AppError("rate_limited", retry_after_ms=round(1000 * TIMEOUT_S)) from None
    except BaseException:
        _kill(pid)
        raise


def _kill(pid: int) -> None:
    os.kill(pid, signal.SIGKILL)
    waitpid(pid, 0)


def _read_outcome(outcome: Path, status: int) -> tuple[str, int, int]:
    """Why it was refused, if it was; width and height. A decoder that dies of a picture says that this is no good one."""
    if status in _TOOK_TOO_MUCH:
        return "too large", 0, 0
    if status:
        log.warning("picture_decoder_failed", status=status)
        return "broken", 0, 0
    found: dict[str, Any] = json.loads(outcome.read_bytes())
    return found.get("refused", ""), found.get("width", 0), found.get("height", 0)


def _digest(file: Path) -> str:
    with file.open("rb") as content:
        return hashlib.file_digest(content, "sha256").hexdigest()
