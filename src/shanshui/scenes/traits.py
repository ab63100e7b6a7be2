"""What one picture measures: its size, light and colour, and what tells a graphic or a frame from a photograph."""

from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from shanshui.images.pixels import Pixels, to_eight_bits

SIDE = 256
"""Longer side in pixels at which a picture is looked at: enough for all that is measured, however large the photo."""

_LUMA = np.array([0.2126, 0.7152, 0.0722], dtype=np.float32)  # Rec. ITU-R BT.709
_SAME = 2  # levels of 255 that two pixels of one flat tone differ by at most, after JPEG
_FRAME_NOISE = 6.0  # levels that the lines of a frame vary by at most
_FRAME_SHARE = 0.95  # of a line of the frame that has its tone
_FRAME_STEP = 12.0  # levels by which the picture differs at least from the frame, just inside its edge
_EDGE_ROWS = 2
_WIDEST_FRAME = 0.45  # of a side

Levels: TypeAlias = NDArray[np.int16]
"""Channels x rows x columns, 0 to 255."""


@dataclass(frozen=True, kw_only=True)
class Traits:
    """Measurements of one picture; shares and tones are from 0 to 1, of sRGB values as they stand.

    Attributes:
        width: in pixels.
        height: in pixels.
        brightness: mean luma.
        contrast: standard deviation of luma.
        color: mean distance between the largest and the smallest channel.
        most_color: the same, of the most colourful part of the picture (a 32nd of each side).
        flat: share of the pixels that equal their right and lower neighbours.
        tones: share of the picture that its four most frequent tones fill.
        frame: shares of the height and of the width that a frame or bars of one tone cover.
    """

    width: int
    height: int
    brightness: float
    contrast: float
    color: float
    most_color: float
    flat: float
    tones: float
    frame: tuple[float, float]


def measure(pixels: Pixels) -> Traits:
    """The traits of HWC RGB `pixels`, of any size."""
    height, width = pixels.shape[:2]
    small = _reduced(to_eight_bits(pixels))
    # Planes of one channel: NumPy takes minima over the last, short axis very slowly.
    planes = np.ascontiguousarray(small.transpose(2, 0, 1))
    red, green, blue = planes
    luma = np.tensordot(_LUMA, planes.astype(np.float32), axes=1)
    chroma = np.maximum(np.maximum(red, green), blue) - np.minimum(np.minimum(red, green), blue)
    # Colour noise, as of JPEG, is averaged away before it can pass for colour.
    parts = np.asarray(Image.fromarray(small).resize((32, 32), Image.Resampling.BOX)).astype(np.int16)
    levels = planes.astype(np.int16)
    return Traits(
        width=width,
        height=height,
        brightness=float(luma.mean()) / 255,
        contrast=float(luma.std()) / 255,
        color=float(chroma.mean()) / 255,
        most_color=float((parts.max(axis=2) - parts.min(axis=2)).max()) / 255,
        flat=_flat_share(levels),
        tones=_share_of_tones(planes),
        frame=(_frame(levels), _frame(levels.swapaxes(1, 2))),
    )


def _reduced(pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """By a whole number, averaging: a flat tone stays exactly flat, which it does not under a sharper filter."""
    factor = -(-max(pixels.shape[:2]) // SIDE)
    return pixels if factor == 1 else np.asarray(Image.fromarray(pixels).reduce(factor))


def _flat_share(levels: Levels) -> float:
    if min(levels.shape[1:]) < 2:
        return 1.0
    here = levels[:, :-1, :-1]
    change = np.maximum(np.abs(levels[:, :-1, 1:] - here), np.abs(levels[:, 1:, :-1] - here)).max(axis=0)
    return float((change <= _SAME).mean())


def _share_of_tones(planes: NDArray[np.uint8]) -> float:
    """Tones are cells of 8 levels a channel."""
    red, green, blue = (planes >> 3).astype(np.int32)
    counts = np.bincount((1024 * red + 32 * green + blue).ravel())
    return float(np.sort(counts[counts > 0])[-4:].sum() / red.size)


def _frame(levels: Levels) -> float:
    """Share of the rows that bars of one tone above and below the picture cover; 0 unless there are both.

    A sky of one tone above does not make a bar: its counterpart below is missing, and it has no edge.
    """
    above, below = _bar(levels), _bar(levels[:, ::-1])
    alike = np.abs(_tone(levels) - _tone(levels[:, ::-1])).max() <= _FRAME_NOISE
    return (above + below) / levels.shape[1] if above and below and alike else 0.0


def _bar(levels: Levels) -> int:
    """Rows from the first on that have one tone and end at an edge."""
    tone = _tone(levels)
    most = int(_WIDEST_FRAME * levels.shape[1])
    for row in range(most + 1):
        far = np.abs(levels[:, row] - tone[:, np.newaxis]).max(axis=0)
        # A few pixels may differ: JPEG rings at the edge, and some frames carry a line of text.
        if (far <= _FRAME_NOISE).mean() < _FRAME_SHARE:
            return row if row > 0 and _edge(levels, row) >= _FRAME_STEP else 0
    return 0


def _edge(levels: Levels, row: int) -> float:
    """How much the picture changes from above `row` to a little below it, where JPEG no longer blurs the edge."""
    inside = levels[:, min(row + _EDGE_ROWS, levels.shape[1] - 1)]
    return float(np.abs(inside - levels[:, row - 1]).max(axis=0).mean())


def _tone(levels: Levels) -> NDArray[np.float64]:
    tone: NDArray[np.float64] = np.median(levels[:, 0], axis=1)
    return tone
