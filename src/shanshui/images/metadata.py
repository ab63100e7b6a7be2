"""What a picture file says beside its pixels: colour profile, EXIF, XMP, print resolution."""

import re
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from PIL import Image

_ORIENTATION, _EXIF_FOLDER, _GPS_FOLDER = 0x0112, 0x8769, 0x8825
_STORED_WIDTH, _STORED_HEIGHT = 0xA002, 0xA003
_TURNED_BY_A_QUARTER = (5, 6, 7, 8)
_SHORT, _LONG = 3, 4
_ENTRY_BYTES = 12
_EXIF_PREFIX = b"Exif\0\0"

# Of a TIFF file's own tags those that describe the picture; the rest say where its pixels lie.
_DESCRIPTIVE = (270, 271, 272, _ORIENTATION, 305, 306, 315, 33432)

_XMP_ORIENTATION = re.compile(rb"""(tiff:Orientation(?:\s*=\s*["']|>\s*))[2-8]""")


@dataclass(frozen=True, kw_only=True)
class Metadata:
    """What goes from a photo to its painting; always that of an upright picture.

    Attributes:
        profile: ICC profile of the file, of an RGB colour space: pixels in memory are sRGB, and are converted to this
            profile again when they are written. None means sRGB.
        exif: a TIFF structure that begins with II or MM, with orientation 1 and without thumbnail.
        xmp: a packet, UTF-8; panoramas say in it how they lie on the sphere (GPano).
        dpi: pixels an inch in x and y.
    """

    profile: bytes | None = None
    exif: bytes | None = None
    xmp: bytes | None = None
    dpi: tuple[float, float] | None = None


NONE = Metadata()
"""Nothing is known."""


def of_image(image: Image.Image) -> Metadata:
    """That of an opened Pillow image, but for a TIFF file's own tags (see `of_tiff`)."""
    known = image.info
    return gathered(
        profile=known.get("icc_profile"), exif=known.get("exif"), xmp=known.get("xmp"), dpi=known.get("dpi")
    )


def gathered(*, profile: Any, exif: Any, xmp: Any, dpi: Any) -> Metadata:
    """What is sound of what a file holds, made true of the upright picture."""
    return Metadata(
        profile=profile if is_rgb(profile) else None,
        exif=upright_exif(exif),
        xmp=upright_xmp(xmp),
        dpi=_resolution(dpi),
    )


def is_rgb(profile: Any) -> bool:
    """Whether an ICC profile (ICC.1:2010, 7.2) describes RGB, as all pictures in memory are."""
    return isinstance(profile, bytes) and profile[16:20] == b"RGB " and profile[36:40] == b"acsp"


def upright_exif(exif: Any) -> bytes | None:
    """EXIF that says of a turned picture what is true of the upright one; None when it cannot be read.

    Orientation becomes 1, stored width and height change places where the picture was turned by a quarter, and the
    link to the thumbnail, which shows the picture as it was, is cut. All else stays at its place, byte for byte: maker
    notes hold addresses.
    """
    if not isinstance(exif, bytes):
        return None
    block = bytearray(exif.removeprefix(_EXIF_PREFIX))
    try:
        order = {b"II*\0": "<", b"MM\0*": ">"}[bytes(block[:4])]
        first = _number(block, order + "I", 4)
        _turn(block, order, first)
    except (KeyError, struct.error):
        return None
    return bytes(block)


def upright_xmp(xmp: Any) -> bytes | None:
    """The packet with its orientation, if it has one, set to 1."""
    return _XMP_ORIENTATION.sub(rb"\g<1>1", xmp) if isinstance(xmp, bytes) else None


def of_tiff(content: bytes) -> bytes | None:
    """What the first page of a TIFF file says about the picture, as EXIF of an upright picture."""
    source = Image.Exif()
    try:
        source.load(content)
    except Exception:  # noqa: BLE001 - as in `of_tiff_tags`
        return None
    return of_tiff_tags(source)


def of_tiff_tags(source: Image.Exif) -> bytes | None:
    """The same of a file's tags."""
    kept = Image.Exif()
    try:
        for tag in _DESCRIPTIVE:
            if tag in source:
                kept[tag] = source[tag]
        for folder in (_EXIF_FOLDER, _GPS_FOLDER):
            if entries := source.get_ifd(folder):
                kept.get_ifd(folder).update(entries)
        return upright_exif(kept.tobytes()) if kept or any(map(kept.get_ifd, (_EXIF_FOLDER, _GPS_FOLDER))) else None
    except Exception:  # noqa: BLE001 - metadata raise nearly anything when they are damaged, and pixels count more
        return None


def _turn(block: bytearray, order: str, first: int) -> None:
    entries = dict(_entries(block, order, first))
    if (place := entries.get(_ORIENTATION)) is not None:
        if _value(block, order, place) in _TURNED_BY_A_QUARTER and (pointer := entries.get(_EXIF_FOLDER)) is not None:
            _swap_sides(block, order, _number(block, order + "I", pointer + 8))
        struct.pack_into(order + "HI", block, place + 2, _SHORT, 1)
        struct.pack_into(order + "HH", block, place + 8, 1, 0)
    count = _number(block, order + "H", first)
    link = first + 2 + _ENTRY_BYTES * count
    if link + 4 <= len(block):
        struct.pack_into(order + "I", block, link, 0)


def _swap_sides(block: bytearray, order: str, folder: int) -> None:
    entries = dict(_entries(block, order, folder))
    if _STORED_WIDTH in entries and _STORED_HEIGHT in entries:
        across, down = (slice(entries[tag] + 2, entries[tag] + 12) for tag in (_STORED_WIDTH, _STORED_HEIGHT))
        block[across], block[down] = block[down], block[across]


def _entries(block: bytearray, order: str, folder: int) -> Iterator[tuple[int, int]]:
    """Tags of an image file directory (TIFF 6.0, section 2), and where their entries begin."""
    for index in range(_number(block, order + "H", folder)):
        place = folder + 2 + _ENTRY_BYTES * index
        if place + _ENTRY_BYTES > len(block):
            return
        yield _number(block, order + "H", place), place


def _value(block: bytearray, order: str, place: int) -> int:
    return _number(block, order + ("I" if _number(block, order + "H", place + 2) == _LONG else "H"), place + 8)


def _number(block: bytearray, form: str, place: int) -> int:
    return int(struct.unpack_from(form, block, place)[0])


def _resolution(dpi: Any) -> tuple[float, float] | None:
    try:
        across, down = (float(number) for number in dpi)
    except (TypeError, ValueError, ZeroDivisionError):
        return None
    return (across, down) if 0 < across < 1e5 and 0 < down < 1e5 else None
