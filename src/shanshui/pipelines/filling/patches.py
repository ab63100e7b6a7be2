"""The patches of a picture with holes: which lie over a hole, which are known, and what counts how much."""

from dataclasses import dataclass

import torch
from torch import Tensor

REACH = 3
"""A patch has so many pixels to each side of its centre."""

_TRUST = 1.25
"""A pixel counts for so many times as much as one that lies one step further inside of the hole."""

_DEEPEST = 24
"""Steps into a hole beyond which trust falls no further."""


@dataclass(frozen=True)
class Patches:
    """The patches of one map of `height` x `width` positions, all within it, named by the position of their centre.

    Attributes:
        height, width: of the map.
        targets: (T,) patches over a hole, on a grid.
        numbers: (rows, columns) of that grid: which target stands there, -1 for none.
        grid: coordinates of the rows, and of the columns.
        known: (height * width,), whether a patch is known as a whole.
        trust: (height * width,), how much a position counts: 1 outside of holes, less the deeper inside.
        taps: (K,) positions of a patch relative to its centre.
    """

    height: int
    width: int
    targets: Tensor
    numbers: Tensor
    grid: tuple[Tensor, Tensor]
    known: Tensor
    trust: Tensor
    taps: Tensor


def patches(holes: Tensor, step: int) -> Patches | None:
    """Those of a map with `holes` (H, W), with a target at each `step` positions, or None where no patch is known."""
    height, width = holes.shape
    side = 2 * REACH + 1
    if min(height, width) < side:
        return None
    inside = torch.zeros_like(holes)
    inside[REACH : height - REACH, REACH : width - REACH] = True
    untouched = ~holes
    for _ in range(REACH):
        untouched = _worn(untouched)
    known = untouched & inside
    if not known.any():
        return None
    rows, columns = (_centres(length, step) for length in (height, width))
    there = ~known[rows][:, columns]
    numbers = torch.where(there, there.flatten().cumsum(0).view_as(there) - 1, -1)
    targets = (rows[:, None] * width + columns)[there]
    around = torch.arange(-REACH, REACH + 1)
    taps = (around[:, None] * width + around).flatten()
    return Patches(height, width, targets, numbers, (rows, columns), known.flatten(), _trust(holes), taps)


def contents(colors: Tensor, places: Tensor, where: Patches) -> Tensor:
    """(P,) -> (P, taps, 3)."""
    return colors.index_select(0, positions(places, where)).view(-1, len(where.taps), 3)


def positions(places: Tensor, where: Patches) -> Tensor:
    """Of all pixels of the patches there, (P * taps,)."""
    return (places[:, None] + where.taps).flatten()


def _trust(holes: Tensor) -> Tensor:
    """(H, W) -> (H * W,)."""
    deep, left = torch.zeros(holes.shape, dtype=torch.uint8), holes
    for _ in range(_DEEPEST):
        deep += left
        left = _worn(left)
    return _TRUST ** -torch.arange(_DEEPEST + 1.0)[deep.flatten().int()]


def _worn(mask: Tensor) -> Tensor:
    """(H, W) that is true where it and all its eight neighbours are; what is beyond the map does not count."""
    rows = mask.clone()
    rows[1:] &= mask[:-1]
    rows[:-1] &= mask[1:]
    both = rows.clone()
    both[:, 1:] &= rows[:, :-1]
    both[:, :-1] &= rows[:, 1:]
    return both


def _centres(length: int, step: int) -> Tensor:
    """Coordinates of patches `step` apart that reach both ends of a side."""
    return torch.cat([torch.arange(REACH, length - REACH - 1, step), torch.tensor([length - REACH - 1])])
