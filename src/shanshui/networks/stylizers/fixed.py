"""A feed-forward stylizer with given statistics: each part of a photo can be painted by itself.

Instance normalisation makes every pixel depend on the whole photo. With statistics that stay (`settled`) a part
depends on its near surroundings alone, and the whole photo is painted in one pass: in less time than with its own
statistics (`strips`), and nearly the same when they are those of a sample of the photo.
"""

import math
from collections.abc import Iterator

from torch import Tensor

from shanshui.networks.stylizers.feedforward import FeedForwardConfig, FeedForwardStylizer
from shanshui.networks.stylizers.maps import Rows

_GRID = 8
"""Pixels: the network's own grid, on which strips have to lie."""

_MAP_BYTES = 120
"""Bytes of feature maps for each pixel that is painted at once, at most."""

_ROWS = 64


def paint_with_fixed_statistics(
    network: FeedForwardStylizer, photo: Rows, height: int, width: int, weights: Tensor, *, room: int
) -> Iterator[Tensor]:
    """What a network whose statistics have settled makes of a photo, strip by strip; as `strips.paint_in_strips`.

    A strip of a wide photo is painted in parts side by side: the squarer a part, the fewer its surroundings.
    """
    beyond, like = reach(network.config), network.to_rgb.weight
    least = 4 * beyond
    # Half of the room is for the strip, before and after, and half for the maps of one part of it.
    row = 2 * 3 * like.element_size() * width
    highest = max(least, min(math.isqrt(room // _MAP_BYTES), room // 2 // row))
    columns = _parts(width, max(least, room // 2 // (_MAP_BYTES * highest)), beyond)
    widest = max(right - left for _, _, left, right in columns)
    highest = max(highest, room // (_MAP_BYTES * widest + row))
    for first, last, low, high in _parts(height, highest, beyond):
        rows = like.new_empty(1, 3, high - low, width)
        for at in range(low, high, _ROWS):  # they come in more bits than the network reads
            rows[:, :, at - low : at - low + _ROWS] = photo(at, min(at + _ROWS, high))
        painted = like.new_empty(1, 3, last - first, width)
        for start, end, left, right in columns:
            part = network(rows[:, :, :, left:right], weights)
            painted[:, :, :, start:end] = part[:, :, first - low : last - low, start - left : end - left]
        yield painted


def _parts(length: int, longest: int, beyond: int) -> list[tuple[int, int, int, int]]:
    """Where parts begin and end, and where what lies around them does, all of which is at most `longest`."""
    if length <= longest:
        return [(0, length, 0, length)]
    step = (longest - 2 * beyond) // _GRID * _GRID
    parts = [(first, min(first + step, length)) for first in range(0, length, step)]
    return [(first, last, max(first - beyond, 0), min(last + beyond, length)) for first, last in parts]


def reach(config: FeedForwardConfig) -> int:
    """Pixels around it that a pixel depends on, at the most, brought to the grid."""
    # Convolutions over 3 positions reach one of them further: 8 pixels in the deep blocks, 4 in the fine ones; the
    # steps between resolutions and the last two convolutions together reach 33.
    return -(-(16 * config.deep_blocks + 8 * config.blocks + 33) // _GRID) * _GRID
