"""Where the patches over a hole come from: for each the known patch that is most like it.

On the coarsest map patches are compared with all that are known; on finer ones a patch keeps the source that it had, or
follows a neighbour's, so that whole pieces of the picture move together (Ashikhmin 2001, "Synthesizing Natural
Textures").
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from shanshui.pipelines.filling.patches import Patches, contents, positions

_ROWS = 0.2
"""What a source as far up or down as the picture is high costs, beside one from black to white."""

_SQUARES = 12
"""The sum of squared differences of a pixel from black to white, in each of three colours that go from -1 to 1."""

_MOST = 1 << 13
"""Known patches that all targets are compared with; of more, so many evenly spread."""

AT_ONCE = 1 << 11
"""Patches whose pixels are gathered at a time: they should stay in a processor's cache."""

_COMPARED = 1 << 21
"""Pairs of patches that are compared at a time."""

_AROUND = ((0, 1), (1, 0), (0, -1), (-1, 0))


@dataclass(frozen=True)
class Sources:
    """For each target the known patch that it shall look like, (T,), and the mean squared difference, (T,)."""

    places: Tensor
    costs: Tensor


def most_alike(colors: Tensor, where: Patches, chance: Tensor) -> Sources:
    """The known patch that is most like each target; `chance` (H * W,) makes some of them dearer."""
    places = torch.nonzero(where.known)[:, 0]
    places = places[:: -(-len(places) // _MOST)]
    theirs = contents(colors, places, where)
    theirs = torch.cat([theirs.flatten(1), theirs.square().sum(2)], dim=1).T
    known = (places, theirs, chance[places])
    batches = where.targets.split(max(1, _COMPARED // len(places)))
    found, costs = zip(*(_nearest(colors, where, targets, known) for targets in batches), strict=True)
    return Sources(torch.cat(found), torch.cat(costs))


def improved(colors: Tensor, where: Patches, sources: Sources) -> Sources:
    """Each target with its source, one that follows from a neighbour's, or one beside it, whichever is most like it.

    Neighbours are one or two targets away in each of four directions.
    """
    sources = Sources(sources.places, costs_of(colors, where, where.targets, sources.places))
    rows_and_columns = (where.targets // where.width, where.targets % where.width)
    down, right = (torch.searchsorted(line, place) for line, place in zip(where.grid, rows_and_columns, strict=True))
    for far in (1, 2):
        for below, beside in _AROUND:
            others = _at(where.numbers, down + far * below, right + far * beside)
            places = where.targets + (sources.places - where.targets)[others]
            sources = _better(colors, where, sources, places, others >= 0)
    for below, beside in _AROUND:
        places = sources.places + below * where.width + beside
        sources = _better(colors, where, sources, places, torch.ones_like(places, dtype=torch.bool))
    return sources


def carried(colors: Tensor, before: Patches, sources: Sources, fine: Patches) -> Sources:
    """The sources of a map twice as large: each target has that of the target nearest to it on the coarse map `before`.

    Where that is not known as a whole on the fine map it is the known patch that stands next in the order of rows.
    """
    row, column = fine.targets // fine.width, fine.targets % fine.width
    nearest = (_nearest_on(line, place // 2) for line, place in zip(before.grid, (row, column), strict=True))
    number = _at(before.numbers, *nearest).clamp_min(0)
    source, target = sources.places[number], before.targets[number]
    row = (row + 2 * (source // before.width - target // before.width)).clamp(0, fine.height - 1)
    column = (column + 2 * (source % before.width - target % before.width)).clamp(0, fine.width - 1)
    places = row * fine.width + column
    known = torch.nonzero(fine.known)[:, 0]
    follower = known[torch.searchsorted(known, places).clamp_max(len(known) - 1)]
    places = torch.where(fine.known[places], places, follower)
    return Sources(places, costs_of(colors, fine, fine.targets, places))


def _better(colors: Tensor, where: Patches, sources: Sources, places: Tensor, offered: Tensor) -> Sources:
    """Those of `sources` or of the `places` for which `offered` is true that cost less."""
    inside = places.clamp(0, len(colors) - 1)
    chosen = torch.nonzero(offered & where.known[inside] & (inside == places) & (places != sources.places))[:, 0]
    costs = costs_of(colors, where, where.targets[chosen], places[chosen])
    won = costs < sources.costs[chosen]
    chosen = chosen[won]
    return Sources(
        sources.places.index_copy(0, chosen, places[chosen]), sources.costs.index_copy(0, chosen, costs[won])
    )


def costs_of(colors: Tensor, where: Patches, targets: Tensor, places: Tensor) -> Tensor:
    """How far the patches at `places` are from `targets`, one to one."""
    parts = [_apart(colors, where, *part) for part in zip(targets.split(AT_ONCE), places.split(AT_ONCE), strict=True)]
    return torch.cat(parts) + _ROWS * _rows_apart(where, targets, places)


def _apart(colors: Tensor, where: Patches, targets: Tensor, places: Tensor) -> Tensor:
    """The mean squared difference, each pixel of a target counting for what it is trusted."""
    trust = where.trust.index_select(0, positions(targets, where)).view(-1, len(where.taps))
    squares = (contents(colors, targets, where) - contents(colors, places, where)).square_().sum(2)
    return (trust * squares).sum(1) / (_SQUARES * trust.sum(1))


def _rows_apart(where: Patches, targets: Tensor, places: Tensor) -> Tensor:
    return ((targets // where.width - places // where.width) / where.height).square()


def _nearest(
    colors: Tensor, where: Patches, targets: Tensor, known: tuple[Tensor, Tensor, Tensor]
) -> tuple[Tensor, Tensor]:
    """For each of `targets` the best of the `known` patches, places, contents and chances, and what it costs."""
    places, theirs, chance = known
    trust = where.trust.index_select(0, positions(targets, where)).view(-1, len(where.taps))
    trust = trust / (_SQUARES * trust.sum(1, keepdim=True))
    ours = contents(colors, targets, where)
    # Weighted squares of differences: those of both sides, less twice the product.
    both = torch.cat([(-2 * trust[:, :, None] * ours).flatten(1), trust], dim=1) @ theirs
    both += (trust * ours.square().sum(2)).sum(1, keepdim=True)
    both += _ROWS * _rows_apart(where, targets[:, None], places) + chance
    costs, best = both.min(1)
    return places[best], costs.clamp_min(0)


def _nearest_on(line: Tensor, coordinates: Tensor) -> Tensor:
    """The position in a rising `line` of what is nearest to each of `coordinates`."""
    return torch.bucketize(coordinates, (line[1:] + line[:-1]) / 2)


def _at(numbers: Tensor, rows: Tensor, columns: Tensor) -> Tensor:
    """The numbers that stand there, -1 beyond the grid."""
    height, width = numbers.shape
    inside = (rows >= 0) & (rows < height) & (columns >= 0) & (columns < width)
    return torch.where(inside, numbers[rows.clamp(0, height - 1), columns.clamp(0, width - 1)], -1)
