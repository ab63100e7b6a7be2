"""What painting does to colours, wherever they are: a table of red, green and blue that other programs can apply.

A .cube file (Adobe, Cube LUT Specification 1.0) holds a grid of colours; game engines, editors and players look up each
pixel in it. It can carry a style's palette and light, and none of its strokes.
"""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from shanshui.atomic import atomic_write_text
from shanshui.errors import ImageError
from shanshui.images.pixels import Depth, Pixels, peak, quantize

SIZE = 33
"""Colours along each side of a table, as editors expect."""

_SMOOTHNESS = 0.5
"""How much a colour goes by each of its neighbours, where 1 is how much the mean colour goes by its own pixels."""

_ROUNDS, _CLOSE = 400, 1e-6
_STRIP_ROWS = 256


def identity(size: int = SIZE) -> NDArray[np.float64]:
    """The table that changes nothing: (red, green, blue, 3) in [0, 1]."""
    steps = np.linspace(0, 1, size)
    return np.stack(np.meshgrid(steps, steps, steps, indexing="ij"), axis=3)


def fit(pairs: Iterable[tuple[Pixels, Pixels]], size: int = SIZE) -> NDArray[np.float64]:
    """The smooth table that takes the colours of photos nearest to those of their paintings, in the mean of squares.

    Each pixel speaks for the eight colours of the table around it, in the shares of trilinear interpolation. The change
    of a colour is what its pixels say and what its six neighbours change by, a colour that no photo shows going by its
    neighbours alone: (W + s L) d = W r, with the counts W, the Laplacian L of the grid and the changes r, solved by
    conjugate gradients.

    Args:
        pairs: photo and painting, HWC RGB of one size, uint8 or uint16, sRGB as they are stored.
        size: colours along each side.

    Returns:
        (size, size, size, 3) in [0, 1], indexed by red, green and blue.

    Raises:
        ImageError: no pair, or one of two sizes.
    """
    counts, sums = np.zeros(size**3), np.zeros((size**3, 3))
    for photo, painting in pairs:
        if photo.shape != painting.shape or photo.shape[2] != 3:
            raise ImageError(f"Photo and painting have the shapes {photo.shape} and {painting.shape}: give one size.")
        for first in range(0, len(photo), _STRIP_ROWS):
            seen, became = (_unit(each[first : first + _STRIP_ROWS]).reshape(-1, 3) for each in (photo, painting))
            for index, share in _corners(seen, size):
                counts += np.bincount(index, share, size**3)
                for channel in range(3):
                    change = share * (became[:, channel] - seen[:, channel])
                    sums[:, channel] += np.bincount(index, change, size**3)
    if not counts.any():
        raise ImageError("A table of colours needs at least one photo and its painting.")
    unit = counts.mean()  # so that the result does not depend on how many pixels there are
    changes = np.stack([_smooth(counts / unit, sums[:, channel] / unit, size) for channel in range(3)], axis=3)
    return np.clip(identity(size) + changes, 0, 1)


def apply(table: NDArray[np.float64], pixels: NDArray[Depth]) -> NDArray[Depth]:
    """HWC RGB pixels looked up in a table, between its colours by trilinear interpolation."""
    size, colors = len(table), table.reshape(-1, 3)
    result = np.empty_like(pixels)
    for first in range(0, len(pixels), _STRIP_ROWS):
        rows = pixels[first : first + _STRIP_ROWS]
        seen = _unit(rows).reshape(-1, 3)
        became = sum(colors[index] * share[:, np.newaxis] for index, share in _corners(seen, size))
        result[first : first + _STRIP_ROWS] = quantize(np.asarray(became).reshape(rows.shape) * peak(rows), rows.dtype)
    return result


def write_cube(path: Path, table: NDArray[np.float64], title: str) -> None:
    """A table as a .cube file, red running fastest.

    Raises:
        StorageError: the file cannot be written.
    """
    rows = table.transpose(2, 1, 0, 3).reshape(-1, 3)
    head = [f'TITLE "{title.translate({34: None, 10: None})}"', f"LUT_3D_SIZE {len(table)}"]
    head += ["DOMAIN_MIN 0.0 0.0 0.0", "DOMAIN_MAX 1.0 1.0 1.0"]
    body = [" ".join(f"{value:.6f}" for value in row) for row in rows]
    atomic_write_text(path, "\n".join([*head, *body]) + "\n")


def _corners(colors: NDArray[np.float64], size: int) -> Iterable[tuple[NDArray[np.intp], NDArray[np.float64]]]:
    """The eight places of a flat table around each of (N, 3) colours, and what share of it each has."""
    place = colors * (size - 1)
    low = np.minimum(place.astype(np.intp), size - 2)
    part = place - low
    for corner in np.ndindex(2, 2, 2):
        share = np.prod(np.where(corner, part, 1 - part), axis=1)
        yield np.ravel_multi_index((low + corner).T, (size, size, size)), share


def _smooth(counts: NDArray[np.float64], wanted: NDArray[np.float64], size: int) -> NDArray[np.float64]:
    """Solve (counts + s Laplacian) d = wanted by conjugate gradients, scaled by the diagonal."""
    shape = (size, size, size)
    weight, goal = counts.reshape(shape), wanted.reshape(shape)
    diagonal = weight + _SMOOTHNESS * 6

    def system(d: NDArray[np.float64]) -> NDArray[np.float64]:
        around = np.pad(d, 1, mode="edge")
        neighbours = sum(np.roll(around, shift, axis)[1:-1, 1:-1, 1:-1] - d for axis in range(3) for shift in (1, -1))
        return weight * d - _SMOOTHNESS * np.asarray(neighbours)

    d = np.zeros(shape)
    rest = goal - system(d)
    step = direction = rest / diagonal
    energy = float((rest * step).sum())
    for _ in range(_ROUNDS):
        if energy <= _CLOSE**2:
            break
        pushed = system(direction)
        length = energy / float((direction * pushed).sum())
        d += length * direction
        rest = rest - length * pushed
        step = rest / diagonal
        energy, before = float((rest * step).sum()), energy
        direction = step + energy / before * direction
    return d


def _unit(pixels: NDArray[Any]) -> NDArray[np.float64]:
    return pixels.astype(np.float64) / peak(pixels)
