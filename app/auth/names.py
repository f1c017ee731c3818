"""The forms of usernames and addresses: what is stored, compared and accepted."""

from __future__ import annotations

import re
import secrets
import unicodedata
from collections.abc import Iterator

MAX_USERNAME = 40
GENERATED_LENGTH = 30
USERNAME = re.compile(r"\w(?:[\w.-]*\w)?\Z")
#: The same as JSON Schema, whose regular expressions are ECMA-262's.
USERNAME_PATTERN = r"^[\p{L}\p{N}_]([\p{L}\p{N}_.-]*[\p{L}\p{N}_])?$"
LINE_PATTERN = r"^\P{C}*[\p{L}\p{N}\p{P}\p{S}]\P{C}*$"
_ATTEMPTS = 5
_SUFFIX_BYTES = 4


def normal_username(username: str) -> str:
    """Compatible characters composed (NFKC) and lower case, so that two names that look alike are one."""
    return unicodedata.normalize("NFKC", username).lower().strip()


def normal_email(email: str) -> str:
    """Composed and lower case."""
    return unicodedata.normalize("NFC", email).lower().strip()


def is_username(username: str) -> bool:
    """Whether the normal form is a username: letters and digits of any script, `_`, inside also `.` and `-`."""
    normal = normal_username(username)
    return len(normal) <= MAX_USERNAME and USERNAME.match(normal) is not None


def is_one_line(text: str) -> bool:
    """Whether `text` has no control characters and nothing that turns the direction of what follows it."""
    return not any(unicodedata.category(char) in ("Cc", "Zl", "Zp") or char in _TURNS for char in text)


def generated_usernames(source: str) -> Iterator[str]:
    """Usernames made from a name, the plain one first; those after it end in something random."""
    plain = re.sub(r"[^\w.-]+", "-", normal_username(source))[:GENERATED_LENGTH].strip("-._")
    plain = plain or "person"
    yield plain
    for _ in range(_ATTEMPTS):
        yield f"{plain}-{secrets.token_hex(_SUFFIX_BYTES)}"


_TURNS = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
