"""PNG and TIFF with 16 bits a channel, which Pillow would cut down to 8."""

import io
import json
import logging
import struct
import zlib
from dataclasses import dataclass
from typing import Any, BinaryIO

import imagecodecs
import numpy as np
import tifffile
from numpy.typing import NDArray

from shanshui.images import metadata
from shanshui.images.credentials import credentials_in
from shanshui.images.metadata import NONE, Metadata
from shanshui.images.picture import MAX_PIXELS, Picture, require_decodable
from shanshui.images.pixels import Depth, peak, quantize
from shanshui.images.profiles import deep_to_srgb

_PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_PNG_DEPTH_BYTE = 24
_PNG_HEADER_END = 33
_TIFF_SIGNATURES = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")
_PROFILE_TAG, _XMP_TAG, _ORIENTATION_TAG, _ACROSS_TAG, _DOWN_TAG, _UNIT_TAG = 34675, 700, 274, 282, 283, 296
_INCHES = {2: 1.0, 3: 2.54}
_METRES_AN_INCH = 0.0254
XMP_KEYWORD = b"XML:com.adobe.xmp\0\0\0\0\0"
"""With which an iTXt chunk of a PNG begins that holds XMP, uncompressed and in no language."""

# tifffile reports odd tags through logging, which by default ends on the user's terminal.
logging.getLogger("tifffile").addHandler(logging.NullHandler())


@dataclass(frozen=True, eq=False)
class Raw:
    """Channels (uint16 HWC: grey, grey + alpha, RGB or RGB + alpha) before colour management and turning."""

    channels: NDArray[np.uint16]
    profile: bytes | None
    orientation: int
    metadata: Metadata = NONE


def is_deep_png(content: bytes) -> bool:
    """Whether the header announces a PNG with 16 bits a channel."""
    return content.startswith(_PNG_SIGNATURE) and content[_PNG_DEPTH_BYTE : _PNG_DEPTH_BYTE + 1] == b"\x10"


def read_png(content: bytes) -> NDArray[np.uint16]:
    """The channels of a 16-bit PNG whose size has been checked; errors are those of the decoder."""
    return _with_channels(imagecodecs.png_decode(content))


def read_tiff(content: bytes, most_pixels: int = MAX_PIXELS) -> Raw | None:
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
        require_decodable(page.imagewidth, page.imagelength, most_pixels)
        channels = page.asarray()
        if page.planarconfig == tifffile.PLANARCONFIG.SEPARATE and channels.ndim == 3:
            channels = channels.transpose(1, 2, 0)
        channels = _with_channels(channels)
        if page.photometric == tifffile.PHOTOMETRIC.MINISWHITE:
            channels[:, :, 0] = 65535 - channels[:, :, 0]
        if tifffile.EXTRASAMPLE.ASSOCALPHA in page.extrasamples:
            channels = straight(channels)
        profile = _tag(page, _PROFILE_TAG)
        known = metadata.gathered(
            profile=profile, exif=metadata.of_tiff(content), xmp=_tag(page, _XMP_TAG), dpi=_resolution(page)
        )
        return Raw(channels, profile, _tag(page, _ORIENTATION_TAG) or 1, known)


def to_srgb(raw: Raw) -> NDArray[np.uint16]:
    """The channels in sRGB; a profile that does not fit them is ignored."""
    if raw.profile is None:
        return raw.channels
    count = raw.channels.shape[2]
    converted = deep_to_srgb(raw.channels[:, :, :1] if count < 3 else raw.channels[:, :, :3], raw.profile)
    if converted is None:
        return raw.channels
    return np.concatenate([converted, raw.channels[:, :, -1:]], axis=2) if count in (2, 4) else converted


def write_png(file: BinaryIO, picture: Picture) -> None:
    """A 16-bit PNG, with its transparency and metadata."""
    joined = picture.pixels if picture.alpha is None else np.dstack([picture.pixels, picture.alpha])
    # The encoder wants one piece of memory: pixels that come from a network are a view.
    content = memoryview(imagecodecs.png_encode(np.ascontiguousarray(joined)))
    file.write(content[:_PNG_HEADER_END])
    for kind, body in _described(picture.metadata):
        file.write(struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body)))
    file.write(content[_PNG_HEADER_END:])


def _described(known: Metadata) -> list[tuple[bytes, bytes]]:
    """Metadata as chunks (PNG, third edition, section 11.3), in an order that is allowed before the pixels."""
    chunks = []
    if known.profile is not None:
        chunks.append((b"iCCP", b"ICC Profile\0\0" + zlib.compress(known.profile)))
    if known.dpi is not None:
        across, down = (round(number / _METRES_AN_INCH) for number in known.dpi)
        chunks.append((b"pHYs", struct.pack(">IIB", across, down, 1)))
    if known.exif is not None:
        chunks.append((b"eXIf", known.exif))
    if known.xmp is not None:
        chunks.append((b"iTXt", XMP_KEYWORD + known.xmp))
    return [*chunks, *texts_of(known)]


def texts_of(known: Metadata) -> list[tuple[bytes, bytes]]:
    """Content credentials as chunks that viewers of PNG files show: the program, and the record as JSON."""
    record = credentials_in(known)
    if record is None:
        return []
    program, comment = f"{record['program']} {record['version']}", json.dumps(record)
    return [(b"tEXt", b"Software\0" + program.encode("ascii")), (b"tEXt", b"Comment\0" + comment.encode("ascii"))]


def _with_channels(array: NDArray[Any]) -> NDArray[np.uint16]:
    """HWC in the order of bytes of this machine, keeping one alpha channel and no other extra."""
    stack = array[:, :, np.newaxis] if array.ndim == 2 else array
    return stack[:, :, :4].astype(np.uint16, copy=False)


def straight(channels: NDArray[Depth]) -> NDArray[Depth]:
    """HWC without the multiplication of its colours by alpha, the last channel."""
    alpha = channels[:, :, -1:].astype(np.float32)
    colors = channels[:, :, :-1] * np.float32(peak(channels))
    divided = quantize(np.divide(colors, alpha, out=np.zeros_like(colors), where=alpha > 0), channels.dtype)
    return np.concatenate([divided, channels[:, :, -1:]], axis=2)


def _resolution(page: Any) -> tuple[float, float] | None:
    across, down, unit = _tag(page, _ACROSS_TAG), _tag(page, _DOWN_TAG), _INCHES.get(_tag(page, _UNIT_TAG) or 2)
    if across is None or down is None or unit is None or 0 in (across[1], down[1]):
        return None
    return across[0] / across[1] * unit, down[0] / down[1] * unit


def _tag(page: Any, code: int) -> Any:
    tag = page.tags.get(code)
    return None if tag is None else tag.value
