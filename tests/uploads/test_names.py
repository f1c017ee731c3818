"""Names of files: app/uploads/names.py."""

from __future__ import annotations

import pytest

from app.uploads.names import clean_filename

PNG = (".png",)


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("picture.png", "picture.png"),
        ("PICTURE.PNG", "PICTURE.PNG"),
        ("../../etc/passwd.png", "passwd.png"),
        ("C:\\Windows\\evil.png", "evil.png"),
        ("a\x00b\r\nc.png", "abc.png"),
        ("cod\u202egnp.exe", "codgnp.exe.png"),
        ("zero\u200bwidth\ufeff.png", "zerowidth.png"),
        ("  two   spaces\t.png", "two spaces.png"),
        ('q<u>o"t|e?*.png', "q_u_o_t_e__.png"),
        (".hidden.png", "hidden.png"),
        ("..", "file.png"),
        ("", "file.png"),
        ("con.png", "_con.png"),
        ("run.bat", "run.bat.png"),
        ("Grüße 日本.png", "Grüße 日本.png"),
        ("e\u0301.png", "é.png"),
    ],
)
def test_a_name_is_made_safe(given: str, kept: str) -> None:
    assert clean_filename(given, PNG) == kept


def test_a_long_name_is_shortened_before_its_ending() -> None:
    assert clean_filename("x" * 500 + ".png", PNG) == "x" * 116 + ".png"
    japanese = clean_filename("日" * 500 + ".png", PNG)
    assert japanese.endswith("日.png")
    assert len(japanese.encode()) <= 200


def test_where_no_ending_is_known_the_name_keeps_its_own() -> None:
    assert clean_filename("data.xyz", ()) == "data.xyz"
