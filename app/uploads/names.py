"""Names of files as people may safely see, click and save them."""

from __future__ import annotations

import re
import unicodedata

from app.core.spelling import normal
from app.uploads.models import FILENAME_MAX

FALLBACK = "file"
_BYTES_MAX = 200  # most disks take 255
_SEPARATORS = re.compile(r"[/\\]")
_RESERVED = re.compile(r'[<>:"|?*%]')
_SPACES = re.compile(r"\s+")
_DEVICE = re.compile(r"(?:con|prn|aux|nul|com\d|lpt\d)(?:\.|\Z)", re.IGNORECASE)


def clean_filename(name: str, extensions: tuple[str, ...]) -> str:
    """`name` without path, controls, bidi overrides and what disks refuse; ends in one of `extensions`, if any are given."""
    last = _SEPARATORS.split(name)[-1]
    visible = "".join(char for char in normal(last, "NFC") if _is_visible(char))
    plain = _SPACES.sub(" ", _RESERVED.sub("_", visible)).strip(" .")
    if _DEVICE.match(plain):
        plain = f"_{plain}"
    stem, extension = _split(plain or FALLBACK)
    if extensions and extension.lower() not in extensions:
        stem, extension = stem + extension, extensions[0]
    return _shorten(stem, FILENAME_MAX - len(extension), _BYTES_MAX - len(extension.encode())) + extension


def _is_visible(char: str) -> bool:
    """Spaces count; controls, format characters (bidi, zero width), surrogates, private and unassigned ones do not."""
    return char in " \t" or unicodedata.category(char)[0] != "C"


def _split(name: str) -> tuple[str, str]:
    stem, dot, extension = name.rpartition(".")
    return (stem, dot + extension) if stem and 0 < len(extension) <= 10 else (name, "")  # noqa: PLR2004


def _shorten(stem: str, characters: int, size: int) -> str:
    return stem[:characters].encode()[:size].decode(errors="ignore").rstrip(" .") or FALLBACK
