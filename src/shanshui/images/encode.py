"""From a picture to the content of a file: the formats that are written, and what each can hold."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, BinaryIO, TypeAlias

import numpy as np
from PIL import Image, PngImagePlugin

from shanshui.errors import ImageError
from shanshui.images import deep, exr, tiff
from shanshui.images.credentials import stamped
from shanshui.images.deep import XMP_KEYWORD, texts_of
from shanshui.images.metadata import Metadata
from shanshui.images.picture import MAX_PIXELS, Picture
from shanshui.images.pixels import to_eight_bits
from shanshui.images.profiles import from_srgb
from shanshui.images.provenance import sealed

_Options: TypeAlias = Mapping[str, Any]
_JPEG: _Options = {"quality": 95, "subsampling": "4:4:4", "optimize": True}
_PILLOW: Mapping[str, tuple[str, _Options]] = {
    ".jpg": ("JPEG", _JPEG),
    ".jpeg": ("JPEG", _JPEG),
    ".png": ("PNG", {}),
    ".webp": ("WEBP", {"quality": 92, "method": 4}),
    ".avif": ("AVIF", {"quality": 85, "subsampling": "4:4:4"}),
}
_OWN: Mapping[str, Callable[[BinaryIO, Picture], None]] = {".tif": tiff.write, ".tiff": tiff.write, ".exr": exr.write}
_OPAQUE = frozenset({".jpg", ".jpeg"})
_STREAMED = frozenset({".tif", ".tiff"})
"""Written without a copy of the whole."""

_EXIF_START = b"Exif\0\0"
_LARGEST_SEGMENT = 65_000
"""Bytes of EXIF or XMP that fit into a JPEG."""

SUFFIXES = frozenset(_PILLOW) | frozenset(_OWN)
"""Endings, in lower case, of what can be written."""


def encode(file: BinaryIO, suffix: str, picture: Picture) -> None:
    """Write `picture` in the format of `suffix`, one of `SUFFIXES`, with its colours in its own profile and its note.

    Raises:
        ImageError: the format cannot hold the size, or needs a package that is missing, or the picture cannot be
            signed; the sentence lacks its subject.
        OSError: the disk.
    """
    if picture.note is None:
        _write(file, suffix, picture)
        return
    told = replace(picture, metadata=stamped(picture.metadata, picture.note.credentials))
    with sealed(file, suffix, picture.note) as place:
        _write(place, suffix, told)


def _write(file: BinaryIO, suffix: str, picture: Picture) -> None:
    if suffix not in _STREAMED and picture.height * picture.width > MAX_PIXELS:
        raise ImageError(f"cannot hold {picture.width} x {picture.height} pixels: choose TIFF.")
    picture = _in_own_profile(picture) if suffix != ".exr" else picture
    if suffix in _OWN:
        _OWN[suffix](file, picture)
    elif suffix == ".png" and picture.pixels.dtype == np.uint16:
        deep.write_png(file, picture)
    else:
        _write_eight_bits(file, suffix, picture)


def _in_own_profile(picture: Picture) -> Picture:
    profile = picture.metadata.profile
    if profile is None:
        return picture
    pixels = from_srgb(picture.pixels, profile)
    if pixels is None:
        return replace(picture, metadata=replace(picture.metadata, profile=None))
    return replace(picture, pixels=pixels)


def _write_eight_bits(file: BinaryIO, suffix: str, picture: Picture) -> None:
    if suffix in _OPAQUE:
        channels = to_eight_bits(picture.over_white())
    elif picture.alpha is None:
        channels = to_eight_bits(picture.pixels)
    else:
        channels = to_eight_bits(np.dstack([picture.pixels, picture.alpha]))
    form, options = _PILLOW[suffix]
    known = _known(picture.metadata, form)
    try:
        Image.fromarray(np.ascontiguousarray(channels)).save(file, form, **options, **known)
    except (OSError, ValueError, RuntimeError) as error:
        if isinstance(error, OSError) and error.errno is not None:  # the disk, not the encoder
            raise
        raise ImageError(f"cannot hold {picture.width} x {picture.height} pixels: choose PNG or TIFF.") from error


def _known(known: Metadata, form: str) -> _Options:
    """Metadata as Pillow wants them; what is too long for a JPEG is left out."""
    limit = _LARGEST_SEGMENT if form == "JPEG" else None
    exif = _EXIF_START + known.exif if known.exif is not None and form == "JPEG" else known.exif
    blocks: dict[str, Any] = {
        name: block
        for name, block in (("exif", exif), ("xmp", known.xmp))
        if block is not None and (limit is None or len(block) <= limit)
    }
    if known.dpi is not None:
        blocks["dpi"] = known.dpi
    if form == "PNG" and known.xmp is not None:
        chunks = PngImagePlugin.PngInfo()
        chunks.add(b"iTXt", XMP_KEYWORD + known.xmp)
        for kind, body in texts_of(known):
            chunks.add(kind, body)
        blocks["pnginfo"] = chunks
    return {"icc_profile": known.profile, **blocks}
