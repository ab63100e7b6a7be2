"""Holes in a picture of any size, filled from coarse to fine.

What lies around the holes is made smaller until a network sees all of it at once; it fills that, and each fill, twice
as large, is the guess from which the next finer one is made. Large pictures are filled by tiles, whose overlaps fade
into each other, and only where something is missing.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from shanshui.images.pixels import Pixels, to_pixels, to_tensor
from shanshui.networks.inpainter import Inpainter
from shanshui.networks.precision import fast_arithmetic

COARSE = 192
"""Longest side, in pixels, that is filled without a guess: near the size that the network has learned on."""

TILE, OVERLAP = 384, 64
"""Sides of tiles in pixels, and how far neighbours fade into each other: multiples of the network's stride."""

_AROUND, _LEAST_AROUND = 1.0, 64
"""How much around the holes is looked at, in sides of their box, and in pixels at least."""

Holes = NDArray[np.bool_]


@dataclass(frozen=True)
class Level:
    """A picture with holes at one resolution: pixels HWC, and HW where they are missing."""

    pixels: Pixels
    holes: Holes


@dataclass(frozen=True)
class Fate:
    """What decides where nothing else does: a latent for all sizes, and the source of their noise."""

    latents: Tensor
    random: torch.Generator


def fill(network: Inpainter, pixels: Pixels, holes: Holes, *, seed: int, device: torch.device) -> NDArray[np.uint16]:
    """What is missing of a picture.

    Args:
        network: on `device`, in evaluation mode.
        pixels: HWC RGB; what they hold in the holes is not looked at.
        holes: HW, True where a pixel is missing; not everywhere.
        seed: another seed, another fill.
        device: where to compute.

    Returns:
        HWC of 16 bits, the picture with its holes filled.
    """
    filled = _deep(pixels)
    if not holes.any():
        return filled
    place = surroundings(holes)
    random = torch.Generator().manual_seed(seed)
    fate = Fate(network.draw_latents(1, random).to(device), random)
    guess: NDArray[np.uint16] | None = None
    for level in reversed(levels(Level(pixels[place], holes[place]))):
        guess = _filled(network, level, guess, fate, device)
    assert guess is not None
    filled[place] = guess
    return filled


def surroundings(holes: Holes) -> tuple[slice, slice]:
    """The rows and columns of the holes, and as many on each side of them again."""
    return _around(holes.max(axis=1)), _around(holes.max(axis=0))


def levels(finest: Level) -> list[Level]:
    """The picture at all resolutions, each half of the one before, down to a longest side of `COARSE`.

    A pixel is missing where any part of it is, so that nothing of what is to go shows in the coarser pictures.
    """
    pyramid = [finest]
    while max(pyramid[-1].holes.shape) > COARSE:
        pyramid.append(_halved(pyramid[-1]))
    return pyramid


def spans(length: int) -> list[tuple[int, int]]:
    """Begin and end of the tiles that cover `length` pixels."""
    step = TILE - OVERLAP
    count = max(1, -(-(length - OVERLAP) // step))
    return [(number * step, min(number * step + TILE, length)) for number in range(count)]


def _filled(
    network: Inpainter, level: Level, guess: NDArray[np.uint16] | None, fate: Fate, device: torch.device
) -> NDArray[np.uint16]:
    """One resolution, by bands of tiles: a band is a sum of tiles whose weights sum to one, and so are the bands."""
    filled = _deep(level.pixels)
    height, width = level.holes.shape
    noise = torch.randn(1, 1, height, width, generator=fate.random)
    below = torch.zeros(1, 3, 0, width)
    for top, bottom in spans(height):
        band = torch.zeros(1, 3, bottom - top, width)
        for left, right in spans(width):
            where = slice(top, bottom), slice(left, right)
            if level.holes[where].any():
                tile = _tile(network, level, guess, where, fate.latents, noise, device)
                band[..., left:right] += tile * _fading(left, right, width)
        band *= _fading(top, bottom, height)[:, None]
        band[:, :, : below.shape[2]] += below
        last = bottom if bottom == height else bottom - OVERLAP
        below = band[:, :, last - top :]
        here = level.holes[top:last]
        filled[top:last][here] = to_pixels(band[:, :, : last - top], dtype=np.uint16)[0][here]
    return filled


def _tile(
    network: Inpainter,
    level: Level,
    guess: NDArray[np.uint16] | None,
    where: tuple[slice, slice],
    latents: Tensor,
    noise: Tensor,
    device: torch.device,
) -> Tensor:
    image = to_tensor(level.pixels[where])
    mask = torch.from_numpy(level.holes[where])[None, None].float()
    if guess is not None:
        image = torch.where(mask > 0, _doubled(guess, where), image)
    guessed = torch.full((1,), float(guess is not None))
    given = (image, mask, latents, noise[:, :, *where], guessed)
    with fast_arithmetic(device):
        made: Tensor = network(*(tensor.to(device) for tensor in given))
    return made.float().clamp(-1, 1).cpu()


def _doubled(pixels: Pixels, where: tuple[slice, slice]) -> Tensor:
    """The part `where` of a picture twice as large as `pixels`; `where` begins at even numbers."""
    parts, margins = [], []
    for part, length in zip(where, pixels.shape, strict=False):
        first, last = part.start // 2, -(-part.stop // 2)
        begin, end = max(0, first - 1), min(length, last + 1)
        parts.append(slice(begin, end))
        margins.append(slice(2 * (first - begin), 2 * (first - begin) + part.stop - part.start))
    large = functional.interpolate(
        to_tensor(pixels[parts[0], parts[1]]), scale_factor=2.0, mode="bilinear", align_corners=False
    )
    return large[:, :, *margins]


def _halved(level: Level) -> Level:
    height, width = level.holes.shape
    odd = ((0, height % 2), (0, width % 2))
    holes = np.pad(level.holes, odd, mode="edge")
    holes = holes[::2] | holes[1::2]
    small = np.empty((*(-(-side // 2) for side in (height, width)), 3), level.pixels.dtype)
    for first, last in _strips(len(small)):
        rows = level.pixels[2 * first : 2 * last]
        rows = np.pad(rows, ((0, len(rows) % 2), odd[1], (0, 0)), mode="edge")
        small[first:last] = to_pixels(functional.avg_pool2d(to_tensor(rows), 2), dtype=small.dtype.type)[0]
    return Level(small, holes[:, ::2] | holes[:, 1::2])


def _strips(height: int) -> Iterator[tuple[int, int]]:
    return ((first, min(first + TILE, height)) for first in range(0, height, TILE))


def _around(missing: Holes) -> slice:
    there = np.flatnonzero(missing)
    first, last = int(there[0]), int(there[-1]) + 1
    more = max(_LEAST_AROUND, round(_AROUND * (last - first)))
    return slice(max(0, first - more), min(len(missing), last + more))


def _fading(begin: int, end: int, length: int) -> Tensor:
    """(end - begin,) the weights of a tile: its overlaps with neighbours rise and fall, and sum to one with theirs."""
    weights = torch.ones(end - begin)
    rise = (torch.arange(OVERLAP) + 0.5) / OVERLAP
    if begin > 0:
        weights[:OVERLAP] *= rise
    if end < length:
        weights[-OVERLAP:] *= rise.flip(0)
    return weights


def _deep(pixels: Pixels) -> NDArray[np.uint16]:
    """Pixels of 16 bits: 255 becomes 65535; a copy."""
    if pixels.dtype == np.uint16:
        return pixels.astype(np.uint16)
    return pixels.astype(np.uint16) * np.uint16(257)
