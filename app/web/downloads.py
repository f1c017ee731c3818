"""Files that answers are saved as: what they are called, and the header that says so."""

from __future__ import annotations

import unicodedata

from app.core.spelling import normal

_IN_WORDS = "LMN"  # letters, their marks, numbers
_LONGEST_SLUG = 50
_FALLBACK = "room"
_ATTR_CHARS = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789!#$&+-.^_`|~")


def download_name(room_name: str, instant: str, ending: str) -> str:
    """`main-hall-2025-11-01.txt`: whose it is and of which day (of a wire instant, UTC), in one word that any disk takes.

    Letters of every alphabet stay; marks and signs between words are one hyphen.
    """
    plain = normal(room_name, "NFKC").lower()
    words = "".join(char if unicodedata.category(char)[0] in _IN_WORDS else " " for char in plain).split()
    slug = "-".join(words)[:_LONGEST_SLUG].rstrip("-") or _FALLBACK
    return f"{slug}-{instant[:10]}.{ending}"


def content_disposition(name: str, *, inline: bool) -> str:
    """The header's value (RFC 6266): the name in ASCII for old clients and in UTF-8 (RFC 8187)."""
    kind = "inline" if inline else "attachment"
    ascii_name = name.encode("ascii", "replace").decode().replace("?", "_").replace('"', "_").replace("\\", "_")
    encoded = "".join(chr(byte) if chr(byte) in _ATTR_CHARS else f"%{byte:02X}" for byte in name.encode())
    return f"{kind}; filename=\"{ascii_name}\"; filename*=UTF-8''{encoded}"
