"""OpenEXR: linear light without an upper end, shown to networks on a display's range and written back as it was.

EXR holds linear light, where 1 is the white of a display and the sun may be 10,000; networks know a display's range.
Light up to `_KNEE` is therefore shown as it is, and what is brighter is bent towards 1, the three colours of a pixel by
the same factor, so that hues stay. That factor goes along as `Picture.light`, and the painting is multiplied by it when
it is written: a sun remains a sun, paper stays paper, and a picture that nobody changed comes back as it was, up to the
rounding to 16 bits. Expose a scene so that 1 is white before it is painted; nothing is exposed here.
"""

import io
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import ModuleType
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from shanshui.errors import ImageError
from shanshui.images.picture import MAX_PIXELS, Picture, require_decodable
from shanshui.images.pixels import peak, quantize

_SIGNATURE = b"\x76\x2f\x31\x01"
_KNEE = 0.8
_BRIGHTEST = 65504.0  # of a half-float
_STRIP_ROWS = 256
_SILENCE_LOCK = threading.Lock()


def is_exr(content: bytes) -> bool:
    """Whether the content begins as an EXR file does."""
    return content[:4] == _SIGNATURE


def read(content: bytes, most_pixels: int = MAX_PIXELS) -> Picture:
    """The colours of the first part of an EXR file with the channels R, G, B, or Y, and perhaps A: 16 bits and light.

    Colours are taken for those of BT.709 and alpha for multiplied in, as EXR files have them. Negative light becomes 0,
    and so does what is no number.

    Raises:
        ImageError: the package OpenEXR is missing, the picture is too large, or has other channels. Other errors are
            those of the decoder.
    """
    library = _library()
    with _silence():
        header = library.File(io.BytesIO(content), header_only=True).parts[0].header
        (left, top), (right, bottom) = (tuple(map(int, corner)) for corner in header["dataWindow"])
        require_decodable(right - left + 1, bottom - top + 1, most_pixels)
        channels = library.File(io.BytesIO(content), separate_channels=True).channels()
    planes = {name: channel.pixels for name, channel in channels.items()}
    names = ("R", "G", "B") if "R" in planes else ("Y", "Y", "Y")
    if not planes.keys() >= {*names} or any(plane.shape != planes[names[0]].shape for plane in planes.values()):
        raise ImageError(f"has the channels {', '.join(planes)}: save it with R, G and B, all of one size.")
    height, width = planes[names[0]].shape
    pixels, light = np.empty((height, width, 3), np.uint16), np.empty((height, width), np.float32)
    alpha = quantize(_sound(planes["A"]) * 65535, np.dtype(np.uint16)) if "A" in planes else None
    for first in range(0, height, _STRIP_ROWS):
        rows = slice(first, first + _STRIP_ROWS)
        linear = _sound(np.stack([planes[name][rows] for name in names], axis=2))
        if alpha is not None:
            cover = _sound(planes["A"][rows])[:, :, np.newaxis]
            linear = np.divide(linear, cover, out=linear, where=cover > 0)
        pixels[rows], light[rows] = _shown(linear)
    return Picture(pixels, alpha, light=light if light.max() > 1 else None)


def write(file: BinaryIO, picture: Picture) -> None:
    """Half-floats, losslessly compressed: linear light of BT.709 colours, alpha multiplied in."""
    channels = np.empty((picture.height, picture.width, 3 if picture.alpha is None else 4), np.float16)
    white = np.float32(peak(picture.pixels))
    for first in range(0, picture.height, _STRIP_ROWS):
        rows = slice(first, first + _STRIP_ROWS)
        linear = _linear(picture.pixels[rows].astype(np.float32) / white)
        if picture.light is not None:
            linear *= picture.light[rows, :, np.newaxis]
        if picture.alpha is not None:
            cover = picture.alpha[rows, :, np.newaxis].astype(np.float32) / white
            linear *= cover
            channels[rows, :, 3:] = cover
        channels[rows, :, :3] = np.minimum(linear, _BRIGHTEST)
    library = _library()
    header = {"compression": library.ZIP_COMPRESSION, "type": library.scanlineimage}
    library.File(header, {"RGB" if picture.alpha is None else "RGBA": channels}).write(file)


def _library() -> ModuleType:
    try:
        import OpenEXR
    except ImportError as error:
        raise ImageError('is an EXR file: install what reads it with pip install "shanshui[exr]".') from error
    module: ModuleType = OpenEXR
    return module


@contextmanager
def _silence() -> Iterator[None]:
    """Send what the process writes nowhere: of a damaged file the library tells the terminal, in C, beside raising."""
    with _SILENCE_LOCK, open(os.devnull, "wb") as nowhere:
        kept = [(stream, os.dup(stream)) for stream in (1, 2)]
        try:
            for stream, _ in kept:
                os.dup2(nowhere.fileno(), stream)
            yield
        finally:
            for stream, copy in kept:
                os.dup2(copy, stream)
                os.close(copy)


def _shown(linear: NDArray[np.float32]) -> tuple[NDArray[np.uint16], NDArray[np.float32]]:
    """Linear light as 16-bit sRGB on the range of a display, and by what it was divided for that."""
    brightest = linear.max(axis=2)
    room = np.float32(1 - _KNEE)
    bent = _KNEE + room * -np.expm1(-(np.maximum(brightest, _KNEE) - _KNEE) / room)
    light = np.where(brightest > _KNEE, brightest / bent, np.float32(1)).astype(np.float32)
    coded = _coded(linear / light[:, :, np.newaxis])
    return quantize(coded * np.float32(65535), np.dtype(np.uint16)), light


def _coded(linear: NDArray[np.float32]) -> NDArray[np.float32]:
    """Linear [0, 1] as sRGB (IEC 61966-2-1)."""
    coded: NDArray[np.float32] = np.where(linear <= 0.0031308, linear * 12.92, 1.055 * linear ** (1 / 2.4) - 0.055)
    return coded


def _linear(coded: NDArray[np.float32]) -> NDArray[np.float32]:
    """The inverse of `_coded`."""
    linear: NDArray[np.float32] = np.where(coded <= 0.04045, coded / 12.92, ((coded + 0.055) / 1.055) ** 2.4)
    return linear


def _sound(values: NDArray[Any]) -> NDArray[np.float32]:
    finite = np.nan_to_num(values.astype(np.float32), nan=0.0, posinf=_BRIGHTEST, neginf=0.0)
    return np.clip(finite, 0, _BRIGHTEST)
