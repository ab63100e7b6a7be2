"""Picture files: whatever a camera, a scanner or the web gives becomes a `Picture`, and back."""

import io
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from shanshui.atomic import atomic_write
from shanshui.errors import ImageError
from shanshui.images.decode import decode, from_pillow
from shanshui.images.encode import SUFFIXES, encode
from shanshui.images.large import LARGEST, read_large
from shanshui.images.picture import MAX_PIXELS, Picture, from_channels
from shanshui.images.pixels import to_eight_bits

__all__ = [
    "LARGEST",
    "MAX_PIXELS",
    "READABLE_SUFFIXES",
    "WRITABLE_SUFFIXES",
    "Picture",
    "from_any",
    "png_of",
    "read_photo",
    "read_picture",
    "to_pillow",
    "write_picture",
]

READABLE_SUFFIXES = frozenset(
    {".jpg", ".jpeg", ".jpe", ".jfif", ".png", ".webp", ".avif", ".tif", ".tiff", ".gif", ".bmp", ".exr"}
)
"""Endings, in lower case, of the files that are taken for pictures."""

WRITABLE_SUFFIXES = SUFFIXES
"""Endings, in lower case, that `write_picture` understands."""


def read_picture(
    source: Path | str | bytes | BinaryIO, *, name: str | None = None, most_pixels: int = MAX_PIXELS
) -> Picture:
    """Decode a picture: EXIF orientation applied, ICC profile converted to sRGB, first frame of an animation.

    Grey, palette, CMYK and other modes become RGB; transparency is kept aside. PNG and TIFF with 16 bits keep them, and
    EXR becomes 16 bits and light.
    Nothing is decoded before the header has promised at most `most_pixels` pixels.

    Args:
        source: a file name, the content of a file, or a binary stream.
        name: what error messages call the picture; the file name when there is one.
        most_pixels: the limit, at most `MAX_PIXELS`.

    Raises:
        ImageError: missing, unreadable, not a picture, damaged, cut short, or too large; `NotAnImageError` and
            `DamagedImageError` tell these two apart.
    """
    label = name or (str(source) if isinstance(source, str | Path) else "The picture")
    content = _content(source, label)
    try:
        return decode(content, most_pixels)
    except ImageError as error:
        raise type(error)(f"{label} {error}") from error.__cause__


def read_photo(path: Path | str) -> Picture:
    """Like `read_picture` of a file, but a TIFF file may have up to `LARGEST` pixels.

    Beyond `MAX_PIXELS` its pixels lie in a temporary file, of which the system keeps in memory what it has room for.

    Raises:
        ImageError: as for `read_picture`.
        StorageError: the disk has no room for the temporary file.
    """
    try:
        large = read_large(Path(path))
    except ImageError as error:
        raise type(error)(f"{path} {error}") from error.__cause__
    return read_picture(path) if large is None else large


def write_picture(path: Path | str, picture: Picture | NDArray[Any]) -> None:
    """Write a picture, whole or not at all, in the format that the ending of `path` names.

    PNG and TIFF keep 16 bits, EXR gets half-floats, the others 8 bits. JPEG (quality 95) shows transparency over white,
    the others keep it. Colours are converted to the profile that the picture came with; EXIF, XMP and resolution go
    along, but for EXR, which has none of them, and blocks too long for a JPEG.

    Args:
        path: ends in .jpg, .jpeg, .png, .webp, .avif, .tif, .tiff or .exr.
        picture: a `Picture`, or an array as `from_any` takes it.

    Raises:
        ImageError: an unknown ending, an array that is no picture, or a side too long for the format.
        StorageError: the file cannot be written.
    """
    path = Path(path)
    suffix = path.suffix.lower()
    if suffix not in WRITABLE_SUFFIXES:
        raise ImageError(f"{path} does not end in {', '.join(sorted(WRITABLE_SUFFIXES))}: choose one of these.")
    picture = from_any(picture)
    with atomic_write(path) as file:
        try:
            encode(file, suffix, picture)
        except ImageError as error:
            raise type(error)(f"{path} {error}") from error.__cause__


def png_of(picture: Picture) -> bytes:
    """The content of a PNG file with all that `write_picture` puts into one, for a pipe."""
    stream = io.BytesIO()
    encode(stream, ".png", picture)
    return stream.getvalue()


def to_pillow(picture: Picture) -> Image.Image:
    """The picture as a Pillow image: sRGB, 8 bits, RGBA where it has transparency.

    Its `info` has the `exif`, `xmp` and `dpi` of the picture, to hand on to `save`.
    """
    planes = picture.pixels if picture.alpha is None else np.dstack([picture.pixels, picture.alpha])
    image, known = Image.fromarray(to_eight_bits(planes)), picture.metadata
    image.info |= {
        name: value
        for name, value in (("exif", known.exif), ("xmp", known.xmp), ("dpi", known.dpi))
        if value is not None
    }
    return image


def from_any(source: Path | str | Image.Image | NDArray[Any] | Picture) -> Picture:
    """A picture from a file name, a Pillow image, an array or a picture.

    Args:
        source: an array is uint8 or uint16, HW or HWC with 1 (grey), 2 (grey, alpha), 3 (RGB) or 4 (RGB, alpha)
            channels.

    Raises:
        ImageError: it is none of these, or cannot be read.
    """
    match source:
        case Picture():
            return source
        case str() | Path():
            return read_photo(source)
        case np.ndarray():
            return from_channels(source.copy())
        case Image.Image():
            return _from_open_image(source)
    raise ImageError(f"A {type(source).__name__} is no picture: give a file name, a Pillow image or a NumPy array.")


def _from_open_image(image: Image.Image) -> Picture:
    try:
        return from_pillow(image)
    except ImageError as error:
        raise type(error)(f"The picture {error}") from error.__cause__
    except (OSError, SyntaxError, ValueError) as error:
        raise ImageError(f"The Pillow image cannot be decoded ({error}): give an intact one.") from error


def _content(source: Path | str | bytes | BinaryIO, label: str) -> bytes:
    if isinstance(source, bytes):
        return source
    if not isinstance(source, str | Path):
        return source.read()
    path = Path(source)
    try:
        if path.is_dir():
            raise ImageError(f"{label} is a folder: give a picture file.")
        if not path.exists():
            raise ImageError(f"{label} does not exist: check the name.")
        if not path.is_file():
            raise ImageError(f"{label} is no ordinary file: give a picture file.")
        return path.read_bytes()
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise ImageError(f"{label} cannot be read ({reason}): check the file and its permissions.") from error
