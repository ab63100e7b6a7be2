"""The poles of equirectangular pictures, painted as they look from inside.

Near a pole a row of an equirectangular picture is a small circle that is drawn out to the full width, so strokes that
are painted there look pinched on the sphere. Each pole is therefore painted in a view of its own (azimuthal equidistant
projection: the distance from the centre is the angle from the pole), and fades into the rest at some distance from it.
"""

import math
from collections.abc import Callable

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from shanshui.images.pixels import Pixels, to_pixels, to_tensor

_EDGE = math.radians(60)
"""Angle from the pole at the middle of a view's edges."""

_POLE, _REST = math.radians(25), math.radians(45)
"""Angle from the pole up to which the view counts alone, and from which on the rest does."""

_BORDER = 4
"""Columns beyond the left and right edge that sampling may look at."""


def with_poles(
    paint: Callable[[Pixels], NDArray[np.uint16]], photo: Pixels, painted: NDArray[np.uint16]
) -> NDArray[np.uint16]:
    """`painted` with both poles painted in views of their own.

    Args:
        paint: HWC pixels to their painting.
        photo: HWC, equirectangular.
        painted: HWC, its painting, of the same size.
    """
    result = painted.copy()
    for turned in (slice(None), slice(None, None, -1)):  # the south pole is the north pole upside down
        cap = _cap(paint, photo[turned], painted[turned])
        result[turned][: len(cap)] = cap
    return result


def _cap(
    paint: Callable[[Pixels], NDArray[np.uint16]], photo: Pixels, painted: NDArray[np.uint16]
) -> NDArray[np.uint16]:
    """The rows of `painted` near the north pole, with the pole as it looks from inside."""
    height, width = painted.shape[:2]
    view = to_tensor(paint(to_pixels(_from_above(to_tensor(photo)), dtype=photo.dtype.type)[0]))
    rows = math.ceil(_REST / math.pi * height)
    angle = (torch.arange(rows) + 0.5)[:, None] / height * math.pi
    longitude = (torch.arange(width) + 0.5)[None, :] / width * 2 * math.pi
    places = torch.stack([angle / _EDGE * longitude.sin(), angle / _EDGE * longitude.cos()], dim=2)
    pole = _sampled(view, places)
    share = ((angle - _POLE) / (_REST - _POLE)).clamp(0, 1)
    fade = (share.square() * (3 - 2 * share))[None, None]
    cap: NDArray[np.uint16] = to_pixels(torch.lerp(pole, to_tensor(painted[:rows]), fade), dtype=np.uint16)[0]
    return cap


def _from_above(sphere: Tensor) -> Tensor:
    """An equirectangular (1, 3, H, W) as a square view of its north pole, with as many pixels a degree."""
    height, width = sphere.shape[2:]
    side = max(8, round(2 * _EDGE / math.pi * height))
    along = (torch.arange(side) + 0.5) / side * 2 - 1
    x, y = along[None, :], along[:, None]
    angle = (x.square() + y.square()).sqrt() * _EDGE
    longitude = torch.atan2(x, y) % (2 * math.pi)
    ring = functional.pad(sphere, (_BORDER, _BORDER, 0, 0), mode="circular")
    column = (longitude / (2 * math.pi) * width + _BORDER) / (width + 2 * _BORDER)
    places = torch.stack([column * 2 - 1, angle / math.pi * 2 - 1], dim=2)
    return _sampled(ring, places)


def _sampled(images: Tensor, places: Tensor) -> Tensor:
    """(1, 3, h, w) at places (H, W, 2), which run from -1 to 1 from edge to edge."""
    sampled = functional.grid_sample(images, places[None], mode="bicubic", padding_mode="border", align_corners=False)
    return sampled.clamp(-1, 1)
