"""PNG and TIFF with 16 bits a channel, which Pillow would cut down to 8."""

import io
import logging
from dataclasses import dataclass
from typing import Any, BinaryIO

import imagecodecs
import numpy as np
import tifffile
from numpy.typing import NDArray

from shanshui.images.picture import Picture, require_decodable
from shanshui.images.pixels import quantize

_PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_PNG_DEPTH_BYTE = 24
_TIFF_SIGNATURES = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")
_TIFF_PROFILE_TAG = 34675
_TIFF_ORIENTATION_TAG = 274
_WHITE = np.float32(65535)
_BLACK_POINT_COMPENSATION = 0x2000

# tifffile reports odd tags through logging, which by default ends on the user's terminal.
logging.getLogger("tifffile").addHandler(logging.NullHandler())


@dataclass(frozen=True, eq=False)
class Raw:
    """Channels (uint16 HWC: grey, grey + alpha, RGB or RGB + alpha) before colour management and turning."""

    channels: NDArray[np.uint16]
    profile: bytes | None
    orientation: int


def is_deep_png(content: bytes) -> bool:
    """Whether the header announces a PNG with 16 bits a channel."""
    return content.startswith(_PNG_SIGNATURE) and content[_PNG_DEPTH_BYTE : _PNG_DEPTH_BYTE + 1] == b"\x10"


def read_png(content: bytes, profile: bytes | None) -> Raw:
    """A 16-bit PNG whose size has been checked; errors are those of the decoder."""
    return Raw(_with_channels(imagecodecs.png_decode(content)), profile, 1)


def read_tiff(content: bytes) -> Raw | None:
    """The first page of a grey or RGB TIFF with 16 bits a channel; None for every other content.

    Raises:
        ImageError: too large. Other errors are those of the decoder.
    """
    if content[:4] not in _TIFF_SIGNATURES:
        return None
    with tifffile.TiffFile(io.BytesIO(content)) as file:
        page = file.pages.first
        kinds = (tifffile.PHOTOMETRIC.MINISBLACK, tifffile.PHOTOMETRIC.MINISWHITE, tifffile.PHOTOMETRIC.RGB)
        if page.dtype != np.uint16 or page.bitspersample != 16 or page.photometric not in kinds:
            return None
        require_decodable(page.imagewidth, page.imagelength)
        channels = page.asarray()
        if page.planarconfig == tifffile.PLANARCONFIG.SEPARATE and channels.ndim == 3:
            channels = channels.transpose(1, 2, 0)
        channels = _with_channels(channels)
        if page.photometric == tifffile.PHOTOMETRIC.MINISWHITE:
            channels[:, :, 0] = 65535 - channels[:, :, 0]
        if tifffile.EXTRASAMPLE.ASSOCALPHA in page.extrasamples:
            channels = _straight(channels)
        return Raw(channels, _tag(page, _TIFF_PROFILE_TAG), _tag(page, _TIFF_ORIENTATION_TAG) or 1)


def to_srgb(raw: Raw) -> NDArray[np.uint16]:
    """The channels in sRGB; a profile that does not fit them is ignored."""
    count = raw.channels.shape[2]
    colors = raw.channels[:, :, :1] if count < 3 else raw.channels[:, :, :3]
    if raw.profile is None:
        return raw.channels
    try:
        converted = imagecodecs.cms_transform(
            np.ascontiguousarray(colors),
            raw.profile,
            imagecodecs.cms_profile("srgb"),
            colorspace="gray" if count < 3 else "rgb",
            outcolorspace="rgb",
            intent=1,  # relative colorimetric
            flags=_BLACK_POINT_COMPENSATION,
        )
    except imagecodecs.CmsError:
        return raw.channels
    return np.concatenate([converted, raw.channels[:, :, -1:]], axis=2) if count in (2, 4) else converted


def write_png(file: BinaryIO, picture: Picture) -> None:
    """A 16-bit PNG, with its transparency."""
    file.write(imagecodecs.png_encode(_joined(picture)))


def write_tiff(file: BinaryIO, picture: Picture) -> None:
    """A 16-bit TIFF, losslessly compressed, with its transparency."""
    extra = [] if picture.alpha is None else ["unassalpha"]
    packed = io.BytesIO()  # tifffile wants a file with a name or none at all
    tifffile.imwrite(
        packed, _joined(picture), photometric="rgb", extrasamples=extra, compression="deflate", metadata=None
    )
    file.write(packed.getbuffer())


def _joined(picture: Picture) -> NDArray[Any]:
    """HWC in one piece of memory, as the encoders want it: pixels that come from a network are a view."""
    joined = picture.pixels if picture.alpha is None else np.dstack([picture.pixels, picture.alpha])
    return np.ascontiguousarray(joined)


def _with_channels(array: NDArray[Any]) -> NDArray[np.uint16]:
    """HWC, in memory of its own, keeping one alpha channel and no other extra."""
    stack = array[:, :, np.newaxis] if array.ndim == 2 else array
    return stack[:, :, :4].astype(np.uint16)


def _straight(channels: NDArray[np.uint16]) -> NDArray[np.uint16]:
    """Undo the multiplication of colours by alpha."""
    alpha = channels[:, :, -1:].astype(np.float32)
    colors = channels[:, :, :-1] * _WHITE
    straight = quantize(np.divide(colors, alpha, out=np.zeros_like(colors), where=alpha > 0), channels.dtype)
    return np.concatenate([straight, channels[:, :, -1:]], axis=2)


def _tag(page: Any, code: int) -> Any:
    tag = page.tags.get(code)
    return None if tag is None else tag.value
