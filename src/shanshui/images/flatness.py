"""Flat parts of a photo stay flat: what stylizers put into empty skies, measured and held down.

Instance normalisation enlarges whatever a plain region still has, so that skies fill with blobs some 8 to 60 pixels
wide. All of the work is done on cells of 4 x 4 pixels: finer strokes pass unchanged, broader changes of light and
colour do as well, and what lies between is allowed as far as the photo has it, and a little more. Broader changes are
planes fitted to the flat cells around a cell, so that neither a sky that brightens towards the horizon nor the ground
below it counts as a blob.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Self, TypeAlias

import torch
from torch import Tensor
from torch.nn import functional

CELL = 4
"""Pixels: strokes finer than this are texture, not blobs."""

_BLOB = 12
"""Cells to each side of those that a plane is fitted to: a blob is what differs from it."""

_DETAIL = 4
"""The same for detail of the photo, which makes its near surroundings busy, and not the whole sky above a horizon."""

_PLAIN, _BUSY = 0.02, 0.06
"""Local deviation of luminance, in units of [-1, 1], up to which a photo is flat, and from which on it is not."""

_ALLOWED = 0.01
"""Deviation that a flat region may have in any case, in units of [-1, 1]: a little paint on the canvas."""

_ROUNDS = 3
"""Taking blobs out through a smooth filter leaves a part of them, of which the next round takes out the like."""

_BAND = 320
"""Rows and columns of cells whose change is worked out at once."""

_REACH = 2 * _DETAIL + _ROUNDS * (_BLOB + 1 + _DETAIL)
"""Cells beyond a row that its change depends on: flatness and, in each round, blobs and their strength."""

_FULLY = 3.0
"""A region that is a third flat is held down fully: blobs are worst at the edges of skies."""

_LUMINANCE = (0.299, 0.587, 0.114)  # of red, green and blue (ITU-R BT.601)
_FAINT = 1e-6


@dataclass(frozen=True)
class Cells:
    """An image as cells of 4 x 4 pixels, those at the lower and right edges as many as there are.

    Attributes:
        mean: (N, 3, ceil(H / 4), ceil(W / 4)) mean colours in [-1, 1].
        detail: (N, 1, h, w) variance of luminance inside each cell.
    """

    mean: Tensor
    detail: Tensor

    @classmethod
    def of(cls, images: Tensor) -> Self:
        """Those of (N, 3, H, W) RGB in [-1, 1]."""
        luminance = _luminance(images.float())
        detail = _cells(luminance.square()) - _cells(luminance).square()
        return cls(_cells(images.float()), detail.clamp_min(0))

    @classmethod
    def joined(cls, strips: Sequence["Cells"]) -> Self:
        """Strips of rows as one; all but the last come from a multiple of 4 rows."""
        return cls(torch.cat([each.mean for each in strips], 2), torch.cat([each.detail for each in strips], 2))

    def rows(self, rows: slice) -> Self:
        """Those of some rows."""
        return type(self)(self.mean[:, :, rows], self.detail[:, :, rows])

    def columns(self, columns: slice) -> Self:
        """Those of some columns."""
        return type(self)(self.mean[..., columns], self.detail[..., columns])


CellsOf: TypeAlias = Callable[[int, int], Cells]
"""(first, last) -> the cells of these rows of pixels; `first` is a multiple of 4."""


def flatness(photo: Cells) -> Tensor:
    """How flat each cell is: 1 in an even sky, however its light falls off, 0 where there is detail: (N, 1, h, w)."""
    cells = _luminance(photo.mean)
    # Contrast inside a cell is detail as well: grass is busy although its cells are all alike.
    around = _Surroundings.of(torch.ones_like(cells), _DETAIL)
    deviation = around.mean(around.beyond_plane(cells).square() + photo.detail).sqrt()
    return 1 - ((deviation - _PLAIN) / (_BUSY - _PLAIN)).clamp(0, 1)


def blob_energy(painting: Cells, photo: Cells) -> Tensor:
    """Mean square, over the flat parts of each photo, of what the painting has there in the sizes of blobs and the
    photo has not: 0 for the photo itself.

    Returns:
        (N,) in squared units of [-1, 1]; NaN for a photo without flat parts.
    """
    weight = flatness(photo)
    sky = _Sky.of(weight)
    painted, own = (sky.strength(sky.blobs(each.mean)).square() for each in (painting, photo))
    return (weight * (painted - own).clamp_min(0)).sum((1, 2, 3)) / weight.sum((1, 2, 3))


class FlatChange:
    """What to add to a painting so that blobs in flat parts of the photo are held down to what the photo has there, or
    next to nothing; 0 where the photo has detail.

    It is worked out by bands of rows when they are asked for, in parts that have all the surroundings that they depend
    on: the result is that of the whole, and a print of any size needs little memory.
    """

    def __init__(self, painting: CellsOf, photo: CellsOf, height: int) -> None:
        """Of a `painting` and its `photo`, both of `height` pixels."""
        self._painting, self._photo, self._height = painting, photo, height
        self._count = -(-height // CELL)
        self._bands: dict[int, Tensor] = {}

    def of_rows(self, first: int, last: int, width: int) -> Tensor:
        """For the pixels of rows `first` to `last`: (N, 3, last - first, width)."""
        low, high = max(first // CELL - 1, 0), min(-(-last // CELL) + 1, self._count)
        numbers = range(low // _BAND, (high - 1) // _BAND + 1)
        self._bands = {
            number: self._bands[number] if number in self._bands else self._band(number) for number in numbers
        }
        start = numbers[0] * _BAND
        change = torch.cat(list(self._bands.values()), 2)[:, :, low - start : high - start]
        pixels = functional.interpolate(change, scale_factor=CELL, mode="bilinear", align_corners=False)
        return pixels[:, :, first - CELL * low : last - CELL * low, :width]

    def _band(self, number: int) -> Tensor:
        first = number * _BAND
        low, last = max(first - _REACH, 0), min(first + _BAND, self._count)
        rows = CELL * low, min(CELL * (last + _REACH), self._height)
        painting, photo = self._painting(*rows), self._photo(*rows)
        parts = []
        for start in range(0, painting.mean.shape[3], _BAND):
            left = max(start - _REACH, 0)
            around = slice(left, start + _BAND + _REACH)
            change = _change(painting.columns(around), photo.columns(around))
            parts.append(change[:, :, first - low : last - low, start - left : start - left + _BAND])
        return torch.cat(parts, 3)


def _change(painting: Cells, photo: Cells) -> Tensor:
    weight = flatness(photo)
    flat = weight.amax((0, 1, 3)).nonzero()
    change = torch.zeros_like(painting.mean)
    if len(flat) > 0:
        # Nothing else counts than cells that are flat, and their next neighbours through which they are smoothed.
        rows = slice(max(int(flat[0]) - 1, 0), int(flat[-1]) + 2)
        change[:, :, rows] = _change_of_sky(painting.rows(rows), photo.rows(rows), weight[:, :, rows])
    return change


def _change_of_sky(painting: Cells, photo: Cells, weight: Tensor) -> Tensor:
    sky = _Sky.of(weight)
    allowed = sky.strength(sky.blobs(photo.mean)).clamp_min(_ALLOWED)
    held = painting.mean
    for _ in range(_ROUNDS):
        blobs = sky.blobs(held)
        excess = (1 - allowed / sky.strength(blobs).clamp_min(_FAINT)).clamp_min(0)
        held = held - (_FULLY * weight).clamp(max=1) * excess * blobs
    return held - painting.mean


def _luminance(images: Tensor) -> Tensor:
    return torch.einsum("nchw,c->nhw", images, images.new_tensor(_LUMINANCE))[:, None]


def _cells(images: Tensor) -> Tensor:
    return functional.avg_pool2d(images, CELL, ceil_mode=True, count_include_pad=False)


@dataclass(frozen=True)
class _Surroundings:
    """The cells around each cell, counting by a weight (N, 1, h, w) and by their nearness, up to `reach` cells away.

    Attributes:
        total: sum of the weights.
        minors, determinant: of the normal equations of a plane (1, x, y) about each cell.
    """

    weight: Tensor
    reach: int
    total: Tensor
    minors: tuple[Tensor, Tensor, Tensor]
    determinant: Tensor

    @classmethod
    def of(cls, weight: Tensor, reach: int) -> Self:
        """What the weights alone decide."""
        s, x, y, xx, xy, yy = _moments(weight, reach, ((0, 0), (1, 0), (0, 1), (2, 0), (1, 1), (0, 2)))
        xx, yy = xx + _FAINT, yy + _FAINT  # a single row or column has no slope across
        minors = xx * yy - xy.square(), xy * y - x * yy, x * xy - xx * y
        return cls(weight, reach, s, minors, s * minors[0] + x * minors[1] + y * minors[2])

    def beyond_plane(self, cells: Tensor) -> Tensor:
        """Cells (N, C, h, w) less the plane that fits their surroundings best.

        Least squares: the normal equations, solved by Cramer's rule for the height at 0.
        """
        heights = _moments(self.weight * cells, self.reach, ((0, 0), (1, 0), (0, 1)))
        plane = sum(minor * height for minor, height in zip(self.minors, heights, strict=True))
        return cells - torch.where(self.determinant > _FAINT, plane / self.determinant.clamp_min(_FAINT), cells)

    def mean(self, energy: Tensor) -> Tensor:
        """That of what is never negative."""
        (total,) = _moments(self.weight * energy, self.reach, ((0, 0),))
        return total / self.total.clamp_min(_FAINT)


@dataclass(frozen=True)
class _Sky:
    """Flat parts of a photo: the wide surroundings that planes are fitted to, the near ones that energy spreads in."""

    wide: _Surroundings
    near: _Surroundings

    @classmethod
    def of(cls, weight: Tensor) -> Self:
        """How flat each cell is: (N, 1, h, w)."""
        return cls(_Surroundings.of(weight, _BLOB), _Surroundings.of(weight, _DETAIL))

    def blobs(self, cells: Tensor) -> Tensor:
        """What is broader than strokes, which the mean over 3 x 3 cells takes out, and narrower than the light."""
        smooth = functional.avg_pool2d(cells, 3, stride=1, padding=1, count_include_pad=False)
        return self.wide.beyond_plane(smooth)

    def strength(self, blobs: Tensor) -> Tensor:
        """Their root mean square near each cell, over the colours: (N, 3, h, w) -> (N, 1, h, w)."""
        return self.near.mean(blobs.square().mean(1, keepdim=True)).sqrt()


def _moments(maps: Tensor, reach: int, powers: tuple[tuple[int, int], ...]) -> tuple[Tensor, ...]:
    """Sums of maps x dx^p x dy^q over the surroundings of each cell, tapering off linearly; nothing lies outside."""
    offsets = torch.arange(-reach, reach + 1, device=maps.device) / reach
    taper = 1 - offsets.abs() * reach / (reach + 1)
    exponents = sorted({p for p, _ in powers})
    # All at once: for a convolution with so few channels, several kernels take no longer than one.
    across = torch.stack([taper * offsets**p for p in exponents])[:, None, None]
    down = taper.new_zeros(len(powers), len(exponents), len(offsets), 1)
    for index, (p, q) in enumerate(powers):
        down[index, exponents.index(p), :, 0] = taper * offsets**q
    rows = functional.conv2d(maps.flatten(0, 1)[:, None], across, padding=(0, reach))
    sums = functional.conv2d(rows, down, padding=(reach, 0))
    return tuple(each.reshape(maps.shape) for each in sums.unbind(1))
