"""Changes of a photo that nobody sees and a network takes for much: the worst within a small reach.

A network that paints can be attacked like one that classifies. There is no label to be got wrong, so what is maximised
is how far the painting moves. The same attack measures networks and, with a single step, teaches them (Madry et al.
2018, "Towards Deep Learning Models Resistant to Adversarial Attacks", https://arxiv.org/abs/1706.06083).
"""

from collections.abc import Callable
from typing import TypeAlias

import torch
from torch import Tensor

from shanshui.together import own, whole

Paint: TypeAlias = Callable[[Tensor], Tensor]
"""Photos (N, 3, H, W) in [-1, 1] -> pictures of that shape, differentiable; what one becomes depends on it alone."""

_STRIDE = 2.5
"""All steps together go so many times as far as the reach: from any beginning to any corner, as in the paper."""


def movement(images: Tensor, others: Tensor) -> Tensor:
    """(N,) float32: mean squared difference of each pair of (N, C, H, W)."""
    return (images.float() - others.float()).square().flatten(1).mean(1)


def attacked(
    paint: Paint,
    photos: Tensor,
    *,
    reach: float,
    steps: int,
    random: torch.Generator,
    still: Tensor | None = None,
) -> Tensor:
    """Photos near `photos` whose pictures lie far from those of `photos`: projected gradient ascent.

    From a random point, x <- P(x + a sign(grad d(paint(x), paint(photos)))), where d is `movement` and P goes to the
    nearest point within `reach` of `photos` in every value and within [-1, 1] (Madry et al. 2018, section 2.1, with the
    distance to the untouched picture in place of a classifier's loss). A random beginning is more than a help here: at
    `photos` itself the gradient is zero. With one step it is the fast method of Wong, Rice and Kolter (2020, "Fast is
    better than free", https://arxiv.org/abs/2001.03994, algorithm 3), but for a stride that always ends on the border.

    Args:
        paint: parameters get no gradient from it.
        photos: (N, 3, H, W) in [-1, 1].
        reach: largest change of a value, in units of [-1, 1]; one step of eight bits is 2 / 255.
        steps: at least 1; each costs one painting and its gradient.
        random: where it begins, on the CPU.
        still: paint(photos), where it is known already.

    Returns:
        (N, 3, H, W) in [-1, 1], without gradient.
    """
    if still is None:
        with torch.no_grad():
            still = paint(photos)
    low, high = (photos - reach).clamp(min=-1), (photos + reach).clamp(max=1)
    beginning = own(torch.rand(whole(len(photos)), *photos.shape[1:], generator=random)).to(photos)
    there = low + beginning * (high - low)
    for _ in range(steps):
        there = there.detach().requires_grad_()
        with torch.enable_grad():
            distance = movement(paint(there), still.detach()).sum()
        (slope,) = torch.autograd.grad(distance, there)
        there = (there.detach() + _STRIDE * reach / steps * slope.sign()).clamp(low, high)
    return there


def shaken(photos: Tensor, changed: Tensor, random: torch.Generator) -> Tensor:
    """`photos` with noise exactly as large at every value as the change to `changed`, but of random sign.

    A value that would leave [-1, 1] keeps its sign. All are (N, 3, H, W) in [-1, 1].
    """
    change = changed - photos
    drawn = own(torch.randint(0, 2, (whole(len(photos)), *photos.shape[1:]), generator=random))
    signs = drawn.to(photos) * 2 - 1
    noisy = photos + change * signs
    return torch.where(noisy.abs() <= 1, noisy, changed)
