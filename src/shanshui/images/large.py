"""TIFF files with more pixels than are held in memory: decoded part by part into temporary files."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import numpy as np
import tifffile
from numpy.typing import NDArray
from PIL import ExifTags, Image, TiffImagePlugin

from shanshui.errors import ImageError, ShanshuiError
from shanshui.images import deep, metadata, profiles
from shanshui.images.mapped import blank
from shanshui.images.metadata import Metadata
from shanshui.images.orientation import turned, unturned
from shanshui.images.picture import MAX_PIXELS, DamagedImageError, Picture, require_decodable
from shanshui.images.pixels import Pixels

LARGEST = 4_000_000_000
"""Pixels of the largest TIFF file that is read: 5.3 m square at 300 dpi."""

_ROWS = 256
_LARGEST_PART = 50_000_000
"""Pixels of the largest strip or tile."""

_BITS = {np.dtype(np.uint8): 8, np.dtype(np.uint16): 16}
_KIND = (
    "is too large to be decoded whole, and of a kind that is not decoded in parts: save it as grey or RGB TIFF of 8 or "
    "16 bits, in strips or tiles."
)


def read_large(path: Path) -> Picture | None:
    """The first page of a TIFF file beyond `MAX_PIXELS`, upright and in sRGB as from `decode`; None for all else.

    Raises:
        ImageError: damaged, beyond `LARGEST`, or of a kind that cannot be read part by part. The sentence lacks its
            subject.
        StorageError: the disk has no room for the temporary files.
    """
    try:
        with tifffile.TiffFile(path) as file:
            page = file.pages.first
            if page.imagewidth * page.imagelength <= MAX_PIXELS:
                return None
            require_decodable(page.imagewidth, page.imagelength, LARGEST)
            return _decoded(page, path)
    except ShanshuiError:
        raise
    except (OSError, tifffile.TiffFileError):  # missing or something else: for whoever reads all kinds to say
        return None
    except Exception as error:  # decoders raise nearly anything when a file is damaged
        raise DamagedImageError("is damaged or cut short: replace it with an intact copy.") from error


def _decoded(page: Any, path: Path) -> Picture:
    raw = _channels(page)
    known, orientation, profile = _described(path)
    height, width, count = raw.shape
    flipped = turned(np.empty((height, width)), orientation).shape != (height, width)
    size = (width, height) if flipped else (height, width)
    pixels = blank((*size, 3), raw.dtype)
    alpha = blank(size, raw.dtype) if count in (2, 4) else None
    colors, cover = unturned(pixels, orientation), None if alpha is None else unturned(alpha, orientation)
    inverted = page.photometric == tifffile.PHOTOMETRIC.MINISWHITE
    multiplied = tifffile.EXTRASAMPLE.ASSOCALPHA in page.extrasamples
    for first in range(0, height, _ROWS):
        rows = slice(first, first + _ROWS)
        strip = np.array(raw[rows])
        if inverted:
            strip[:, :, 0] = np.iinfo(raw.dtype).max - strip[:, :, 0]
        if multiplied:
            strip = deep.straight(strip)
        shown = strip if cover is None else strip[:, :, :-1]
        colors[rows] = _srgb(shown, profile)
        if cover is not None:
            cover[rows] = strip[:, :, -1]
    return Picture(pixels, alpha, known)


def _channels(page: Any) -> Pixels:
    """All samples of the page, (H, W, 1 to 4): grey or RGB, perhaps with transparency."""
    kinds = tifffile.PHOTOMETRIC
    as_rgb = page.photometric == kinds.YCBCR and page.compression == tifffile.COMPRESSION.JPEG
    if not (as_rgb or page.photometric in (kinds.MINISBLACK, kinds.MINISWHITE, kinds.RGB)):
        raise ImageError(_KIND)
    if _BITS.get(page.dtype) != page.bitspersample or page.chunks[0] * page.chunks[1] > _LARGEST_PART:
        raise ImageError(_KIND)
    count = min(page.samplesperpixel, 4)
    channels = blank((page.imagelength, page.imagewidth, count), page.dtype)
    for segment, (plane, _, top, left, _), (_, height, width, samples) in _segments(page):
        if plane < count:
            first = min(plane, count - 1)
            place = channels[top : top + height, left : left + width, first : first + samples]
            place[:] = segment[0][: place.shape[0], : place.shape[1], : place.shape[2]]  # tiles stand out at the rim
    return channels


def _segments(page: Any) -> Iterator[tuple[NDArray[Any], tuple[int, ...], tuple[int, ...]]]:
    """Strips or tiles, decoded one by one: values (depth, rows, columns, samples), where they begin, their shape."""
    for segment, index, shape in page.segments(maxworkers=1):
        if segment is None:
            raise DamagedImageError("is cut short: replace it with an intact copy.")
        yield segment, index, shape


def _described(path: Path) -> tuple[Metadata, int, bytes | None]:
    """What else the file says, how its picture is to be turned, and its profile, whatever that describes."""
    with path.open("rb") as file, TiffImagePlugin.TiffImageFile(file) as opened:
        known, exif = metadata.of_image(opened), opened.getexif()
        orientation = int(exif.get(ExifTags.Base.Orientation, 1))
        return replace(known, exif=metadata.of_tiff_tags(exif)), orientation, opened.info.get("icc_profile")


def _srgb(colors: Pixels, profile: bytes | None) -> Pixels:
    """(H, W, 1 or 3) as (H, W, 3)."""
    if colors.dtype == np.uint16:
        raw = deep.Raw(cast(NDArray[np.uint16], colors), profile, 1)
        converted: Pixels = deep.to_srgb(raw)
        return np.broadcast_to(converted, (*converted.shape[:2], 3))
    image = Image.fromarray(colors[:, :, 0] if colors.shape[2] == 1 else np.ascontiguousarray(colors))
    return np.asarray(profiles.to_srgb(image, profile))
