"""How texts are spelled, and how long they may be for that."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.core.errors import AppError
from app.core.spelling import LONGEST, folded, name_key, normal


@given(st.text(max_size=60))
def test_spellings_that_are_compatible_are_one(text: str) -> None:
    assert folded(text) == folded(unicodedata.normalize("NFD", text)) == folded(unicodedata.normalize("NFKC", text))


def test_case_and_width_make_no_difference() -> None:
    assert folded("ＡＤＡ") == folded("ada") == "ada"
    assert normal("E\u0301", "NFC") == "É"


@given(st.text(max_size=60))
def test_the_key_of_a_key_is_itself(name: str) -> None:
    assert name_key(name_key(name)) == name_key(name)


@pytest.mark.parametrize(
    "char", "\u00ad\u034f\u061c\u115f\u180e\u200b\u200d\u200e\u2060\u3164\ufe0f\ufeff\uffa0\U000e0041"
)
def test_what_is_not_seen_makes_no_name_another(char: str) -> None:
    assert name_key(f"A{char}da{char}") == name_key("ada")


def test_what_is_seen_does() -> None:
    assert len({name_key(name) for name in ("Ada", "Adá", "A da", "Ada 2", "Zoë", "Zoe")}) == 6


@pytest.mark.parametrize("text", ["a" + "\u0301\u0323" * 200_000, "\ufdfa" * 320_000, "a" * (LONGEST + 1)])
def test_nothing_long_is_normalised(text: str) -> None:
    for refused in (folded, lambda text: normal(text, "NFC")):
        with pytest.raises(AppError) as why:
            refused(text)
        assert why.value.code == "validation_failed"


def test_the_longest_text_that_is_taken_is_normalised() -> None:
    assert len(folded("\ufdfa" * LONGEST)) == 18 * LONGEST
