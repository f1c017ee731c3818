"""Usernames and addresses: app/auth/names.py."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.auth.names import generated_usernames, is_one_line, is_username, normal_username


@pytest.mark.parametrize("name", ["ada", "Ada", "a", "ada-l", "ada.l", "a_b", "_ada", "山田太郎", "élodie", "x" * 40])
def test_usernames_are_letters_and_digits_of_any_script(name: str) -> None:
    assert is_username(name)


@pytest.mark.parametrize("name", ["", " ", "-a", "a-", ".a", "a b", "a@b", "a/b", "a\nb", "<b>", "x" * 41, "\u202eada"])
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


def test_names_of_people_are_one_line() -> None:
    assert is_one_line("Zoë “Z” O'Neil-山田 🎤")
    assert not any(is_one_line(f"a{char}b") for char in "\n\r\t\x7f\u2028\u202e\u2066")
