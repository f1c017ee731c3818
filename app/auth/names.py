"""The forms of usernames and addresses: what is stored, compared and accepted."""

from __future__ import annotations

import re
import secrets
import unicodedata
from collections.abc import Iterator
from itertools import takewhile

from app.core.spelling import normal

MAX_USERNAME = 40
GENERATED_LENGTH = 30
#: Not in usernames: letters and numbers that stand for several or for one with something beside it, marks that go around
#: others, marks that Unicode had not assigned yet when the oldest Python here was made, and characters that are not seen.
_UNFIT = (
    "\u0132\u0133\u013f\u0140\u0149\u01c4-\u01cc\u01f1-\u01f3\u037a\ufb00-\ufdff\ufe70-\ufeff"
    "\u00bc-\u00be\u2150-\u215f\u2189\u2474-\u249b\u3220-\u3229\U0001f100-\U0001f10a"
    "\u0488\u0489\u1abe\u20dd-\u20e0\u20e2-\u20e4\ua670-\ua672"
    "\u1acf-\u1aff\u20f1-\u20ff"
    "\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u3164\uff9e\uff9f\ufe00-\ufe0f\uffa0\U000e0100-\U000e01ef"
)
_HAS_UNFIT = re.compile(f"[{_UNFIT}]")
#: What `is_username` says, as JSON Schema, whose regular expressions are ECMA-262's.
USERNAME_SCHEMA = {
    "pattern": r"^[\p{L}\p{N}_]([\p{L}\p{M}\p{N}_.-]*[\p{L}\p{M}\p{N}_])?$",
    "not": {"type": "string", "pattern": f"[{_UNFIT}]"},
}
_INSIDE = {".", "-"}
_ATTEMPTS = 5
_SUFFIX_BYTES = 4


def normal_username(username: str) -> str:
    """Compatible characters composed (NFKC) and lower case, so that two names that look alike are one."""
    return normal(username, "NFKC").lower().strip()


def normal_email(email: str) -> str:
    """Composed and lower case."""
    return normal(email, "NFC").lower().strip()


def is_username(username: str) -> bool:
    """Whether it is a username: letters (with their marks) and digits of any script, `_`, inside also `.` and `-`."""
    if len(username) > MAX_USERNAME or _HAS_UNFIT.search(username):
        return False
    kept = normal_username(username)
    is_short = len(kept) <= MAX_USERNAME
    return is_short and not _is_mark(username.strip()[:1] or "a") and all(map(_is_in_form, (username.strip(), kept)))


def username_at_start(text: str) -> str:
    """As much of the beginning of `text` as a username may consist of."""
    return "".join(takewhile(_is_part, text))


def _is_in_form(name: str) -> bool:
    return bool(name) and not {name[0], name[-1]} & _INSIDE and all(map(_is_part, name))


def _is_part(char: str) -> bool:
    return char == "_" or char in _INSIDE or unicodedata.category(char)[0] in "LMN"


def _is_mark(char: str) -> bool:
    return unicodedata.category(char)[0] == "M"


def generated_usernames(source: str) -> Iterator[str]:
    """Usernames made from a name, the plain one first; those after it end in something random."""
    parts = "".join(char if _is_part(char) else " " for char in normal_username(_HAS_UNFIT.sub("", source)))
    plain = "-".join(parts.split())[:GENERATED_LENGTH].strip("-._")
    plain = plain if is_username(plain) else "person"
    yield plain
    for _ in range(_ATTEMPTS):
        yield f"{plain}-{secrets.token_hex(_SUFFIX_BYTES)}"
