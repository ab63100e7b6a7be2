"""Images inside the page: JPEG in data addresses, alone, in sheets and beside their neighbours."""

import base64
import io
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

import numpy as np
from PIL import Image as Pillow

from shanshui.evaluation.assessment import Neighbours
from shanshui.evaluation.features import Image
from shanshui.images.resize import resize

LONGEST = 160
"""Pixels of the longer side that an image on the page has at the most: thumbnails, so that the page stays small."""
_QUALITY = 87


@dataclass(frozen=True, kw_only=True)
class Embedded:
    """An image as a page holds it: a data address, and width and height in pixels."""

    address: str
    width: int
    height: int

    def html(self, description: str) -> str:
        """The image as an HTML element that is not decoded before it comes into sight."""
        return (
            f'<img src="{self.address}" width="{self.width}" height="{self.height}" loading="lazy" decoding="async" '
            f'alt="{escape(description)}">'
        )


def embedded(image: Image, *, longest: int) -> Embedded:
    """`image`, HWC uint8, made smaller where its longer side has more than `longest` pixels."""
    thumbnail = _bounded(image, longest)
    stream = io.BytesIO()
    Pillow.fromarray(thumbnail).save(stream, "JPEG", quality=_QUALITY, optimize=True)
    address = f"data:image/jpeg;base64,{base64.b64encode(stream.getvalue()).decode('ascii')}"
    return Embedded(address=address, width=thumbnail.shape[1], height=thumbnail.shape[0])


def picture(image: Image, description: str) -> str:
    """`image`, HWC uint8, as an HTML element."""
    return embedded(image, longest=LONGEST).html(description)


def sheet(caption: str, images: Sequence[Image], description: str, *, columns: int) -> str:
    """Images in rows of `columns` under a caption given as HTML; with no images it says so."""
    cells = "".join(picture(image, f"{description}, {number}") for number, image in enumerate(images, 1))
    content = f'<div class="sheet" style="--columns: {columns}">{cells}</div>' if images else _EMPTY
    return f'<figure class="plain"><figcaption>{caption}</figcaption>{content}</figure>'


def match(found: Neighbours, *, judged: str, other: str) -> str:
    """A judged image, then its nearest ones with their distances.

    Args:
        found: the images.
        judged: what the first image is, in a word.
        other: what its neighbours are, in a word.
    """
    cells = [
        _cell(image, f"{other}, distance {distance:.3g}", f"{distance:.3g}")
        for image, distance in zip(found.nearest, found.distances, strict=True)
    ]
    first = _cell(found.image, judged, judged)
    return f'<div class="match" style="--others: {max(len(cells), 1)}">{first}{"".join(cells)}</div>'


def _cell(image: Image, description: str, caption: str) -> str:
    return f'<figure class="plain">{picture(image, description)}<figcaption>{escape(caption)}</figcaption></figure>'


def _bounded(image: Image, longest: int) -> Image:
    height, width = image.shape[:2]
    if max(height, width) <= longest:
        return np.ascontiguousarray(image)
    scale = longest / max(height, width)
    return resize(image, max(round(height * scale), 1), max(round(width * scale), 1))


_EMPTY = '<p class="none">There are none to show.</p>'
