"""One line of text that people write and others see: a name, a title, a label. The one rule of what it may consist of."""

from __future__ import annotations

import re
import unicodedata

from app.core.spelling import without_ignorable

#: Not in a line: what turns the direction of what follows it, what is not seen, and letters that look like nothing.
#: Joiners stay (families of emoji, Persian), and so do the marks of direction and the tags of flags.
_UNSEEN = "\u00ad\u115f\u1160\u180e\u200b\u2028-\u202e\u2060-\u206f\u2800\u3164\ufeff\uffa0\ufff9-\uffff\U000e0001"
_HAS_UNSEEN = re.compile(f"[{_UNSEEN}]")
#: As JSON Schema, whose regular expressions are ECMA-262's: all of this is taken, and of the rest a little.
LINE_PATTERN = r"^\P{C}*[\p{L}\p{N}\p{P}\p{S}]\P{C}*$"
EMPTY_LINE_PATTERN = r"^(\P{C}*[\p{L}\p{N}\p{P}\p{S}]\P{C}*)?$"
LINE_NOT = {"type": "string", "pattern": f"[{_UNSEEN}]"}  # of a null, every pattern holds


def is_one_line(text: str) -> bool:
    """Whether `text` has something to see, and no control characters and nothing of what plays tricks on readers."""
    if _HAS_UNSEEN.search(text) or {"Cc", "Cs"}.intersection(map(unicodedata.category, text)):
        return False
    return any(map(_is_seen, map(unicodedata.category, without_ignorable(text))))


def one_line(text: str, *, most: int = -1) -> str:
    """`text` with every run of spaces and line breaks as one space.

    Args:
        most: how many characters count; where there are more, it is enough that the answer is longer.
    """
    return " ".join(text.split(None, most))


def _is_seen(kind: str) -> bool:
    """Letters, numbers, punctuation, symbols, and what this version of Unicode does not know yet."""
    return kind[0] in "LNPS" or kind in ("Cn", "Co")
