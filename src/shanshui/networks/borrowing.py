"""Texture for holes, borrowed from where the picture is known.

A smooth fill lacks all detail. It is taken from elsewhere in the picture, as contextual attention takes features (Yu et
al. 2018, https://arxiv.org/abs/1801.07892, section 4.1), but with nothing to learn: every cell of a hole is given a
shift to a known window whose colours are near to its own, and neighbours are given the same shift where they can, so
that what is borrowed hangs together (He and Sun 2012, "Statistics of Patch Offsets for Image Completion"; costs are
averaged over neighbours as in stereo, Hosni et al. 2013, "Fast Cost-Volume Filtering"). Windows overlap by half and
fade into each other, and are freed of what would set them off from the rim. Noise makes some shifts dearer, so that
another noise borrows otherwise.
"""

import math
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional

from shanshui.networks.membrane import membrane

CELL = 8
"""Pixels of the sides of a cell; a window is twice as large. Sides of pictures are multiples of it."""

_FARTHEST = 24
"""Cells that are looked away at most, up, down and across."""

_UP, _ACROSS = 2.0, 0.1
"""What a shift by the side of the picture costs, up or down and across, beside one from black to white in each colour:
scenes lie in rows."""

_CHANCE = 0.1
"""Standard deviation of what noise adds to the cost of a shift."""

_ALIKE = 2
"""Cells to each side that a shift should suit as well."""

_BROAD = 32
"""Pixels: what is finer than that is detail, which smooth colours lack."""

_RIM = 2
"""Pixels inside a hole that have to join what is around it."""

_FORBIDDEN = 1e3


class _Found(NamedTuple):
    """The best shifts of cells so far: cost and number of the source cell, (N, h, w) both."""

    cost: Tensor
    source: Tensor


@torch.no_grad()
def borrowed(smooth: Tensor, masks: Tensor, noise: Tensor) -> Tensor:
    """Detail for what is missing.

    Args:
        smooth: (N, 3, H, W), the picture with smooth colours in its holes; H and W multiples of a cell.
        masks: (N, 1, H, W), 1 where a pixel is missing, 0 elsewhere.
        noise: (N, 1, H, W), standard normal.

    Returns:
        (N, 3, H, W), to be added to `smooth`; 0 where nothing is missing, and for cells from which no known window can
        be reached.
    """
    if not torch.compiler.is_exporting() and not masks.any():  # a graph has no choices
        return torch.zeros_like(smooth)
    window, half = 2 * CELL, CELL // 2
    smooth = smooth.float()
    means = functional.avg_pool2d(smooth, CELL)
    detail = smooth - _lowered(smooth)
    # Windows stand around cells: half a cell more on each side.
    around = (half, half, half, half)
    missing = functional.max_pool2d(functional.pad(masks.float(), around), window, stride=CELL)
    found = _best_shifts(means, missing, noise.float())
    windows = functional.unfold(functional.pad(detail, around, mode="replicate"), window, stride=CELL)
    taken = torch.gather(windows, 2, found.source.flatten(1)[:, None].expand_as(windows))
    taken = taken * (found.cost < _FORBIDDEN).flatten(1)[:, None]
    # Weights of windows that lie over each other sum to one.
    ramp = torch.sin((torch.arange(window, device=smooth.device) + 0.5) * (math.pi / window)).square()
    weights = (ramp[:, None] * ramp).flatten()
    laid = _folded(taken.unflatten(1, (3, -1)) * weights[:, None], smooth)
    return masks * (laid - _offset(laid, masks))


def _offset(laid: Tensor, masks: Tensor) -> Tensor:
    """What `laid` is at the rim of a hole, where smooth colours alone join the picture, spread over the hole."""
    inside = functional.max_pool2d(1 - masks, 2 * _RIM + 1, 1, _RIM)
    return membrane(laid, 1 - masks * inside)


def _lowered(images: Tensor) -> Tensor:
    """Images without detail."""
    means = functional.avg_pool2d(images, _BROAD, ceil_mode=True)
    whole = functional.interpolate(means, scale_factor=float(_BROAD), mode="bilinear", align_corners=False)
    return whole[:, :, : images.shape[2], : images.shape[3]]


def _best_shifts(means: Tensor, missing: Tensor, noise: Tensor) -> _Found:
    """For each cell the source that costs least.

    Args:
        means: (N, 3, h, w) colours of cells.
        missing: (N, 1, h, w), above 0 where a cell's window is not known as a whole.
        noise: (N, 1, H, W).
    """
    count, _, height, width = means.shape
    up, across = min(height - 1, _FARTHEST), min(width - 1, _FARTHEST)
    steps = 2 * across + 1
    chances = _CHANCE * noise.flatten(1)[:, : (2 * up + 1) * steps].view(count, -1, steps, 1, 1)
    beside = (across, across, up, up)
    colors = functional.pad(means, beside)
    closed = functional.pad((missing > 0).float(), beside, value=1)
    right = torch.arange(-across, across + 1, device=means.device)
    dear = _ACROSS * (right.abs() / width).view(-1, 1, 1)
    cells = torch.arange(height * width, device=means.device).view(height, width)
    best = _Found(
        torch.full((count, height, width), math.inf, device=means.device), torch.zeros_like(cells).expand(count, -1, -1)
    )
    # One row of shifts at a time: all at once are the square of the cells.
    for row, down in enumerate(range(-up, up + 1)):
        strip = slice(row, row + height)
        there = colors[:, :, strip].unfold(3, width, 1).permute(0, 3, 1, 2, 4)  # (N, steps, 3, h, w)
        shut = closed[:, 0, strip].unfold(2, width, 1).permute(0, 2, 1, 3)
        apart = (there - means[:, None]).square().mean(2) + shut
        costs = functional.avg_pool2d(apart, 2 * _ALIKE + 1, 1, _ALIKE, count_include_pad=False)
        costs = costs + dear + _UP * abs(down) / height + chances[:, row] + _FORBIDDEN * shut
        cost, step = costs.min(1)
        source = cells + down * width + right[step]
        better = cost < best.cost
        best = _Found(torch.where(better, cost, best.cost), torch.where(better, source, best.source))
    return _Found(best.cost, best.source.clamp(0, height * width - 1))


def _folded(windows: Tensor, like: Tensor) -> Tensor:
    """(N, C, window^2, L) laid over each other at their places: (N, C, H, W)."""
    height, width = like.shape[2:]
    whole = functional.fold(windows.flatten(1, 2), (height + CELL, width + CELL), 2 * CELL, stride=CELL)
    half = CELL // 2
    return whole[:, :, half:-half, half:-half]
