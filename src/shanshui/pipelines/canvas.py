"""Painting a picture of any size: at once where it fits, else by strips of rows, so that memory stays bounded."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from shanshui.errors import ConfigError
from shanshui.images.color import keep_colors, match_colors
from shanshui.images.flatness import CELL, Cells, CellsOf, FlatChange
from shanshui.images.mapped import blank
from shanshui.images.pixels import Depth, Pixels, to_pixels, to_tensor
from shanshui.networks.stylizers.maps import Map, Room
from shanshui.pipelines.painters import Painter, QuickPainter, Share, StripPainter
from shanshui.pipelines.scaling import scaled
from shanshui.pipelines.seamless import seamless
from shanshui.pipelines.treatment import Exactness, Treatment

_STRIP, _STRIP_PIXELS = 256, 1 << 20
"""Rows treated at once, or fewer if they are long; a multiple of the cells of `images.flatness` in any case."""

_PATCH, _PATCHES = 128, 8
"""Pixels of the sides of the parts of a photo that `fast` statistics are taken from, and their number along a side."""

_CANVAS_BYTES = 12
"""Bytes of each pixel of a painting, at most."""

_KEEPERS = {"luminance": keep_colors, "statistics": match_colors}

RowsOf = Callable[[int, int], Tensor]
"""(first, last) -> (1, 3, last - first, W) float32 in [-1, 1]."""


@dataclass(frozen=True)
class Layer:
    """A painting that lies over what is below it.

    Attributes:
        painting: its rows.
        strength: from 0 (nothing) to 1.
        mask: (H, W) float32 in [0, 1], how much of the layer shows; everywhere when None.
    """

    painting: RowsOf
    strength: float
    mask: NDArray[np.float32] | None


def painted(
    painter: Painter, photo: Pixels, blend: Sequence[Share], treatment: Treatment, *, device: torch.device, room: int
) -> RowsOf:
    """The whole photo painted, with the strokes, skies and colours that were asked for.

    Args:
        photo: HWC RGB.
        room: bytes that feature maps may take in memory.
    """
    if treatment.wrap == "no" and treatment.colors == "painting":
        return _painted(painter, photo, blend, treatment, device, room)

    def paint(pixels: Pixels) -> NDArray[np.uint16]:
        # 16 bits lose nothing that 8 or 16 bits of the result could show.
        return deep_pixels(_painted(painter, pixels, blend, treatment, device, room), *pixels.shape[:2])

    deep = paint(photo) if treatment.wrap == "no" else seamless(paint, photo, treatment.wrap)
    return rows_of(deep if treatment.colors == "painting" else _KEEPERS[treatment.colors](deep, photo), device)


def _painted(
    painter: Painter, photo: Pixels, blend: Sequence[Share], treatment: Treatment, device: torch.device, room: int
) -> RowsOf:
    height, width = photo.shape[:2]
    rows = rows_of(photo, device)
    canvas_height, canvas_width = (max(1, round(side / treatment.stroke_scale)) for side in (height, width))
    other_size = (canvas_height, canvas_width) != (height, width)
    if other_size:
        rows = scaled(rows, height, width, canvas_height, canvas_width)
    painting = _brushed(painter, rows, canvas_height, canvas_width, blend, treatment.statistics, room)
    if treatment.flat_skies:
        painting = _held_flat(painting, rows, canvas_height, canvas_width)
    return scaled(painting, canvas_height, canvas_width, height, width) if other_size else painting


def deep_pixels(rows: RowsOf, height: int, width: int) -> NDArray[np.uint16]:
    """All rows of a painting as HWC pixels of 16 bits."""
    pixels = blank((height, width, 3), np.dtype(np.uint16))
    for first, last in _strips(height, width):
        pixels[first:last] = to_pixels(rows(first, last), dtype=np.uint16)[0]
    return pixels


def laid_over(
    photo: NDArray[Depth], layers: Sequence[Layer], mask: NDArray[np.float32] | None, *, device: torch.device
) -> NDArray[Depth]:
    """The photo under its layers, from below to above; where `mask` (H, W) is 0 it stays as it is, bit for bit."""
    result, rows = blank(photo.shape, photo.dtype), rows_of(photo, device)
    for first, last in _strips(*photo.shape[:2]):
        x = rows(first, last)
        below = x
        for layer in layers:
            above = x if layer.strength == 0 else torch.lerp(x, layer.painting(first, last), layer.strength)
            below = above if layer.mask is None else torch.lerp(below, above, _on(device, layer.mask[first:last]))
        if mask is not None:
            below = torch.lerp(x, below, _on(device, mask[first:last]))
        result[first:last] = to_pixels(below, dtype=photo.dtype.type)[0]
    return result


def rows_of(pixels: Pixels, device: torch.device) -> RowsOf:
    """Rows of HWC pixels as tensors, converted when they are asked for."""
    return lambda first, last: to_tensor(pixels[first:last]).to(device)


def _rows_in(whole: Tensor) -> RowsOf:
    return lambda first, last: whole[:, :, first:last].float()


def _brushed(
    painter: Painter,
    photo: RowsOf,
    height: int,
    width: int,
    blend: Sequence[Share],
    statistics: Exactness,
    room: int,
) -> RowsOf:
    quick = statistics == "fast" and max(height, width) > _PATCH * _PATCHES
    if quick and not isinstance(painter, QuickPainter):
        raise ConfigError("This model adapts to whole photos only: leave the statistics exact.")
    if not isinstance(painter, StripPainter) or (not quick and height * width * painter.map_bytes <= room):
        return _rows_in(painter(photo(0, height), blend))
    size = height * width * _CANVAS_BYTES
    kept = size if size <= room / 2 else 0  # in memory, else in a file as well
    canvas, done = None, 0
    if quick:
        assert isinstance(painter, QuickPainter)
        sample = _sample(photo, height, width)
        parts = painter.quick_strips(sample, photo, height, width, blend, room=room - kept)
    else:
        parts = painter.strips(photo, height, width, blend, room=room - kept)
    for part in parts:
        if canvas is None:
            canvas = Map(3, height, width, like=part, room=Room(kept))
        canvas.write(done, part)
        done += part.shape[2]
    assert canvas is not None
    whole = canvas
    return lambda first, last: whole.rows(first, last).float()


def _sample(photo: RowsOf, height: int, width: int) -> Tensor:
    """`_PATCHES` x `_PATCHES` parts from all over the photo, side by side, at its own resolution.

    A thumbnail has other statistics than its photo, because its details are finer: paintings with those of a sample
    are 7 to 10 dB nearer to the exact ones.
    """
    return torch.cat(
        [
            torch.cat([rows[:, :, :, left : left + _PATCH] for left in _places(width)], dim=3)
            for top in _places(height)
            for rows in (photo(top, min(top + _PATCH, height)),)
        ],
        dim=2,
    )


def _places(side: int) -> list[int]:
    """Where parts begin along a side."""
    count = max(1, min(_PATCHES, side // _PATCH))
    return [round(index * (side - _PATCH) / max(1, count - 1)) if side > _PATCH else 0 for index in range(count)]


def _held_flat(painting: RowsOf, photo: RowsOf, height: int, width: int) -> RowsOf:
    change = FlatChange(_cells_of(painting, width), _cells_of(photo, width), height)

    def rows(first: int, last: int) -> Tensor:
        return (painting(first, last) + change.of_rows(first, last, width)).clamp_(-1, 1)

    return rows


def _cells_of(rows: RowsOf, width: int) -> CellsOf:
    return lambda first, last: Cells.joined([Cells.of(rows(*strip)) for strip in _strips(last, width, first)])


def _strips(last: int, width: int, first: int = 0) -> Iterator[tuple[int, int]]:
    step = max(CELL, min(_STRIP, _STRIP_PIXELS // width // CELL * CELL))
    return ((row, min(row + step, last)) for row in range(first, last, step))


def _on(device: torch.device, mask: NDArray[np.float32]) -> Tensor:
    return torch.from_numpy(np.ascontiguousarray(mask))[None, None].to(device)
