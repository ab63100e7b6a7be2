"""Pictures whose edges join: textures to tile, cylinders to look around in, and spheres.

What joins is painted beyond its edges, where it goes on with what lies at the other edge, and then cut to its size:
what a stylizer puts at an edge depends on nothing farther away than `_BEYOND`, so both sides of the join have been
painted as neighbours. Stylizers work on a grid of 8 pixels, so the joining side is brought to a multiple of that first.
"""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from shanshui.images.pixels import Depth, Pixels
from shanshui.images.resize import resize
from shanshui.pipelines.sphere import with_poles
from shanshui.pipelines.treatment import Wrap

_GRID = 8
_BEYOND = 128
"""Pixels on each joining side: beyond the reach of the convolutions (105), and a multiple of the grid."""

_LOBES = 8
"""Pixels beyond an edge that resizing may look at."""

Paint = Callable[[Pixels], NDArray[np.uint16]]
"""HWC pixels -> their painting, of the same size."""


def seamless(paint: Paint, photo: Pixels, wrap: Wrap) -> NDArray[np.uint16]:
    """The painting of a photo whose edges join as `wrap` says: HWC, the size of the photo.

    `sphere` takes an equirectangular photo (all directions, twice as wide as high): its left and right edges join, and
    its poles, where everything is stretched, are painted as they look from inside.
    """
    height, width = photo.shape[:2]
    down, across = wrap in ("y", "both"), wrap in ("x", "both", "sphere")
    inner_height, inner_width = (_on_grid(side) if joins else side for side, joins in ((height, down), (width, across)))
    ring = _resized(photo, inner_height, inner_width, down=down, across=across)
    rows, columns = _BEYOND * down, _BEYOND * across
    painted = paint(np.pad(ring, ((rows, rows), (columns, columns), (0, 0)), mode="wrap"))
    inner = painted[rows : rows + inner_height, columns : columns + inner_width]
    result = _resized(inner, height, width, down=down, across=across)
    return with_poles(paint, photo, result) if wrap == "sphere" else result


def _on_grid(side: int) -> int:
    return max(_GRID, round(side / _GRID) * _GRID)


def _resized(pixels: NDArray[Depth], height: int, width: int, *, down: bool, across: bool) -> NDArray[Depth]:
    """Resized as a ring: the filter looks beyond an edge that joins, at the other one."""
    rows, columns = pixels.shape[:2]
    if (rows, columns) == (height, width):
        return pixels
    above, left = _LOBES * down, _LOBES * across
    around = np.pad(pixels, ((above, above), (left, left), (0, 0)), mode="wrap")
    return resize(around, height, width, box=(left, above, left + columns, above + rows))
