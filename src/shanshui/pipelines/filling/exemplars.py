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

from shanshui.networks.membrane import membrane
from shanshui.pipelines.filling.gradients import differences, smoothed
from shanshui.pipelines.filling.patches import Patches, positions
from shanshui.pipelines.filling.sources import AT_ONCE, Sources, carried, improved, most_alike

_CHANCE = 0.003
"""The most that chance adds to the cost of a source."""

_LEAST = 1e-6
"""Of a cost that others are measured by, and of a weight."""


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


def joined(found: Found, holes: Tensor) -> Tensor:
    """The map (1, 3, H, W) that is found, without steps along the rims of holes and where sources meet.

    What the sources say differs from what is known along the rim; that difference, spread over the hole, is what they
    lack. Then only the differences between neighbours that they speak of are kept. One colour after the other: this is
    what takes most memory.
    """
    planes = found.colors.T.reshape(3, 1, 1, *holes.shape)
    return torch.cat([_joined(plane, found, holes) for plane in planes], dim=1)


def _joined(plane: Tensor, found: Found, holes: Tensor) -> Tensor:
    """The same of one colour, (1, 1, H, W)."""
    values = torch.cat([plane[None], differences(plane)], dim=1)
    said, votes = _said(values.flatten(3).flatten(0, 2).T, found.where, found.sources)
    told = (votes > 0).view_as(holes)
    said = said.T.reshape(1, 3, 1, *holes.shape)
    spread = membrane(plane - said[:, 0], (holes | ~told)[None, None].float())
    begun = torch.where(holes, plane + spread, plane)
    return smoothed(begun, torch.where(told, said[:, 1:], differences(begun)), holes[None, None].float())


def _agreed(colors: Tensor, holes: Tensor, where: Patches, sources: Sources) -> Tensor:
    """`colors` with what is missing taken from the sources of all targets over it, the better the more."""
    said, votes = _said(colors, where, sources)
    return torch.where((holes.flatten() & (votes > 0))[:, None], said, colors)


def _said(values: Tensor, where: Patches, sources: Sources) -> tuple[Tensor, Tensor]:
    """What the sources of all targets over a position say of it, and the weight of that, (H * W,).

    `values` are (H * W, K), and so is what is said.
    """
    spread = sources.costs.median().clamp_min(_LEAST)
    weights = torch.exp(-sources.costs / (2 * spread)).clamp_min(_LEAST) * where.trust[where.targets]
    seen = torch.cat([values, torch.ones(len(values), 1)], dim=1)
    sums = torch.zeros_like(seen)
    for part in zip(*(each.split(AT_ONCE) for each in (where.targets, sources.places, weights)), strict=True):
        targets, places, weight = part
        said = seen.index_select(0, positions(places, where)) * weight.repeat_interleave(len(where.taps))[:, None]
        sums.index_add_(0, positions(targets, where), said)
    return sums[:, :-1] / sums[:, -1:].clamp_min(_LEAST**2), sums[:, -1]
