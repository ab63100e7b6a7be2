"""Writing TIFF strip by strip, with its metadata: no copy of the pixels is made, and above 4 GB it is a BigTIFF."""

import struct
from collections.abc import Iterator
from typing import Any, BinaryIO

import imagecodecs
import numpy as np
import tifffile
from numpy.typing import NDArray
from PIL import Image, TiffImagePlugin

from shanshui.images.metadata import Metadata
from shanshui.images.picture import Picture

_STRIP_ROWS = 64
_LEVEL = 3  # of 9: half the time of the usual 6, files 3 percent larger
_ASCII, _LONG, _BYTE = 2, 4, 1
_TEXTS = (271, 272, 315, 33432)  # make, model, artist, copyright; three more have parameters of their own
_DESCRIPTION, _SOFTWARE, _DATE = 270, 305, 306
_XMP = 700
_FOLDERS = {0x8769: 0x8768, 0x8825: 0x8824}
"""EXIF and GPS, which tifffile does not write, and the tags that keep a place for them: nothing sorts between."""

_NESTED = (0xA005,)  # another folder inside EXIF, of no use outside the camera's own file
_LARGEST_CLASSIC = 2**32 - 2**25  # as tifffile decides it


def write(file: BinaryIO, picture: Picture) -> None:
    """A TIFF of 8 or 16 bits, losslessly compressed, with transparency and metadata.

    Args:
        file: readable as well; below 4 GB the folders of EXIF are put behind the pixels.
        picture: any.
    """
    channels = 3 if picture.alpha is None else 4
    known = picture.metadata
    size = picture.height * picture.width * channels * picture.pixels.itemsize
    exif = Image.Exif()
    exif.load(known.exif or b"")
    folders = {} if size > _LARGEST_CLASSIC else {tag: entries for tag in _FOLDERS if (entries := exif.get_ifd(tag))}
    tifffile.imwrite(
        file,
        _strips(picture),
        shape=(picture.height, picture.width, channels),
        dtype=picture.pixels.dtype,
        byteorder="<",
        photometric="rgb",
        extrasamples=[] if picture.alpha is None else ["unassalpha"],
        rowsperstrip=_STRIP_ROWS,
        compression="adobe_deflate",
        predictor=True,
        iccprofile=known.profile,
        resolution=known.dpi,
        resolutionunit=None if known.dpi is None else "INCH",
        description=_text(exif.get(_DESCRIPTION)),
        software=_text(exif.get(_SOFTWARE)) or False,
        datetime=None,
        metadata=None,
        extratags=_tags(exif, known, folders),
    )
    if folders:
        _append(file, folders)


def _strips(picture: Picture) -> Iterator[bytes]:
    """Rows compressed, each pixel as its difference from its neighbour on the left (TIFF 6.0, section 14)."""
    for first in range(0, picture.height, _STRIP_ROWS):
        rows: NDArray[Any] = picture.pixels[first : first + _STRIP_ROWS]
        if picture.alpha is not None:
            rows = np.dstack([rows, picture.alpha[first : first + _STRIP_ROWS]])
        changes = np.ascontiguousarray(rows, dtype=rows.dtype.newbyteorder("<")).copy()
        changes[:, 1:] -= rows[:, :-1]  # integers wrap around, as they should
        yield bytes(imagecodecs.zlib_encode(changes.tobytes(), level=_LEVEL))


def _tags(exif: Image.Exif, known: Metadata, folders: dict[int, Any]) -> list[tuple[int, int, int, Any, bool]]:
    tags: list[tuple[int, int, int, Any, bool]] = [
        (tag, _ASCII, 0, text, True) for tag in (*_TEXTS, _DATE) if (text := _text(exif.get(tag)))
    ]
    if known.xmp is not None:
        tags.append((_XMP, _BYTE, len(known.xmp), known.xmp, True))
    return tags + [(_FOLDERS[tag], _LONG, 1, 0, True) for tag in folders]


def _append(file: BinaryIO, folders: dict[int, Any]) -> None:
    """Put EXIF folders at the end of the file, and where they are into their tags."""
    file.seek(0)
    with tifffile.TiffFile(file) as written:
        page = written.pages.first
        for tag, entries in folders.items():
            place = file.seek(0, 2)
            place += file.write(bytes(place % 2))  # folders begin at even addresses
            folder = TiffImagePlugin.ImageFileDirectory_v2(group=tag)
            for name, value in entries.items():
                if name not in _NESTED:
                    folder[name] = value
            file.write(folder.tobytes(place))
            file.seek(page.tags[_FOLDERS[tag]].offset)
            file.write(struct.pack("<HHII", tag, _LONG, 1, place))


def _text(value: Any) -> bytes | None:
    return value.encode("latin-1", "replace") if isinstance(value, str) and value else None
