"""Holes in a picture of any size, filled from coarse to fine.

What lies around the holes is made smaller until a network sees all of it at once and imagines what may be there; from
that guess on, down to the finest picture, the holes are made of what stands elsewhere in it, so that they have the
grain of a photograph at any size.
"""

from collections.abc import Iterator
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
from shanshui.pipelines.filling.exemplars import Found, refined, searched
from shanshui.pipelines.filling.joining import joined
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
    for rows, made in _composed(pyramid, _imagined(network, seen, random, device), random):
        missing = holes[place][rows]
        filled[place][rows][missing] = to_pixels(made, dtype=np.uint16)[0][missing]
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


def _composed(pyramid: list[Level], made: Tensor, random: torch.Generator) -> Iterator[tuple[slice, Tensor]]:
    """The finest picture, rows and (1, 3, rows, W): its holes made of what is known, begun with `made`, of any size."""
    found: Found | None = None
    rounds = chain(_ROUNDS, repeat(_ROUNDS[-1]))
    for level in reversed(pyramid):
        holes = torch.from_numpy(level.holes)
        where = patches(holes, _step(holes.numel()))
        if where is None:
            made = _as_image(_begun(level, made), holes)
            continue
        turns = next(rounds)
        if found is None:
            found = searched(_begun(level, made), holes, where, turns, random)
        else:
            found = refined(_begun(level, made), holes, where, found, turns)
        made = _as_image(found.colors, holes)
    if found is None:
        yield slice(None), made
    else:
        yield from joined(found, holes)


def _begun(level: Level, made: Tensor) -> Tensor:
    """(H * W, 3) of a picture with what is missing taken from a smaller one, (1, 3, h, w)."""
    holes = torch.from_numpy(level.holes)
    planes = []
    for color in range(3):
        guess = _resized(made[:, color : color + 1], *holes.shape)
        planes.append(torch.where(holes, guess, to_tensor(level.pixels[..., color : color + 1])).flatten())
    return torch.stack(planes, dim=1)


def _as_image(colors: Tensor, holes: Tensor) -> Tensor:
    """(H * W, 3) -> (1, 3, H, W)."""
    return colors.T.reshape(1, 3, *holes.shape)


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
