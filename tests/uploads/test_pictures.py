"""Pictures written anew: app/uploads/pictures.py."""

from __future__ import annotations

import gc
import io
import os
import struct
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import gevent
import pytest
from PIL import Image

from app.core.errors import AppError
from app.uploads import pictures
from app.uploads.pictures import Limits, Picture, rewrite_picture
from tests.support.waiting import eventually
from tests.uploads.support import picture, pixel_bomb

MAX_PIXELS = Limits().pixels
MB = 1_000_000


@pytest.fixture(autouse=True)
def on_a_busy_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pictures, "TIMEOUT_S", 300.0)


def rewrite(tmp_path: Path, content: bytes, mime: str) -> tuple[Picture, bytes, Image.Image]:
    (tmp_path / "source").write_bytes(content)
    done = rewrite_picture(tmp_path / "source", mime, tmp_path / "target", tmp_path / "thumbnail")
    return done, (tmp_path / "target").read_bytes(), Image.open(io.BytesIO((tmp_path / "thumbnail").read_bytes()))


def status(name: str, pid: int | str = "self") -> int:
    """A line of memory in the kernel's word on a process, in bytes."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return 1024 * next(int(line.split()[1]) for line in lines if line.startswith(name))


def decoders() -> list[str]:
    """The ids of the decoders that run for this process."""
    children = " ".join(each.read_text() for each in Path("/proc/self/task").glob("*/children")).split()
    return [pid for pid in children if b"decoder.py" in Path(f"/proc/{pid}/cmdline").read_bytes()]


@contextmanager
def decoding(tmp_path: Path, content: bytes, mime: str, limits: Limits) -> Iterator[str]:
    """The id of a decoder at work."""
    (tmp_path / "source").write_bytes(content)
    paths = (tmp_path / "source", mime, tmp_path / "target", tmp_path / "thumbnail")
    work = gevent.spawn(rewrite_picture, *paths, limits)
    eventually(decoders)
    yield decoders()[0]
    work.get()


def exif(orientation: int = 1) -> Image.Exif:
    tags = Image.Exif()
    tags[0x0112] = orientation
    tags[0x010F] = "SECRET-CAMERA"
    tags.get_ifd(0x8825)[1] = "N"
    return tags


def chunk(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))


def claimed(width: int, height: int) -> bytes:
    """A PNG of some hundred bytes that says it is of this size."""
    header = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + header + chunk(b"IDAT", zlib.compress(bytes(1000))) + chunk(b"IEND", b"")


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
def test_where_and_with_what_it_was_taken_is_gone(tmp_path: Path, kind: str) -> None:
    content = picture(kind, exif=exif())
    assert b"SECRET" in content
    done, kept, _ = rewrite(tmp_path, content, f"image/{kind.lower()}")
    assert b"SECRET" not in kept
    with Image.open(io.BytesIO(kept)) as image:
        assert not image.getexif()
        assert image.format == kind
    assert done.bytes == len(kept)


def test_comments_are_gone(tmp_path: Path) -> None:
    for kind in ("JPEG", "GIF"):
        _, kept, _ = rewrite(tmp_path, picture(kind, comment=b"SECRET"), f"image/{kind.lower()}")
        assert b"SECRET" not in kept


def test_a_picture_taken_sideways_stands_upright(tmp_path: Path) -> None:
    done, kept, thumbnail = rewrite(tmp_path, picture("JPEG", (60, 20), exif=exif(6)), "image/jpeg")
    assert (done.width, done.height) == (20, 60)
    assert Image.open(io.BytesIO(kept)).size == (20, 60)
    assert thumbnail.size == (20, 60)


def test_an_upright_photo_loses_nothing(tmp_path: Path) -> None:
    content = picture("JPEG", quality=71)
    _, kept, _ = rewrite(tmp_path, content, "image/jpeg")
    before, after = (Image.open(io.BytesIO(each)) for each in (content, kept))
    assert before.quantization == after.quantization


def test_a_thumbnail_fits_and_keeps_the_shape(tmp_path: Path) -> None:
    done, _, thumbnail = rewrite(tmp_path, picture("PNG", (2000, 500)), "image/png")
    assert (done.width, done.height) == (2000, 500)
    assert thumbnail.size == (480, 120)
    assert thumbnail.format == "WEBP"


@pytest.mark.parametrize("kind", ["GIF", "WEBP", "PNG"])
def test_what_moves_goes_on_moving(tmp_path: Path, kind: str) -> None:
    frames = [Image.new("RGB", (20, 20), (number * 80, 0, 0)) for number in range(3)]
    out = io.BytesIO()
    frames[0].save(out, kind, save_all=True, append_images=frames[1:], duration=[100, 200, 300], loop=0)
    done, kept, thumbnail = rewrite(tmp_path, out.getvalue(), f"image/{kind.lower()}")
    with Image.open(io.BytesIO(kept)) as image:
        assert image.n_frames == 3
    assert (done.width, done.height) == (20, 20)
    assert thumbnail.size == (20, 20)


def test_a_stowaway_behind_the_picture_is_left_behind(tmp_path: Path) -> None:
    for kind in ("PNG", "JPEG", "GIF", "WEBP"):
        polyglot = picture(kind) + b"MZ\x90\x00PK\x03\x04<script>alert(1)</script>"
        _, kept, _ = rewrite(tmp_path, polyglot, f"image/{kind.lower()}")
        assert b"script" not in kept


@pytest.mark.parametrize(
    "content",
    [b"\x89PNG\r\n\x1a\nMZ\x90\x00" + bytes(500), picture("JPEG"), b"<svg/>", picture()[:60], b"x"],
    ids=["executable", "another picture", "svg", "cut off", "a byte"],
)
def test_what_is_no_such_picture_is_refused(tmp_path: Path, content: bytes) -> None:
    with pytest.raises(AppError) as why:
        rewrite(tmp_path, content, "image/png")
    assert why.value.code == "file_type_not_allowed"


@pytest.mark.parametrize("size", [(60_000, 60_000), (MAX_PIXELS // 1000 + 1, 1000)], ids=["huge", "a little too large"])
def test_a_pixel_bomb_is_refused_by_its_header(tmp_path: Path, size: tuple[int, int]) -> None:
    with pytest.raises(AppError) as why:
        rewrite(tmp_path, claimed(*size), "image/png")
    assert why.value.code == "file_too_large"


def test_a_bomb_of_34_bytes_is_refused_by_its_header(tmp_path: Path) -> None:
    for side in (6300, 16_383):
        with pytest.raises(AppError) as why:
            rewrite(tmp_path, pixel_bomb(side, side), "image/webp")
        assert why.value.code == "file_too_large"


def test_the_largest_pictures_are_taken(tmp_path: Path) -> None:
    """Within the usual limit of memory: in the format, and with the transparency, that take most of it."""
    side = int((MAX_PIXELS * 0.4) ** 0.5)
    done, _, _ = rewrite(tmp_path, pixel_bomb(side, side), "image/webp")
    assert done.width == side
    out = io.BytesIO()
    Image.new("RGBA", (8000, MAX_PIXELS // 8000), (1, 2, 3, 4)).save(out, "PNG", exif=exif(6))
    done, _, thumbnail = rewrite(tmp_path, out.getvalue(), "image/png")
    assert done.height == 8000
    assert thumbnail.mode == "RGBA"


def test_pictures_cost_the_worker_no_memory(tmp_path: Path) -> None:
    for number in range(2):
        (tmp_path / f"{number}.webp").write_bytes(pixel_bomb(4000, 4000))
    gc.collect()
    Path("/proc/self/clear_refs").write_text("5")  # the peak is from here on
    before = status("VmRSS")
    paths = [[tmp_path / f"{number}.{kind}" for kind in ("webp", "target", "thumbnail")] for number in range(2)]
    work = [gevent.spawn(rewrite_picture, source, "image/webp", *targets) for source, *targets in paths]
    eventually(lambda: sum(status("VmRSS", pid) for pid in decoders()) > 100 * MB or all(work))
    gevent.joinall(work, raise_error=True)
    assert status("VmHWM") - before < 60 * MB  # one of them has 64 MB of pixels, several times


def test_the_kernel_holds_a_decoder_to_its_memory_whatever_the_header_says(tmp_path: Path) -> None:
    (tmp_path / "source").write_bytes(picture("PNG", (6000, 5000)))
    targets = (tmp_path / "target", tmp_path / "thumbnail")
    with pytest.raises(AppError) as why:
        rewrite_picture(tmp_path / "source", "image/png", *targets, Limits(memory_bytes=100 * MB))
    assert why.value.code == "file_too_large"


def test_and_to_its_processor_time(tmp_path: Path) -> None:
    (tmp_path / "source").write_bytes(pixel_bomb(5000, 5000))
    targets = (tmp_path / "target", tmp_path / "thumbnail")
    with pytest.raises(AppError) as why:
        rewrite_picture(tmp_path / "source", "image/webp", *targets, Limits(10**8, 4000 * MB, cpu_ms=1))
    assert why.value.code == "file_too_large"


def test_a_decoder_has_none_of_the_workers_secrets_and_files(tmp_path: Path) -> None:
    reading, writing = os.pipe()
    os.set_inheritable(writing, True)
    environment = b""
    with decoding(tmp_path, pixel_bomb(3000, 3000), "image/webp", Limits()) as pid:
        eventually(lambda: not Path(f"/proc/{pid}/fd/{writing}").exists())
        environment = Path(f"/proc/{pid}/environ").read_bytes()
    assert environment == b""
    os.close(writing)
    os.close(reading)


def test_a_decoder_that_takes_too_long_is_gone_before_somebody_else_is_next(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pictures, "TIMEOUT_S", 0.01)
    with pytest.raises(AppError) as why:
        rewrite(tmp_path, pixel_bomb(4000, 4000), "image/webp")
    assert (why.value.code, why.value.retryable) == ("rate_limited", True)
    assert not decoders()


def test_a_disk_that_is_full_is_not_the_pictures_fault(tmp_path: Path) -> None:
    (tmp_path / "source").write_bytes(picture())
    with pytest.raises(AppError) as why:
        rewrite_picture(tmp_path / "source", "image/png", Path("/dev/full"), tmp_path / "thumbnail")
    assert why.value.code == "storage_unavailable"


def test_a_bomb_of_many_frames_is_refused(tmp_path: Path) -> None:
    frames = [Image.new("P", (2000, 2000), number) for number in range(11)]
    out = io.BytesIO()
    frames[0].save(out, "GIF", save_all=True, append_images=frames[1:])
    with pytest.raises(AppError) as why:
        rewrite(tmp_path, out.getvalue(), "image/gif")
    assert why.value.code == "file_too_large"
