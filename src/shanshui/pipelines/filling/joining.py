"""Pieces of a picture joined over a hole, without steps along its rim and where they meet, band by band."""

from collections.abc import Iterator

import torch
from torch import Tensor

from shanshui.networks.membrane import averaged, enlarged, membrane
from shanshui.pipelines.filling.exemplars import Found
from shanshui.pipelines.filling.gradients import REACHED, differences, smoothed
from shanshui.pipelines.filling.votes import Votes, bands


def joined(found: Found, holes: Tensor) -> Iterator[tuple[slice, Tensor]]:
    """The map that is found, from top to bottom: rows, and what they show, (1, 3, rows, W).

    What the sources say differs from what is known along the rim; that difference, spread over the hole, is what they
    lack. Then only the differences between neighbours that they speak of are kept.
    """
    votes = Votes.of(found.where, found.sources)
    lacking = _lacking(found.colors, holes, votes)
    for rows in bands(*holes.shape):
        around = slice(max(0, rows.start - REACHED), min(len(holes), rows.stop + REACHED))
        half = lacking[:, :, around.start // 2 : (around.stop + 1) // 2]
        made = _smooth(found.colors, holes, votes, around, half)
        yield rows, made[:, :, rows.start - around.start :][:, :, : rows.stop - rows.start]


def _lacking(colors: Tensor, holes: Tensor, votes: Votes) -> Tensor:
    """What is known less what the sources say of it, spread over all that is missing, at half the size."""
    parts = []
    for rows in bands(*holes.shape):
        said, weights = votes.on(rows, lambda places: colors.index_select(0, places), 3)
        unsure = holes[rows] | (weights == 0).view_as(holes[rows])
        band = colors[rows.start * holes.shape[1] : rows.stop * holes.shape[1]]
        parts.append(averaged(_planes(band - said, unsure), unsure[None, None].float()))
    means, masks = zip(*parts, strict=True)
    return membrane(torch.cat(means, dim=2), torch.cat(masks, dim=2))


def _smooth(colors: Tensor, holes: Tensor, votes: Votes, rows: slice, lacking: Tensor) -> Tensor:
    """The rows with what the sources lack added, and smoothed; one colour after the other, for this takes memory."""
    missing = holes[rows]
    said, weights = votes.on(rows, lambda places: _steps(colors, places, *holes.shape), 6)
    told = (weights > 0).view_as(missing)
    band = _planes(colors[rows.start * holes.shape[1] : rows.stop * holes.shape[1]], missing)
    spread = enlarged(lacking)[:, :, : len(missing), : missing.shape[1]]
    begun = torch.where(missing, band + spread, band)
    steps = _planes(said, missing).view(1, 2, 3, *missing.shape)
    made = [
        smoothed(color, torch.where(told, step, differences(color)), missing[None, None].float())
        for color, step in zip(begun.split(1, dim=1), steps.split(1, dim=2), strict=True)
    ]
    return torch.cat(made, dim=1)


def _steps(colors: Tensor, places: Tensor, height: int, width: int) -> Tensor:
    """Differences of the colours at `places` to those at the right and below, (P, 6); 0 at the ends of the map."""
    right = torch.where(places % width < width - 1, places + 1, places)
    below = torch.where(places < (height - 1) * width, places + width, places)
    here = colors.index_select(0, places)
    return torch.cat([colors.index_select(0, beside) - here for beside in (right, below)], dim=1)


def _planes(values: Tensor, like: Tensor) -> Tensor:
    """(P, C) -> (1, C, H, W)."""
    return values.T.reshape(1, -1, *like.shape)
