"""Picture files: whatever a camera, a scanner or the web gives becomes upright sRGB pixels.

A file is decoded only after its header has promised at most `MAX_PIXELS` pixels.
"""

import io
import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageCms, ImageOps

from shanshui.errors import ImageError
from shanshui.images.pixels import Pixels, peak, quantize

MAX_PIXELS = 175_000_000
"""Decode limit: 175 megapixels is beyond every current camera and half a gigabyte once decoded to 8 bits."""

READABLE_SUFFIXES = frozenset(
    {".jpg", ".jpeg", ".jpe", ".jfif", ".png", ".webp", ".avif", ".tif", ".tiff", ".gif", ".bmp"}
)
"""Endings, in lower case, of the files that are taken for pictures."""

_FORMATS = ("JPEG", "MPO", "PNG", "WEBP", "AVIF", "TIFF", "GIF", "BMP")
_HEADER_LOCK = threading.Lock()


@dataclass(frozen=True, eq=False)
class Picture:
    """Upright sRGB pixels, with the transparency kept aside.

    `pixels`: HWC, three channels, uint8 or uint16. `alpha`: HW of the same type (0 is transparent), or None.
    """

    pixels: Pixels
    alpha: Pixels | None = None

    def __post_init__(self) -> None:
        peak(self.pixels)
        if self.pixels.ndim != 3 or self.pixels.shape[2] != 3 or 0 in self.pixels.shape:
            raise ImageError(f"A picture has the shape {self.pixels.shape}: rows x columns x 3 was expected.")
        if self.alpha is not None and (
            self.alpha.shape != self.pixels.shape[:2] or self.alpha.dtype != self.pixels.dtype
        ):
            raise ImageError("The transparency of a picture must have the size and the type of its pixels.")

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
        white = float(peak(self.pixels))
        cover = self.alpha[:, :, np.newaxis].astype(np.float32) / np.float32(white)
        flat: Pixels = quantize(self.pixels * cover + np.float32(white) * (1 - cover), self.pixels.dtype)
        return flat


def read_picture(source: Path | str | bytes | BinaryIO, *, name: str | None = None) -> Picture:
    """Decode a picture: EXIF orientation applied, ICC profile converted to sRGB, first frame of an animation.

    Grey, palette, CMYK and other modes become RGB. 16 bits stay 16 bits.

    Args:
        source: a file name, the content of a file, or a seekable binary stream.
        name: what error messages call the picture; the file name when there is one.

    Raises:
        ImageError: missing, unreadable, not a picture, damaged, cut short, or above `MAX_PIXELS`.
    """
    label = name or (str(source) if isinstance(source, (str, Path)) else "The picture")
    with _one_sentence(label):
        stream = io.BytesIO(_content(source))
        with _open(stream, label) as opened:
            opened.load()
            return _upright_srgb(opened)


def _content(source: Path | str | bytes | BinaryIO) -> bytes:
    if isinstance(source, bytes):
        return source
    if isinstance(source, (str, Path)):
        return Path(source).read_bytes()
    return source.read()


def _open(stream: BinaryIO, label: str) -> Image.Image:
    """Parse the header only; odd but harmless metadata makes Pillow warn, which is no news to the user."""
    with _HEADER_LOCK, warnings.catch_warnings():
        warnings.filterwarnings("ignore", module=r"PIL\.")
        opened = Image.open(stream, formats=_FORMATS)
        if opened.width * opened.height > MAX_PIXELS:
            raise _too_large(label, f"has {opened.width} x {opened.height} pixels, which")
        opened.getexif()
    return opened


def _upright_srgb(opened: Image.Image) -> Picture:
    upright = ImageOps.exif_transpose(opened)
    if upright.mode.startswith("I;16"):
        grey = np.asarray(upright).astype(np.uint16)
        return Picture(np.repeat(grey[:, :, np.newaxis], 3, axis=2))
    has_alpha = upright.has_transparency_data
    rgb = _to_srgb(upright, opened.info.get("icc_profile"))
    alpha = np.asarray(upright.convert("RGBA").getchannel("A")) if has_alpha else None
    return Picture(np.array(rgb), alpha)


def _to_srgb(image: Image.Image, profile: Any) -> Image.Image:
    if not profile:
        return image.convert("RGBA").convert("RGB") if image.has_transparency_data else image.convert("RGB")
    return image.convert("RGB")


def _too_large(label: str, what: str) -> ImageError:
    return ImageError(
        f"{label} {what} is above the limit of {MAX_PIXELS // 1_000_000} megapixels: make it smaller first."
    )


@contextmanager
def _one_sentence(label: str) -> Iterator[None]:
    try:
        yield
    except ImageError:
        raise
    except Image.DecompressionBombError as error:
        raise _too_large(label, "announces a size that") from error
    except Image.UnidentifiedImageError as error:
        raise ImageError(
            f"{label} is not a picture that can be read: JPEG, PNG, WebP, AVIF or TIFF expected."
        ) from error
    except FileNotFoundError as error:
        raise ImageError(f"{label} does not exist: check the name.") from error
    except IsADirectoryError as error:
        raise ImageError(f"{label} is a folder: give a picture file.") from error
    except PermissionError as error:
        raise ImageError(f"{label} may not be read: check its permissions.") from error
    except MemoryError as error:
        raise ImageError(f"{label} needs more memory than there is: make it smaller first.") from error
    except Exception as error:  # decoders raise nearly anything on damaged files
        raise ImageError(f"{label} is damaged or cut short: replace it with an intact copy.") from error
