"""Images at another size, made by rows when they are asked for: a print at several sizes does not fit into memory."""

import math

import torch
from torch import Tensor
from torch.nn import functional

from shanshui.networks.stylizers.maps import Rows

_SHARPNESS = -0.5  # of the cubic (Keys 1981), as in PyTorch's antialiased interpolation
_LOBES = 2.0


def scaled(source: Rows, height: int, width: int, new_height: int, new_width: int) -> Rows:
    """Rows of (1, C, height, width) in [-1, 1] as rows of (1, C, new_height, new_width).

    Bicubic and antialiased; any rows are the same as those of the whole in `torch.nn.functional.interpolate`.
    """

    def rows(first: int, last: int) -> Tensor:
        weights, low = _weights(height, new_height, first, last)
        taken = source(low, low + weights.shape[1]).float()
        across = functional.interpolate(
            taken, size=(taken.shape[2], new_width), mode="bicubic", antialias=True, align_corners=False
        )
        return torch.einsum("or,ncrw->ncow", weights.to(across.device), across).clamp_(-1, 1)

    return rows


def _weights(side: int, new_side: int, first: int, last: int) -> tuple[Tensor, int]:
    """What rows `first` to `last` take from which rows: (last - first, n), and the first of these n."""
    step = side / new_side
    wide = max(step, 1.0)
    reach = _LOBES * wide
    centres = (torch.arange(first, last, dtype=torch.float64) + 0.5) * step
    low = max(0, math.floor(float(centres[0]) - reach))
    high = min(side, math.ceil(float(centres[-1]) + reach) + 1)
    distance = ((torch.arange(low, high) + 0.5)[None] - centres[:, None]).abs() / wide
    a = _SHARPNESS
    near = ((a + 2) * distance - (a + 3)) * distance.square() + 1
    far = ((distance - 5) * distance + 8) * distance * a - 4 * a
    weights = torch.where(distance < 1, near, torch.where(distance < _LOBES, far, 0.0))
    return (weights / weights.sum(1, keepdim=True)).float(), low
