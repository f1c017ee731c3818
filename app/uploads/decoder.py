"""The program that decodes a picture and writes it anew: what is kept has no metadata, no stowaways and an upright top.

Started by `pictures.py` for one picture, by its path and isolated (`python -I`): it imports Pillow and nothing of the
application, and has none of its secrets, sockets or memory. What a hostile picture can take is bounded twice: by its header
before anything is decoded, and by the kernel whatever the header says. Its outcome is JSON on standard output: `{"width",
"height"}` as shown, or `{"refused"}`, which is `broken` (or of another type), `too large` or `disk` (that it cannot use).
"""

from __future__ import annotations

import json
import os
import resource
import struct
import sys
import warnings
import zlib
from contextlib import suppress
from typing import Any

import PIL.WebPImagePlugin  # noqa: F401 - else Pillow imports all its forty formats to find it
from PIL import Image, ImageOps, ImageSequence

THUMBNAIL_SIDE = 480
THUMBNAIL_QUALITY = 80
JPEG_QUALITY = 92
WEBP_QUALITY = 90
WEBP_SHARE = 0.4  # its library takes 26 bytes for a pixel where the others take 12
OPEN_FILES = 65_536
_UPRIGHT = 1
_ORIENTATION = 0x0112
_KEPT_INFO = ("transparency", "background", "loop", "duration", "disposal", "blend")
_BROKEN = (
    SyntaxError,
    ValueError,
    EOFError,
    LookupError,
    TypeError,
    ArithmeticError,
    RuntimeError,
    struct.error,
    zlib.error,
)


class TooLargeError(Exception):
    """More pixels than are taken."""


def rewrite(source: str, kind: str, target: str, thumbnail: str, max_pixels: int) -> tuple[int, int]:
    """Decode `source`, which must be of Pillow's format `kind`, and write it and its thumbnail; width and height as shown.

    `max_pixels` counts those of all frames; a frame of WebP may have `WEBP_SHARE` of them. No copy is kept that is not needed
    any more: 40 million pixels take 160 MB each time.
    """
    max_size = int(max_pixels * WEBP_SHARE) if kind == "WEBP" else max_pixels
    Image.MAX_IMAGE_PIXELS = max_size // 2  # Pillow refuses from twice of it, and WebP before it allocates anything
    warnings.simplefilter("ignore", Image.DecompressionBombWarning)
    with Image.open(source, formats=[kind]) as image:
        size = image.width * image.height
        if size > max_size:
            raise TooLargeError
        frames = 1 if kind == "JPEG" else getattr(image, "n_frames", 1)
        if size * frames > max_pixels:
            raise TooLargeError
        upright = _write_frames(image, kind, target) if frames > 1 else _write(image, kind, target)
        shown = upright.size
        _write_thumbnail(upright, thumbnail)
    return shown


def _write(image: Image.Image, kind: str, target: str) -> Image.Image:
    options = _options(image, kind)
    is_upright = image.getexif().get(_ORIENTATION, _UPRIGHT) == _UPRIGHT
    if kind == "JPEG":
        # An upright one keeps its coefficients' tables, so that nothing is lost by writing it again.
        options["quality"] = "keep" if is_upright and image.format == "JPEG" else JPEG_QUALITY
    ImageOps.exif_transpose(image, in_place=True)
    _bare(image).save(target, kind, **options)
    return image


def _write_frames(image: Image.Image, kind: str, target: str) -> Image.Image:
    frames = [_bare(frame.copy()) for frame in ImageSequence.Iterator(image)]
    options = _options(image, kind) | {"save_all": True, "append_images": frames[1:], "loop": image.info.get("loop", 0)}
    if "duration" in frames[0].info:
        options["duration"] = [frame.info.get("duration", 0) for frame in frames]
    frames[0].save(target, kind, **options)
    return frames[0]


def _options(image: Image.Image, kind: str) -> dict[str, Any]:
    options = {"icc_profile": image.info.get("icc_profile")}  # without it colours would change
    return options | {"quality": WEBP_QUALITY} if kind == "WEBP" else options


def _write_thumbnail(image: Image.Image, target: str) -> None:
    """Of `image`, which is used up."""
    mode = "RGBA" if image.has_transparency_data else "RGB"
    if image.mode != mode:
        image = image.convert(mode)
    image.thumbnail((THUMBNAIL_SIDE, THUMBNAIL_SIDE))
    image.info = {}
    image.save(target, "WEBP", quality=THUMBNAIL_QUALITY)


def _bare(image: Image.Image) -> Image.Image:
    """`image` without whatever else its file said: position, camera, comments, embedded files."""
    image.info = {name: value for name, value in image.info.items() if name in _KEPT_INFO}
    return image


def _limit(kind: int, most: int) -> None:
    with suppress(ValueError, OSError):  # macOS has no limit of memory
        resource.setrlimit(kind, (most, most + 1))


def main() -> None:
    """Arguments: source, kind, target, thumbnail, the most pixels, bytes of memory, and seconds of processor time."""
    source, kind, target, thumbnail, *numbers = sys.argv[1:]
    max_pixels, memory_bytes, cpu_s = map(int, numbers)
    os.closerange(3, OPEN_FILES)  # whatever somebody in the worker left open to programs it starts
    _limit(resource.RLIMIT_AS, memory_bytes)
    _limit(resource.RLIMIT_CPU, cpu_s)
    _limit(resource.RLIMIT_CORE, 0)
    json.dump(_outcome(source, kind, target, thumbnail, max_pixels), sys.stdout)


def _outcome(source: str, kind: str, target: str, thumbnail: str, max_pixels: int) -> dict[str, Any]:
    try:
        width, height = rewrite(source, kind, target, thumbnail, max_pixels)
    except (TooLargeError, Image.DecompressionBombError, MemoryError):
        return {"refused": "too large"}
    except OSError as why:  # Pillow's own have no number
        return {"refused": "disk" if why.errno else "broken"}
    except _BROKEN:
        return {"refused": "broken"}
    return {"width": width, "height": height}


if __name__ == "__main__":
    main()
