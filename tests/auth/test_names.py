"""Usernames and addresses: app/auth/names.py."""

from __future__ import annotations

import sys
import unicodedata

import jsonschema_rs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.auth.names import (
    MAX_USERNAME,
    USERNAME_SCHEMA,
    generated_usernames,
    is_username,
    normal_username,
)

FIRST_IDEOGRAPH = 0x3400


@pytest.mark.parametrize(
    "name", ["ada", "Ada", "a", "ada-l", "ada.l", "a_b", "_ada", "山田太郎", "élodie", "हिन्दी", "สำนัก", "x" * 40]
)
def test_usernames_are_letters_and_digits_of_any_script(name: str) -> None:
    assert is_username(name)


@pytest.mark.parametrize(
    "name",
    ["", " ", "-a", "a-", ".a", "a b", "a@b", "a/b", "a\nb", "<b>", "x" * 41, "\u202eada", "½", "ŀad", "ﷺ", "a\ufe0f"],
)
def test_what_could_be_taken_for_something_else_is_no_username(name: str) -> None:
    assert not is_username(name)


def test_names_that_look_alike_are_one() -> None:
    assert normal_username("ＡＤＡ") == normal_username("ada") == "ada"
    assert normal_username("E\u0301lodie") == normal_username("élodie")


@given(st.text(max_size=200))
def test_every_generated_username_is_one(source: str) -> None:
    names = list(generated_usernames(source))
    assert all(is_username(name) and name == normal_username(name) for name in names)
    assert len(set(names)) == len(names)


@given(st.text(max_size=60))
def test_normalizing_twice_is_normalizing_once(name: str) -> None:
    if is_username(name):
        assert normal_username(normal_username(name)) == normal_username(name)


def is_valid(name: str) -> bool:
    """Whether the document of the API says that a username may be sent."""
    schema = {"type": "string", **USERNAME_SCHEMA, "minLength": 1, "maxLength": MAX_USERNAME}
    return jsonschema_rs.is_valid(schema, name)


@given(st.text(max_size=12) | st.text(st.characters(categories=["L", "N", "M", "Pc", "Pd", "Po"]), max_size=12))
def test_the_document_says_which_usernames_are_taken(name: str) -> None:
    assert is_valid(name) == (is_username(name) and name == name.strip())


def is_told_apart(code: int) -> bool:
    """Whether a character is tried: of ideographs, syllables and private ones, where each is like the others, some are."""
    kind = unicodedata.category(chr(code))
    is_one_of_many = kind in ("Lo", "Co") and code >= FIRST_IDEOGRAPH and not unicodedata.decomposition(chr(code))
    return kind not in ("Cs", "Cn") and (not is_one_of_many or code % 64 == 0)


def test_the_document_says_of_each_character_whether_a_username_may_have_it() -> None:
    every = [chr(code) for code in range(sys.maxunicode + 1) if is_told_apart(code)]
    schema = {"type": "string", **USERNAME_SCHEMA}
    validator = jsonschema_rs.validator_for(schema)
    for around in ("a{}a", "a{}", "{}a"):
        names = (around.format(char) for char in every if not char.isspace())
        assert [name for name in names if validator.is_valid(name) != is_username(name)] == [], around
