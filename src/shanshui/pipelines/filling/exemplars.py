"""Holes filled with what stands elsewhere in the same picture, patch by patch.

Every patch that lies over a hole shall look like some patch that is known as a whole, and all patches over a pixel
shall agree on it. Two steps bring a guess nearer to that, in turn and from coarse to fine: each patch looks for the
known one that is most like it, its source; then each missing pixel becomes a mean of what the sources of the patches
over it have there (Wexler, Shechtman and Irani 2007, "Space-Time Completion of Video").

What is known counts for more than what is guessed far inside of a hole, and scenes lie in rows, so that a source above
or below costs something. All of it is done by the processor, where sums have one order.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from shanshui.pipelines.filling.patches import Patches
from shanshui.pipelines.filling.sources import Sources, carried, improved, most_alike
from shanshui.pipelines.filling.votes import Votes, bands

_CHANCE = 0.003
"""The most that chance adds to the cost of a source."""


@dataclass(frozen=True)
class Found:
    """A map whose holes are filled: its colours (H * W, 3), its patches, and where they come from."""

    colors: Tensor
    where: Patches
    sources: Sources


def searched(colors: Tensor, holes: Tensor, where: Patches, rounds: int, random: torch.Generator) -> Found:
    """A guess made of sources, looked for among all known patches.

    Args:
        colors: (H * W, 3) in [-1, 1], with a guess in the holes.
        holes: (H, W), True where something is missing.
        where: the patches of that map.
        rounds: of search and agreement.
        random: decides between sources that are nearly alike.
    """
    chance = _CHANCE * torch.rand(len(colors), generator=random)
    for _ in range(rounds):
        sources = most_alike(colors, where, chance)
        colors = _agreed(colors, holes, where, sources)
    return Found(colors, where, sources)


def refined(colors: Tensor, holes: Tensor, where: Patches, coarse: Found, rounds: int) -> Found:
    """The same of a map twice as large as that of `coarse`, whose sources are looked for near those found there."""
    sources = carried(colors, coarse.where, coarse.sources, where)
    colors = _agreed(colors, holes, where, sources)
    for _ in range(rounds):
        sources = improved(colors, where, sources)
        colors = _agreed(colors, holes, where, sources)
    return Found(colors, where, sources)


def _agreed(colors: Tensor, holes: Tensor, where: Patches, sources: Sources) -> Tensor:
    """`colors` with what is missing taken from the sources of all targets over it, the better the more."""
    votes, agreed = Votes.of(where, sources), torch.empty_like(colors)
    for rows in bands(*holes.shape):
        said, weights = votes.on(rows, lambda places: colors.index_select(0, places), 3)
        band = slice(rows.start * where.width, rows.stop * where.width)
        told = holes[rows].flatten() & (weights > 0)
        agreed[band] = torch.where(told[:, None], said, colors[band])
    return agreed
