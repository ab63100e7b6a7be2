"""What the sources of patches say of the pixels that they lie over, asked for by bands of rows.

A picture may be large, and what is said of all its pixels at once would be many times as large.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Self

import torch
from torch import Tensor

from shanshui.pipelines.filling.patches import REACH, Patches, positions
from shanshui.pipelines.filling.sources import AT_ONCE, Sources

_LEAST = 1e-6
"""Of a cost that others are measured by, and of a weight."""

_BAND = 1 << 20
"""Pixels of a band, unless that is fewer than so many rows."""

_FEWEST = 256
"""Even, so that a band's rows lie over whole rows of the picture at half its size."""


def bands(height: int, width: int) -> Iterator[slice]:
    """The rows of a map, some at a time; each band starts at an even row."""
    rows = max(_FEWEST, _BAND // width // 2 * 2)
    for first in range(0, height, rows):
        yield slice(first, min(height, first + rows))


@dataclass(frozen=True)
class Votes:
    """For each target its source, and how much its word counts, (T,)."""

    where: Patches
    sources: Sources
    weights: Tensor

    @classmethod
    def of(cls, where: Patches, sources: Sources) -> Self:
        """The more alike a source is, and the less deep inside of a hole its target, the more it counts."""
        spread = sources.costs.median().clamp_min(_LEAST)
        likeness = torch.exp(-sources.costs / (2 * spread)).clamp_min(_LEAST)
        return cls(where, sources, likeness * where.trust[where.targets])

    def on(self, rows: slice, look: Callable[[Tensor], Tensor], channels: int) -> tuple[Tensor, Tensor]:
        """What is said of each position of these rows, (P, channels), and the weight of that, (P,).

        `look` says what stands at positions of the map: (Q,) -> (Q, channels).
        """
        width, beyond = self.where.width, 2 * REACH  # a patch that is over a row may end so far from it
        some = self._over(rows)
        sums = torch.zeros((rows.stop - rows.start + 2 * beyond) * width, channels + 1)
        for part in zip(*(each[some].split(AT_ONCE) for each in self._columns), strict=True):
            targets, places, weights = part
            said = look(positions(places, self.where))
            said = torch.cat([said, torch.ones(len(said), 1)], dim=1)
            said *= weights.repeat_interleave(len(self.where.taps))[:, None]
            sums.index_add_(0, positions(targets, self.where) - (rows.start - beyond) * width, said)
        sums = sums[beyond * width : -beyond * width]
        return sums[:, :-1] / sums[:, -1:].clamp_min(_LEAST**2), sums[:, -1]

    @property
    def _columns(self) -> tuple[Tensor, Tensor, Tensor]:
        return self.where.targets, self.sources.places, self.weights

    def _over(self, rows: slice) -> slice:
        """The targets, which are in order, whose patches are over any of these rows."""
        ends = torch.tensor([rows.start - REACH, rows.stop + REACH]) * self.where.width
        return slice(*torch.searchsorted(self.where.targets, ends).tolist())
