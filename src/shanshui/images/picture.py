"""A picture in memory, the limit on its size, and the two ways in which a file can fail to be one."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from shanshui.errors import ImageError
from shanshui.images.metadata import NONE, Metadata
from shanshui.images.pixels import Pixels, peak, quantize
from shanshui.images.provenance import Note

MAX_PIXELS = 175_000_000
"""Decode limit: 175 megapixels is beyond today's cameras, and half a gigabyte once decoded to 8 bits.

It stays below the size at which Pillow itself refuses (178,956,970), so no global setting of Pillow is touched.
"""


class NotAnImageError(ImageError):
    """The content is no picture of a known format."""


class DamagedImageError(ImageError):
    """The content began as a picture but is broken or cut short."""


@dataclass(frozen=True, eq=False)
class Picture:
    """Upright sRGB pixels, with all else that a file said kept aside.

    Attributes:
        pixels: HWC, three channels, uint8 or uint16.
        alpha: HW of the same type, 0 transparent, the largest value opaque; None for a picture without transparency.
        metadata: profile, EXIF, XMP and resolution, for whoever writes the picture.
        light: HW, at least 1, how many times brighter than the pixels the scene was; None where white is the end, as in
            every format but EXR.
        note: what the file that it is written to is to say of its making.
    """

    pixels: Pixels
    alpha: Pixels | None = None
    metadata: Metadata = NONE
    light: NDArray[np.float32] | None = None
    note: Note | None = None

    def __post_init__(self) -> None:
        """Refuse arrays that are no picture.

        Raises:
            ImageError: wrong type, shape or size.
        """
        peak(self.pixels)
        if self.pixels.ndim != 3 or self.pixels.shape[2] != 3 or 0 in self.pixels.shape:
            raise ImageError(f"A picture has the shape {self.pixels.shape}: rows x columns x 3 was expected.")
        size = self.pixels.shape[:2]
        if self.alpha is not None and (self.alpha.shape != size or self.alpha.dtype != self.pixels.dtype):
            raise ImageError("The transparency of a picture must have the size and the type of its pixels.")
        if self.light is not None and self.light.shape != size:
            raise ImageError("The light of a picture must have the size of its pixels.")

    @property
    def height(self) -> int:
        """Rows."""
        return int(self.pixels.shape[0])

    @property
    def width(self) -> int:
        """Columns."""
        return int(self.pixels.shape[1])

    def over_white(self) -> Pixels:
        """HWC pixels as a web page shows them: transparent parts laid over white."""
        if self.alpha is None:
            return self.pixels
        white = np.float32(peak(self.pixels))
        cover = self.alpha[:, :, np.newaxis] / white
        return quantize(self.pixels * cover + white * (1 - cover), self.pixels.dtype)


def from_channels(channels: Pixels) -> Picture:
    """HW or HWC with one (grey), two (grey, alpha), three (RGB) or four (RGB, alpha) channels as a picture,
    which may lie in the memory of `channels`.

    Raises:
        ImageError: another type or shape.
    """
    stack = channels[:, :, np.newaxis] if channels.ndim == 2 else channels
    if stack.ndim != 3 or stack.shape[2] not in (1, 2, 3, 4):
        raise ImageError(f"An array of the shape {channels.shape} is no picture: give HW, or HWC with 1 to 4 channels.")
    has_alpha = stack.shape[2] in (2, 4)
    colors = stack[:, :, :-1] if has_alpha else stack
    rgb = np.repeat(colors, 3, axis=2) if colors.shape[2] == 1 else np.ascontiguousarray(colors)
    return Picture(rgb, stack[:, :, -1].copy() if has_alpha else None)


def require_decodable(width: int, height: int, most: int = MAX_PIXELS) -> None:
    """Refuse a size that a header announces before anything is decoded.

    Raises:
        ImageError: more than `most` pixels, or none.
    """
    if width < 1 or height < 1:
        raise DamagedImageError("announces a size of 0 pixels: replace it with an intact copy.")
    if width * height > most:
        raise ImageError(
            f"has {width} x {height} pixels, above the limit of {most / 1e6:g} megapixels: make it smaller first."
        )
