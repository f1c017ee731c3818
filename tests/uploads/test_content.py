"""What a file is by its content: app/uploads/content.py."""

from __future__ import annotations

import io
import wave

import pytest

from app.settings import UPLOAD_TYPES
from app.uploads.content import HEAD_BYTES, TAIL_BYTES, Sample, announced_type, is_of_type, normal_type, shows_inline
from tests.uploads.support import archive, picture

OFFICE = "application/vnd.openxmlformats-officedocument."
EXECUTABLE = b"MZ\x90\x00\x03\x00\x00\x00\x04\x00\x00\x00\xff\xff\x00\x00" + bytes(200)


def sound() -> bytes:
    out = io.BytesIO()
    with wave.open(out, "wb") as file:
        file.setparams((1, 2, 8000, 0, "NONE", ""))
        file.writeframes(bytes(100))
    return out.getvalue()


PDF = b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n1 0 obj"
MP4 = b"\x00\x00\x00\x20ftypisom\x00\x00\x02\x00isomiso2avc1mp41" + bytes(50)
WEBM = bytes.fromhex("1a45dfa39f42868101 42f78101 42f28104 42f38108 428284 7765626d") + bytes(50)
DOCX = archive({"[Content_Types].xml": b"x", "word/document.xml": b"x"})
MACROS = archive({"[Content_Types].xml": b"x", "word/document.xml": b"x", "word/vbaProject.bin": b"x"})


def sample(content: bytes) -> Sample:
    return Sample(content[:HEAD_BYTES], content[-TAIL_BYTES:])


@pytest.mark.parametrize(
    ("mime", "content"),
    [
        ("application/pdf", PDF),
        ("application/zip", archive({"a": b"x"})),
        (f"{OFFICE}wordprocessingml.document", DOCX),
        ("audio/mpeg", b"ID3\x03" + bytes(100)),
        ("audio/mpeg", b"\xff\xfb\x90\x64" + bytes(400)),
        ("audio/ogg", b"OggS\x00\x02" + bytes(22) + b"OpusHead" + bytes(40)),
        ("audio/wav", sound()),
        ("audio/webm", WEBM),
        ("video/webm", WEBM),
        ("video/mp4", MP4),
        ("audio/mp4", b"\x00\x00\x00\x1cftypM4A \x00\x00\x00\x00M4A mp42isom"),
        ("video/quicktime", b"\x00\x00\x00\x14ftypqt  \x00\x00\x00\x00qt  " + bytes(40)),
        ("text/plain", "Grüße, 日本\n".encode() * 4000),
        ("text/csv", b"a,b\r\n1,2\r\n"),
        ("image/svg+xml", b'<svg xmlns="http://www.w3.org/2000/svg"/>'),
    ],
)
def test_a_file_is_what_it_says(mime: str, content: bytes) -> None:
    assert is_of_type(mime, sample(content))


@pytest.mark.parametrize(
    ("mime", "content"),
    [
        ("application/pdf", EXECUTABLE),
        ("application/pdf", b"GIF89a" + PDF),
        ("application/zip", EXECUTABLE + archive({"a": b"x"})),
        (f"{OFFICE}wordprocessingml.document", archive({"a": b"x"})),
        (f"{OFFICE}wordprocessingml.document", MACROS),
        ("video/mp4", PDF),
        ("audio/mpeg", picture()),
        ("text/plain", EXECUTABLE),
        ("text/plain", "ä".encode("latin-1") * 10),
        ("text/plain", b"  <!DOCTYPE html><script>alert(1)</script>"),
        ("text/csv", b"\xef\xbb\xbf<svg onload=alert(1)>"),
        ("text/plain", b"text, then\x00bytes"),
        ("application/x-unheard-of", b"whatever"),
    ],
)
def test_a_file_that_is_something_else_is_found_out(mime: str, content: bytes) -> None:
    assert not is_of_type(mime, sample(content))


def test_a_character_cut_by_the_sample_is_no_fault() -> None:
    text = "日".encode() * 100_000
    assert is_of_type("text/plain", Sample(text[:HEAD_BYTES], text[-TAIL_BYTES:]))


@pytest.mark.parametrize(
    ("given", "normal"),
    [("IMAGE/JPG", "image/jpeg"), ("audio/webm;codecs=opus", "audio/webm"), (" text/plain; charset=x ", "text/plain")],
)
def test_a_type_has_one_name(given: str, normal: str) -> None:
    assert normal_type(given) == normal


def test_what_could_run_is_never_shown_in_place() -> None:
    shown = {"image/png", "audio/mpeg", "video/mp4"}
    saved = {"image/svg+xml", "text/html", "application/pdf", "text/plain", "application/xhtml+xml", "text/javascript"}
    assert {mime for mime in shown | saved if shows_inline(mime)} == shown


@pytest.mark.parametrize(
    ("mime", "name", "announced"),
    [
        ("application/octet-stream", "Notes.MD", "text/markdown"),
        ("application/octet-stream", "talk.mp4", "video/mp4"),
        ("application/octet-stream", "talk.m4a", "audio/mp4"),
        ("application/octet-stream", "run.exe", "application/octet-stream"),
        ("application/octet-stream", "zip", "application/octet-stream"),
        ("application/octet-stream", "page.html", "application/octet-stream"),
        ("application/vnd.ms-excel", "run.csv", "text/csv"),
        ("application/vnd.ms-excel", "old.xls", "application/vnd.ms-excel"),
        ("text/html", "page.md", "text/html"),
        ("text/x-markdown", "notes.txt", "text/markdown"),
    ],
)
def test_a_name_says_the_type_only_where_nobody_else_does(mime: str, name: str, announced: str) -> None:
    assert announced_type(mime, name, UPLOAD_TYPES) == announced
