"""What a name, a title or a label may consist of."""

from __future__ import annotations

import sys
import unicodedata

import jsonschema_rs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.core.lines import EMPTY_LINE_PATTERN, LINE_NOT, LINE_PATTERN, is_one_line, one_line

NOT_SEEN = "\u200b\u2060\ufeff\u00ad\u3164\u2800"
TURNING = "\u202a\u202d\u202e\u2066\u2069"


@pytest.mark.parametrize(
    "line", ["Zoë “Z” O'Neil-山田 🎤", "👩‍👩‍👧", "می‌خواهم", "🏴\U000e0067\U000e007f", "\u200fשלום", "A", "?"]
)
def test_real_names_are_lines(line: str) -> None:
    assert is_one_line(line)


@pytest.mark.parametrize("char", [*"\n\r\t\v\x00\x1b\x7f\x85\u2028\u2029\ud800", *NOT_SEEN, *TURNING])
def test_what_plays_tricks_on_readers_is_not_in_a_line(char: str) -> None:
    assert not is_one_line(f"a{char}b")


@pytest.mark.parametrize("nothing", ["", " ", "\u200d", "\u200e \u200f", "\u0301", "\ufff0", "\U000e0002"])
def test_a_line_has_something_to_see(nothing: str) -> None:
    assert not is_one_line(nothing)


def test_line_breaks_and_runs_of_spaces_can_be_joined() -> None:
    assert one_line(" Keynote\r\n  part\t2\u2028") == "Keynote part 2"


@given(st.text(max_size=12) | st.text(st.characters(categories=["L", "N", "P", "S", "Cf", "Zs", "Zl"]), max_size=6))
def test_what_the_document_says_is_a_line_is_taken(line: str) -> None:
    for pattern in (LINE_PATTERN, EMPTY_LINE_PATTERN):
        if jsonschema_rs.is_valid({"type": "string", "pattern": pattern, "not": LINE_NOT}, line):
            assert is_one_line(line) or (pattern is EMPTY_LINE_PATTERN and not line)


def test_the_document_says_of_each_character_that_is_seen_whether_a_line_may_have_it() -> None:
    seen = [char for char in map(chr, range(sys.maxunicode + 1)) if unicodedata.category(char)[0] not in "CM"]
    validator = jsonschema_rs.validator_for({"type": "string", "pattern": LINE_PATTERN, "not": LINE_NOT})
    wrong = [char for char in seen if validator.is_valid(f"a{char}a") != is_one_line(f"a{char}a")]
    assert wrong == []
