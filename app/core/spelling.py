"""How texts are spelled: the one place where they are normalised (Unicode Standard Annex 15), because that can be dear.

A run of marks is put in order in the square of its length, and one character may become eighteen: a name of 800 kB would
hold up a worker for half a minute. So whoever compares texts bounds them first, and nothing longer gets through here.
"""

from __future__ import annotations

import unicodedata
from typing import Literal

from app.core.errors import AppError

LONGEST = 1_000  # characters: a password, the name of a file that is announced


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
