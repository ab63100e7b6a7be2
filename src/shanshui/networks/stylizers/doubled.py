"""A 3 x 3 convolution of the map that bilinear interpolation makes twice as large, without ever writing that map.

Interpolation and convolution are both linear, so that they are one convolution of the small map, which makes the four
positions of each of its own as channels. It has as many products; what it saves is the memory of the large map and
of its padded copy, which costs a processor more than the products do.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional

from shanshui.networks.filters import double

_WORTHWHILE = 1 << 15
"""Positions of the small map from which on borders by themselves cost less than a large map."""

# [place][tap of the small map][tap of the large one]: the middle tap lies on the first or the second position of a
# pair; each position of the large map is 3/4 of the nearer position of the small one and 1/4 of the other.
_PAIRS = torch.tensor(
    [
        [[0.75, 0.25, 0.0], [0.25, 0.75, 0.75], [0.0, 0.0, 0.25]],
        [[0.25, 0.0, 0.0], [0.75, 0.75, 0.25], [0.0, 0.25, 0.75]],
    ]
)


def convolve_doubled(x: Tensor, convolution: nn.Conv2d) -> Tensor:
    """`convolution` of the doubled map, reflected at its borders.

    Args:
        x: (N, I, H, W), both sides at least 2.
        convolution: 3 x 3 from I to O channels, stride 1, with reflected borders and without a bias.

    Returns:
        (N, O, 2 H, 2 W), equal to `convolution(double(x))` up to rounding; that itself where it is to be learned from.
    """
    learning = torch.is_grad_enabled() or torch.compiler.is_exporting()
    if learning or x.shape[2] * x.shape[3] < _WORTHWHILE:
        made: Tensor = convolution(double(x))
        return made
    return _bordered(_inside(x, convolution.weight), x, convolution.weight)


def _inside(x: Tensor, weight: Tensor) -> Tensor:
    """The whole map, right everywhere but in the two rows and columns along the borders."""
    (count, _, height, width), channels = x.shape, weight.shape[0]
    pairs = _PAIRS.to(x.device)
    small = torch.einsum("pkh,qlw,oihw->pqoikl", pairs, pairs, weight.float()).flatten(0, 2).to(weight.dtype)
    fours = functional.conv2d(x, small.contiguous(memory_format=torch.channels_last), padding=1)
    # Rows of pairs to pairs of rows; both positions of a row and their channels stay together.
    places = fours.permute(0, 2, 3, 1).reshape(count, height, width, 2, 2 * channels).transpose(2, 3)
    return places.reshape(count, 2 * height, 2 * width, channels).permute(0, 3, 1, 2)


def _bordered(made: Tensor, x: Tensor, weight: Tensor) -> Tensor:
    """`made` with its two outermost rows and columns on each side taken from the map that is really doubled."""
    ends = (slice(2), slice(-2, None))
    for axis in (2, 3):
        for end, wide in zip(ends, (slice(3), slice(-3, None)), strict=True):
            border = double(x[_at(axis, end)])[_at(axis, wide)]
            before, after = (int(end is one) for one in ends)
            along = (1, 1, before, after) if axis == 2 else (before, after, 1, 1)
            made[_at(axis, end)] = functional.conv2d(functional.pad(border, along, mode="reflect"), weight)
    return made


def _at(axis: int, part: slice) -> tuple[slice, ...]:
    return (slice(None),) * axis + (part,)
