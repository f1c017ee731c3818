"""What a file is, by its content: a name and an announced type are only claims.

Pictures are not judged here: that they can be decoded is the proof (`pictures.py`). Archives are never unpacked.
"""

from __future__ import annotations

import mimetypes
import re
from collections.abc import Collection
from dataclasses import dataclass
from functools import lru_cache
from pathlib import PurePosixPath

from puremagic.main import PureMagic, magic_footer_array, magic_header_array, multi_part_dict

HEAD_BYTES = 8 * 1024
TAIL_BYTES = 64 * 1024
PICTURES = {"image/jpeg": "JPEG", "image/png": "PNG", "image/gif": "GIF", "image/webp": "WEBP"}
DOWNLOAD = "application/octet-stream"

_OFFICE = "application/vnd.openxmlformats-officedocument."
_ALIASES = {
    "application/x-pdf": "application/pdf",
    "application/x-zip-compressed": "application/zip",
    "audio/mp3": "audio/mpeg",
    "audio/vnd.wave": "audio/wav",
    "audio/wave": "audio/wav",
    "audio/x-m4a": "audio/mp4",
    "audio/x-wav": "audio/wav",
    "image/jpg": "image/jpeg",
    "image/pjpeg": "image/jpeg",
    "text/x-markdown": "text/markdown",
}
_ZIPPED = {  # what the archive's table of contents must name
    "application/zip": b"",
    f"{_OFFICE}presentationml.presentation": b"ppt/",
    f"{_OFFICE}spreadsheetml.sheet": b"xl/",
    f"{_OFFICE}wordprocessingml.document": b"word/",
}
_SIGNED_AS = {"audio/webm": "video/webm", "audio/mp4": "video/mp4"}  # sound alone, in the same container
_EXTENSIONS = {
    "application/pdf": (".pdf",),
    "application/zip": (".zip",),
    f"{_OFFICE}presentationml.presentation": (".pptx",),
    f"{_OFFICE}spreadsheetml.sheet": (".xlsx",),
    f"{_OFFICE}wordprocessingml.document": (".docx",),
    "audio/mp4": (".m4a", ".mp4"),
    "audio/mpeg": (".mp3", ".mpga"),
    "audio/ogg": (".ogg", ".oga", ".opus"),
    "audio/wav": (".wav",),
    "audio/webm": (".weba", ".webm"),
    "image/gif": (".gif",),
    "image/jpeg": (".jpg", ".jpeg"),
    "image/png": (".png",),
    "image/webp": (".webp",),
    "text/csv": (".csv",),
    "text/markdown": (".md", ".markdown"),
    "text/plain": (".txt", ".log"),
    "video/mp4": (".mp4", ".m4v"),
    "video/quicktime": (".mov",),
    "video/webm": (".webm",),
}
_MISNAMED = {("application/vnd.ms-excel", ".csv")}
_SHOWN_INLINE = ("image/", "audio/", "video/")
_SCRIPTABLE = {"image/svg+xml", "text/html", "application/xhtml+xml", "text/xml", "application/xml"}
_ZIP_STARTS = (b"PK\x03\x04", b"PK\x05\x06")
_MARKUP = (b"<!doctype", b"<?xml", b"<html", b"<head", b"<body", b"<script", b"<svg", b"<iframe", b"<!--")
_CONTROLS = re.compile(rb"[\x00-\x08\x0e-\x1a\x1c-\x1f]")  # that no text has


@dataclass(frozen=True, slots=True)
class Sample:
    """The first `HEAD_BYTES` and the last `TAIL_BYTES` of a file."""

    head: bytes
    tail: bytes


def normal_type(mime: str) -> str:
    """The one name of a type, without parameters: `audio/webm;codecs=opus` is `audio/webm`."""
    plain = mime.partition(";")[0].strip().lower()
    return _ALIASES.get(plain, plain)


def announced_type(mime: str, filename: str, taken: Collection[str]) -> str:
    """The type that a file is announced as: `mime`, or where that says nothing, the one of `taken` that its name has.

    Browsers know types by what is installed: on Windows most say nothing of `.md`, and of `.csv` that it is a spreadsheet's.
    """
    named, ending = normal_type(mime), PurePosixPath(filename).suffix.lower()
    if named in taken or (named != DOWNLOAD and (named, ending) not in _MISNAMED):
        return named
    fitting = [(extensions_of(each).index(ending), each) for each in taken if ending in extensions_of(each)]
    return min(fitting)[1] if fitting else named


def extensions_of(mime: str) -> tuple[str, ...]:
    """How names of this type end, the usual ending first; empty when nobody knows."""
    known = _EXTENSIONS.get(mime)
    return known if known is not None else tuple(mimetypes.guess_all_extensions(mime))


def shows_inline(mime: str) -> bool:
    """Whether a browser may show it in place; whatever could run a script is only ever saved."""
    return mime.startswith(_SHOWN_INLINE) and not is_scriptable(mime)


def is_scriptable(mime: str) -> bool:
    """Whether a browser that shows it runs what is in it."""
    return mime in _SCRIPTABLE or mime.endswith(("+xml", "javascript"))


def is_of_type(mime: str, sample: Sample) -> bool:
    """Whether the content is of type `mime` (a normal one, and no picture's)."""
    if mime in _ZIPPED:
        return sample.head.startswith(_ZIP_STARTS) and _names_in_zip(sample, _ZIPPED[mime])
    if is_scriptable(mime):
        return _is_text(sample)
    if mime.startswith("text/"):
        return _is_text(sample) and not sample.head.lstrip(b"\xef\xbb\xbf \t\r\n").lower().startswith(_MARKUP)
    return _is_signed_as(_SIGNED_AS.get(mime, mime), sample)


def _is_signed_as(mime: str, sample: Sample) -> bool:
    return any(all(_has(sample, mark) for mark in signature) for signature in _signatures(mime))


def _has(sample: Sample, mark: PureMagic) -> bool:
    if mark.offset >= 0:
        return sample.head.startswith(mark.byte_match, mark.offset)
    start = len(sample.tail) + mark.offset
    return start >= 0 and sample.tail.startswith(mark.byte_match, start)


@lru_cache
def _signatures(mime: str) -> tuple[tuple[PureMagic, ...], ...]:
    """The marks of a type, any group of which it is known by, as puremagic lists them.

    Its own functions try the marks of all types there are: 4 ms during which no other thread runs, the event loop's included.
    """
    marks = [mark for mark in (*magic_header_array, *magic_footer_array) if mark.byte_match]
    alone = [(mark,) for mark in marks if normal_type(mark.mime_type) == mime]
    more = [(mark, other) for mark in marks for other in multi_part_dict.get(mark.byte_match, ())]
    return (*alone, *((mark, other) for mark, other in more if normal_type(other.mime_type) == mime))


def _names_in_zip(sample: Sample, folder: bytes) -> bool:
    # Macros would run in an office program, and this type promises that there are none.
    return not folder or (folder in sample.tail and b"vbaProject" not in sample.tail)


def _is_text(sample: Sample) -> bool:
    if _CONTROLS.search(sample.head) or _CONTROLS.search(sample.tail):
        return False
    # A sample may begin or end inside a character of up to four bytes.
    return any(_decodes(sample.head[: len(sample.head) - cut]) for cut in range(4)) and any(
        _decodes(sample.tail[cut:]) for cut in range(4)
    )


def _decodes(part: bytes) -> bool:
    try:
        part.decode()
    except UnicodeDecodeError:
        return False
    return True
