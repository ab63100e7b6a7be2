"""Contact sheets: pictures of any proportions in equal cells, each with a line of text below."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from shanshui.images.grids import grid

_LINE = 28
"""Height of the line below a picture, in pixels."""

_TEXT = 16
_PAPER, _INK = 255, 30


def contact_sheet(pictures: Sequence[tuple[str, NDArray[np.uint8]]], columns: int) -> NDArray[np.uint8]:
    """Pictures with their captions, row by row on white.

    Args:
        pictures: (caption, HWC RGB uint8), all of one size.
        columns: pictures in a row.

    Returns:
        HWC uint8.

    Raises:
        ImageError: as `grid`.
    """
    cells = [_captioned(caption, picture) for caption, picture in pictures]
    missing = -len(cells) % min(columns, max(1, len(cells)))
    return grid(cells + [np.full_like(cells[0], _PAPER)] * missing if cells else cells, columns)


def _captioned(caption: str, picture: NDArray[np.uint8]) -> NDArray[np.uint8]:
    line = Image.new("RGB", (picture.shape[1], _LINE), (_PAPER,) * 3)
    place = picture.shape[1] / 2, _LINE / 2
    ImageDraw.Draw(line).text(place, caption, fill=(_INK,) * 3, font=ImageFont.load_default(_TEXT), anchor="mm")
    return np.concatenate([picture, np.asarray(line)])
