"""How texts are spelled: the one place where they are normalised (Unicode Standard Annex 15), because that can be dear.

A run of marks is put in order in the square of its length, and one character may become eighteen: a name of 800 kB would
hold up a worker for half a minute. So whoever compares texts bounds them first, and nothing longer gets through here.
"""

from __future__ import annotations

import re
import unicodedata
from typing import Literal

from app.core.errors import AppError

LONGEST = 1_000  # characters: a password, the name of a file that is announced
KEY_LENGTH = 120
#: What is not seen, if it is not known to change what is beside it: Default_Ignorable_Code_Point of Unicode 17.
_IGNORABLE = re.compile(
    "[\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e\u2060-\u206f\u3164\ufe00-\ufe0f"
    "\ufeff\uffa0\ufff0-\ufff8\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e0fff]"
)


def normal(text: str, form: Literal["NFC", "NFKC"]) -> str:
    """`text` in that form.

    Raises:
        AppError: `validation_failed`: it is longer than `LONGEST`.
    """
    if len(text) > LONGEST:
        raise AppError("validation_failed", "A text is too long to be compared with others.")
    return unicodedata.normalize(form, text)


def folded(text: str) -> str:
    """One form for all spellings of `text` that are compatible (NFKC) or differ in case.

    Raises:
        AppError: `validation_failed`: it is longer than `LONGEST`.
    """
    return unicodedata.normalize("NFKC", normal(text, "NFKC").casefold())


def name_key(name: str) -> str:
    """What two names have in common that people would take for the same: `Ａda\u200d` has the key of `ada`.

    Raises:
        AppError: `validation_failed`: it is longer than `LONGEST`.
    """
    return " ".join(without_ignorable(folded(without_ignorable(name))).split())[:KEY_LENGTH]


def without_ignorable(text: str) -> str:
    """`text` without what is not seen by itself: joiners, marks of direction, variation selectors, tags."""
    return _IGNORABLE.sub("", text)
