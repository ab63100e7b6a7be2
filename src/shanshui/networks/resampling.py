"""Convolutions that change size, without the work that naive resampling wastes.

Nearest-neighbour enlargement, average pooling and convolution are all linear and shift-invariant, so they may trade
places. A 3 x 3 convolution that runs where there are fewest positions, plus one average over 2 x 2 neighbours, gives
the same numbers as "enlarge, then convolve" or "convolve, then pool", for a quarter of the products.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from shanshui.networks.normalization import Normalization, convolution


class EnlargingConvolution(nn.Module):
    """Nearest-neighbour x 2, then a 3 x 3 convolution with zero padding, no bias: (N, C, H, W) -> (N, C', 2H, 2W).

    Enlarging is "put zeros between, then sum 2 x 2 neighbours". The sum moves behind the convolution, and what stays
    in front of the sum is a transposed convolution. Its kernel (C, C', 3, 3) is the mirrored one of the convolution.
    """

    def __init__(self, channels_in: int, channels_out: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.empty(channels_in, channels_out, 3, 3))
        nn.init.xavier_uniform_(self.weight)

    def forward(self, x: Tensor) -> Tensor:
        # The sum is four times the mean; the factor is cheapest on the weight.
        return F.avg_pool2d(F.conv_transpose2d(x, 4 * self.weight, stride=2), 2, stride=1)


def halving_convolution(normalization: Normalization, channels_in: int, channels_out: int) -> nn.Sequential:
    """A 3 x 3 convolution with zero padding, then 2 x 2 average pooling: (N, C, H, W) -> (N, C', H // 2, W // 2).

    The average moves in front of the convolution, which then makes only every second row and column.
    """
    average = nn.AvgPool2d(2, stride=1, padding=1)
    return nn.Sequential(average, convolution(normalization, channels_in, channels_out, 3, stride=2))
