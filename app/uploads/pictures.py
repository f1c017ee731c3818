"""Pictures, decoded and written anew: what is kept has no metadata, no stowaways and an upright top.

Runs in threads (`offload`). Dimensions are read from the header and judged before anything is decoded, and only so many
pictures are decoded at a time: a picture of the largest size takes some 200 MB while it is.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from PIL import Image, ImageOps, ImageSequence

from app.core.errors import AppError
from app.uploads.content import PICTURES

MAX_PIXELS = 40_000_000
THUMBNAIL_SIDE = 480
THUMBNAIL_MIME = "image/webp"
THUMBNAIL_QUALITY = 80
JPEG_QUALITY = 92
WEBP_QUALITY = 90
_UPRIGHT = 1
_ORIENTATION = 0x0112
_KEPT_INFO = ("transparency", "background", "loop", "duration", "disposal", "blend")

Image.MAX_IMAGE_PIXELS = MAX_PIXELS  # Pillow's own guard, for what looks at a header before we do


@dataclass(frozen=True, slots=True)
class Picture:
    """A picture as it is kept; `width` and `height` are as shown."""

    width: int
    height: int
    bytes: int
    checksum: str


def rewrite_picture(source: Path, mime: str, target: Path, thumbnail: Path) -> Picture:
    """Decode `source`, which must be of type `mime`, and write it and its thumbnail.

    Raises:
        AppError: `file_type_not_allowed` when it is not such a picture, `file_too_large` when it has too many pixels.
    """
    try:
        with Image.open(source, formats=[PICTURES[mime]]) as image:
            _refuse_bomb(image, mime)
            size = _write(image, mime, target)
            _write_thumbnail(image, thumbnail)
    except (Image.DecompressionBombError, Image.DecompressionBombWarning):
        raise _too_many_pixels() from None
    except (OSError, SyntaxError, ValueError, EOFError, IndexError, KeyError, TypeError) as why:
        raise AppError("file_type_not_allowed", "The picture is broken, or of another type than its name.") from why
    with target.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    return Picture(*size, target.stat().st_size, f"sha256:{digest}")


def _refuse_bomb(image: Image.Image, mime: str) -> None:
    frames = 1 if mime == "image/jpeg" else getattr(image, "n_frames", 1)
    if image.width * image.height * frames > MAX_PIXELS:
        raise _too_many_pixels()


def _too_many_pixels() -> AppError:
    return AppError("file_too_large", f"A picture may have at most {MAX_PIXELS // 1_000_000} million pixels.")


def _write(image: Image.Image, mime: str, target: Path) -> tuple[int, int]:
    options: dict[str, Any] = {"icc_profile": image.info.get("icc_profile")}  # without it colours would change
    if mime == "image/jpeg":
        return _write_jpeg(image, target, options)
    if mime == "image/webp":
        options["quality"] = WEBP_QUALITY
    if getattr(image, "n_frames", 1) > 1:
        frames = [_bare(frame.copy()) for frame in ImageSequence.Iterator(image)]
        options |= {"save_all": True, "append_images": frames[1:], "loop": image.info.get("loop", 0)}
        if "duration" in frames[0].info:
            options["duration"] = [frame.info.get("duration", 0) for frame in frames]
        frames[0].save(target, PICTURES[mime], **options)
        return frames[0].size
    upright = _bare(ImageOps.exif_transpose(image))
    upright.save(target, PICTURES[mime], **options)
    return upright.size


def _write_jpeg(image: Image.Image, target: Path, options: dict[str, Any]) -> tuple[int, int]:
    """An upright JPEG keeps its coefficients' tables, so that nothing is lost by writing it again."""
    if image.getexif().get(_ORIENTATION, _UPRIGHT) == _UPRIGHT and image.format == "JPEG":
        image.load()
        _bare(image).save(target, "JPEG", quality="keep", **options)
        return image.size
    upright = _bare(ImageOps.exif_transpose(image))
    upright.save(target, "JPEG", quality=JPEG_QUALITY, **options)
    return upright.size


def _write_thumbnail(image: Image.Image, target: Path) -> None:
    image.seek(0)
    small = ImageOps.exif_transpose(image)
    small = small.convert("RGBA" if small.has_transparency_data else "RGB")
    small.thumbnail((THUMBNAIL_SIDE, THUMBNAIL_SIDE))
    small.info = {}
    small.save(target, "WEBP", quality=THUMBNAIL_QUALITY)


def _bare(image: Image.Image) -> Image.Image:
    """`image` without whatever else its file said: position, camera, comments, embedded files."""
    image.info = {name: value for name, value in image.info.items() if name in _KEPT_INFO}
    return image
