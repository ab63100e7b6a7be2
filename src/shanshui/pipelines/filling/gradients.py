"""Holes smoothed by gradients: a picture whose differences between neighbours are nearer to given ones.

Pieces of a picture laid side by side differ in brightness where they meet, but within each of them the differences are
right. Keeping those, and what is known around the hole, leaves no step anywhere (Perez, Gangnet and Blake 2003,
"Poisson Image Editing", equation 7). Over a long way errors of differences would add up to colours that are nowhere
in the picture, so the pieces' own colours count as well (the screened equation of Darabi et al. 2012, "Image Melding"):
a step becomes a slope.
"""

import torch
from torch import Tensor
from torch.nn import functional

_SLOPE = 16
"""Pixels over which a step is spread."""

_ROUNDS = 32
"""Steps of conjugate gradients: enough to carry what is known over that distance."""

REACHED = 64
"""Pixels from which on what stands there does not count: further than steps go, and slopes of steps are seen."""


def differences(images: Tensor) -> Tensor:
    """Differences of (N, C, H, W) to the neighbour at the right and to the one below: (N, 2, C, H, W), 0 at the end."""
    right = functional.pad(images.diff(dim=-1), (0, 1))
    below = functional.pad(images.diff(dim=-2), (0, 0, 0, 1))
    return torch.stack([right, below], dim=1)


def smoothed(images: Tensor, wanted: Tensor, holes: Tensor) -> Tensor:
    """The images with differences nearer to `wanted` in the holes; elsewhere they stay.

    Minimises |differences(u) - wanted|^2 + |u - images|^2 / _SLOPE^2 over what is missing of u, by conjugate gradients
    (Hestenes and Stiefel 1952) for each image and channel.

    Args:
        images: (N, C, H, W).
        wanted: (N, 2, C, H, W), as from `differences`; what leads out of the images does not count.
        holes: (N, 1, H, W), 1 where something is missing.
    """
    change = torch.zeros_like(images)
    left = holes * _divergence(differences(images) - wanted)
    way, length = left, _product(left, left)
    least = torch.finfo(images.dtype).tiny
    for _ in range(_ROUNDS):
        bent = holes * (way / _SLOPE**2 - _divergence(differences(way)))
        step = length / _product(way, bent).clamp_min(least)
        change = change + step * way
        left = left - step * bent
        before, length = length, _product(left, left)
        way = left + length / before.clamp_min(least) * way
    return images + change


def _divergence(steps: Tensor) -> Tensor:
    """What flows out of each position less what flows into it; nothing flows out of the images."""
    right, below = steps[:, 0, ..., :-1], steps[:, 1, ..., :-1, :]
    total = torch.zeros_like(steps[:, 0])
    total[..., :-1] += right
    total[..., 1:] -= right
    total[..., :-1, :] += below
    total[..., 1:, :] -= below
    return total


def _product(first: Tensor, second: Tensor) -> Tensor:
    return (first * second).sum((2, 3), keepdim=True)
