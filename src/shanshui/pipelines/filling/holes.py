"""Holes in a picture of any size, filled from coarse to fine.

What lies around the holes is made smaller until a network sees all of it at once and imagines what may be there; from
that guess on, down to the finest picture, the holes are made of what stands elsewhere in it, so that they have the
grain of a photograph at any size.
"""

from dataclasses import dataclass
from itertools import chain, repeat

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from shanshui.images.pixels import Pixels, to_pixels, to_tensor
from shanshui.networks.inpainter import Inpainter
from shanshui.networks.precision import fast_arithmetic
from shanshui.pipelines.filling.exemplars import Found, joined, refined, searched
from shanshui.pipelines.filling.patches import patches

COARSE = 192
"""Longest side, in pixels, that the network sees: near the size that it has learned on."""

COARSEST, SHORTEST = 80, 24
"""Longest side of the coarsest picture, in pixels, unless a shorter one would be less than this."""

_AROUND, _LEAST_AROUND = 1.0, 64
"""How much around the holes is looked at, in sides of their box, and in pixels at least."""

_ROUNDS = (10, 6, 3, 2, 1)
"""How often patches look for sources and agree, from the coarsest picture on; finer ones than these like the last."""

_STEPS = ((160**2, 1), (400**2, 2))
"""Pixels of a picture, and how far apart its patches stand up to there; in larger ones they stand three apart."""

_STRIP = 384
"""Rows that are made smaller at a time."""

Holes = NDArray[np.bool_]


@dataclass(frozen=True)
class Level:
    """A picture with holes at one resolution: pixels HWC, and HW where they are missing."""

    pixels: Pixels
    holes: Holes


@torch.inference_mode()
def fill(network: Inpainter, pixels: Pixels, holes: Holes, *, seed: int, device: torch.device) -> NDArray[np.uint16]:
    """What is missing of a picture.

    Args:
        network: on `device`, in evaluation mode.
        pixels: HWC RGB; what they hold in the holes is not looked at.
        holes: HW, True where a pixel is missing; not everywhere.
        seed: another seed, another fill.
        device: where the network computes.

    Returns:
        HWC of 16 bits, the picture with its holes filled.
    """
    filled = _deep(pixels)
    if not holes.any():
        return filled
    place = surroundings(holes)
    random = torch.Generator().manual_seed(seed)
    pyramid = levels(Level(pixels[place], holes[place]))
    seen = next((level for level in pyramid if max(level.holes.shape) <= COARSE), pyramid[-1])
    made = _composed(pyramid, _imagined(network, seen, random, device), random)
    missing = holes[place]
    filled[place][missing] = to_pixels(made, dtype=np.uint16)[0][missing]
    return filled


def surroundings(holes: Holes) -> tuple[slice, slice]:
    """The rows and columns of the holes, and as many on each side of them again."""
    return _around(holes.max(axis=1)), _around(holes.max(axis=0))


def levels(finest: Level) -> list[Level]:
    """The picture at all resolutions, each half of the one before, down to a longest side of `COARSEST`.

    A pixel is missing where any part of it is, so that nothing of what is to go shows in the coarser pictures.
    """
    pyramid = [finest]
    while max(pyramid[-1].holes.shape) > COARSEST and min(pyramid[-1].holes.shape) >= 2 * SHORTEST:
        pyramid.append(_halved(pyramid[-1]))
    return pyramid


def _imagined(network: Inpainter, level: Level, random: torch.Generator, device: torch.device) -> Tensor:
    """(1, 3, H, W) of a small picture as the network fills it."""
    image = to_tensor(level.pixels)
    mask = torch.from_numpy(level.holes)[None, None].float()
    latents = network.draw_latents(1, random)
    noise = torch.randn(mask.shape, generator=random)
    with fast_arithmetic(device):
        made: Tensor = network(*(each.to(device) for each in (image, mask, latents, noise)))
    return made.float().clamp(-1, 1).cpu()


def _composed(pyramid: list[Level], made: Tensor, random: torch.Generator) -> Tensor:
    """(1, 3, H, W) of the finest picture, its holes made of what is known, from `made`, a guess of any size."""
    found: Found | None = None
    rounds = chain(_ROUNDS, repeat(_ROUNDS[-1]))
    for level in reversed(pyramid):
        holes = torch.from_numpy(level.holes)
        made = torch.where(holes, _resized(made, *level.holes.shape), to_tensor(level.pixels))
        where = patches(holes, _step(holes.numel()))
        if where is None:
            continue
        colors = made[0].flatten(1).T.contiguous()
        if found is None:
            found = searched(colors, holes, where, next(rounds), random)
        else:
            found = refined(colors, holes, where, found, next(rounds))
        made = found.colors.T.reshape_as(made)
    return made if found is None else joined(found, holes)


def _halved(level: Level) -> Level:
    height, width = level.holes.shape
    odd = ((0, height % 2), (0, width % 2))
    holes = np.pad(level.holes, odd, mode="edge")
    holes = holes[::2] | holes[1::2]
    small = np.empty((*(-(-side // 2) for side in (height, width)), 3), level.pixels.dtype)
    for first in range(0, len(small), _STRIP):
        last = min(first + _STRIP, len(small))
        rows = level.pixels[2 * first : 2 * last]
        rows = np.pad(rows, ((0, len(rows) % 2), odd[1], (0, 0)), mode="edge")
        small[first:last] = to_pixels(functional.avg_pool2d(to_tensor(rows), 2), dtype=small.dtype.type)[0]
    return Level(small, holes[:, ::2] | holes[:, 1::2])


def _resized(images: Tensor, height: int, width: int) -> Tensor:
    return functional.interpolate(images, (height, width), mode="bilinear", align_corners=False, antialias=True)


def _step(positions: int) -> int:
    return next((step for most, step in _STEPS if positions <= most), 3)


def _around(missing: Holes) -> slice:
    there = np.flatnonzero(missing)
    first, last = int(there[0]), int(there[-1]) + 1
    more = max(_LEAST_AROUND, round(_AROUND * (last - first)))
    return slice(max(0, first - more), min(len(missing), last + more))


def _deep(pixels: Pixels) -> NDArray[np.uint16]:
    """Pixels of 16 bits: 255 becomes 65535; a copy."""
    if pixels.dtype == np.uint16:
        return pixels.astype(np.uint16)
    return pixels.astype(np.uint16) * np.uint16(257)
