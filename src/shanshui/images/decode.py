"""From the content of a file to upright sRGB pixels, through Pillow (8 bits), `deep` (16 bits) or `exr` (light)."""

import io
import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import numpy as np
from PIL import Image, UnidentifiedImageError

from shanshui.errors import ImageError
from shanshui.images import deep, exr, metadata
from shanshui.images.orientation import turned
from shanshui.images.picture import (
    MAX_PIXELS,
    DamagedImageError,
    NotAnImageError,
    Picture,
    from_channels,
    require_decodable,
)
from shanshui.images.profiles import to_srgb

_FORMATS = ("JPEG", "PNG", "WEBP", "AVIF", "TIFF", "GIF", "BMP")
_ORIENTATION_TAG = 0x0112
_NO_COLOR_VALUES = ("I", "F")
_DAMAGED = "is damaged or cut short: replace it with an intact copy."
_QUIET_LOCK = threading.Lock()


def decode(content: bytes, most_pixels: int = MAX_PIXELS) -> Picture:
    """The first picture in the content of a JPEG, PNG, WebP, AVIF, TIFF, GIF, BMP or EXR file.

    Raises:
        NotAnImageError: none of these formats.
        DamagedImageError: broken or cut short.
        ImageError: too large, or of a kind that is not supported. The sentences of all three lack their subject.
    """
    try:
        if exr.is_exr(content):
            return exr.read(content, most_pixels)
        raw = deep.read_tiff(content, most_pixels)
        return _decode_with_pillow(content, most_pixels) if raw is None else _developed(raw)
    except ImageError:
        raise
    except Image.DecompressionBombError as error:
        raise ImageError("announces more pixels than can be decoded safely: make it smaller first.") from error
    except UnidentifiedImageError as error:
        if _has_known_signature(content):
            raise DamagedImageError(_DAMAGED) from error
        raise NotAnImageError("is not a picture: give a JPEG, PNG, WebP, AVIF, TIFF or EXR file.") from error
    except MemoryError as error:
        raise ImageError("needs more memory than there is: make it smaller first.") from error
    except Exception as error:  # decoders raise nearly anything when a file is damaged
        raise DamagedImageError(_DAMAGED) from error


def from_pillow(image: Image.Image) -> Picture:
    """A Pillow image of any mode as a picture: colour profile and EXIF orientation applied.

    Raises:
        ImageError: integer or floating-point values without a known white.
    """
    image.load()
    with _quiet():
        orientation = image.getexif().get(_ORIENTATION_TAG, 1)
        known = metadata.of_image(image)
    return _upright(replace(_picture_of_mode(image), metadata=known), orientation)


def _decode_with_pillow(content: bytes, most_pixels: int) -> Picture:
    with _quiet():
        opened = Image.open(io.BytesIO(content), formats=_FORMATS)
    with opened:
        require_decodable(opened.width, opened.height, most_pixels)
        if not deep.is_deep_png(content):
            picture = from_pillow(opened)
            exif = metadata.of_tiff(content) if opened.format == "TIFF" else picture.metadata.exif
            return replace(picture, metadata=replace(picture.metadata, exif=exif))
        with _quiet():
            orientation = opened.getexif().get(_ORIENTATION_TAG, 1)
            known = metadata.of_image(opened)
        channels = deep.read_png(content)
        return _developed(deep.Raw(channels, opened.info.get("icc_profile"), orientation, known))


def _developed(raw: deep.Raw) -> Picture:
    return _upright(replace(from_channels(deep.to_srgb(raw)), metadata=raw.metadata), raw.orientation)


def _picture_of_mode(image: Image.Image) -> Picture:
    profile = image.info.get("icc_profile")
    if image.mode.startswith("I;16"):
        return from_channels(np.asarray(image).astype(np.uint16))
    if image.mode in _NO_COLOR_VALUES:
        raise ImageError(f"holds values of the kind {image.mode!r} without a known white: save it as 8 or 16 bits.")
    if not image.has_transparency_data:
        return Picture(np.array(to_srgb(image, profile)))
    # Palettes, single transparent colours and premultiplied alpha all become plain RGBA first.
    straight = image if image.mode == "LA" else image.convert("RGBA")
    alpha = np.array(straight.getchannel("A"))
    return Picture(np.array(to_srgb(straight.convert("L" if straight.mode == "LA" else "RGB"), profile)), alpha)


def _has_known_signature(content: bytes) -> bool:
    """Whether one of the formats would claim content that begins like this."""
    accepts = (Image.OPEN[form][1] for form in _FORMATS)
    return any(accept is not None and accept(content[:16]) is True for accept in accepts)


def _upright(picture: Picture, orientation: Any) -> Picture:
    alpha = None if picture.alpha is None else np.ascontiguousarray(turned(picture.alpha, orientation))
    return replace(picture, pixels=np.ascontiguousarray(turned(picture.pixels, orientation)), alpha=alpha)


@contextmanager
def _quiet() -> Iterator[None]:
    """Hide what Pillow has to say about odd metadata; the lock is for headers only, pixels decode in parallel.

    Python keeps its warning filters in one list for all threads.
    """
    with _QUIET_LOCK, warnings.catch_warnings():
        warnings.filterwarnings("ignore", module=r"PIL\.")
        yield
