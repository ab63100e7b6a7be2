"""A feed-forward stylizer with the statistics of another picture: each part of a photo can then be painted by itself.

Instance normalisation makes every pixel depend on the whole photo. With given statistics it is a scale and a shift of
each channel, which go into the convolution before it, and a strip of rows depends on its near surroundings alone. The
whole photo is painted in one pass, in less time than with its own statistics (`strips`), and nearly the same
when the other picture is a sample of the photo.
"""

from collections.abc import Iterator
from copy import deepcopy

import torch
from torch import Tensor, nn

from shanshui.networks.stylizers.feedforward import ConditionalInstanceNorm, ConvNorm, FeedForwardStylizer
from shanshui.networks.stylizers.maps import Rows

_GRID = 8
"""Pixels: the network's own grid, on which strips have to lie."""

_BEYOND = 112
"""Pixels beyond a strip that it depends on: the reach of the convolutions (105), brought to the grid."""

_MAP_BYTES = 120
"""Bytes of feature maps for each pixel that is painted at once, at most."""


def with_statistics_of(network: FeedForwardStylizer, photo: Tensor, weights: Tensor) -> FeedForwardStylizer:
    """A copy of `network` that paints every picture with the statistics that `photo` has, in one blend of styles.

    Args:
        network: in evaluation mode.
        photo: (1, 3, H, W) RGB in [-1, 1].
        weights: (1, S) shares of the styles; those that the copy is given later are not looked at.
    """
    copy = deepcopy(network)
    layers = [module for module in copy.modules() if isinstance(module, ConvNorm)]
    for layer in layers:
        layer.norm = _Folding(layer, weights)  # type: ignore[assignment]
    copy(photo, weights)
    return copy


def paint_with_fixed_statistics(
    network: FeedForwardStylizer, photo: Rows, height: int, width: int, weights: Tensor, *, room: int
) -> Iterator[Tensor]:
    """What a network `with_statistics_of` a sample makes of a photo, strip by strip; as `strips.paint_in_strips`."""
    fits = room // (width * _MAP_BYTES) - 2 * _BEYOND
    step = max(_BEYOND, fits // _GRID * _GRID)
    for first in range(0, height, step):
        last = min(first + step, height)
        low, high = max(first - _BEYOND, 0), min(last + _BEYOND, height)
        yield network(photo(low, high), weights)[:, :, first - low : last - low]


class _Folding(nn.Module):
    """Normalises the first picture that comes, and puts how it did it into the convolution for all later ones."""

    def __init__(self, layer: ConvNorm, weights: Tensor) -> None:
        super().__init__()
        assert isinstance(layer.norm, ConditionalInstanceNorm)
        self._norm, self._layer, self._weights = layer.norm, [layer], weights  # a list hides the cycle from PyTorch

    def forward(self, x: Tensor, weights: Tensor) -> Tensor:
        layer, norm = self._layer[0], self._norm
        scale, shift = ((self._weights.double() @ row.double())[0] for row in norm.rows())
        variance, mean = torch.var_mean(x.double(), (0, 2, 3), correction=0)
        steepness = scale / (variance + norm.epsilon).sqrt()
        old = layer.convolution
        folded = nn.Conv2d(
            old.in_channels,
            old.out_channels,
            kernel_size=3,
            stride=(old.stride[0], old.stride[1]),
            padding=1,
            padding_mode="reflect",
            device=old.weight.device,
            dtype=old.weight.dtype,
        )
        folded.weight.data = (old.weight.double() * steepness[:, None, None, None]).to(old.weight.dtype)
        folded.bias.data = (shift - mean * steepness).to(old.weight.dtype)  # type: ignore[union-attr]
        layer.convolution = folded.to(memory_format=torch.channels_last).requires_grad_(False)  # type: ignore[call-overload]
        layer.norm = _Done()  # type: ignore[assignment]
        result: Tensor = norm(x, self._weights.to(x.dtype))
        return result


class _Done(nn.Module):
    def forward(self, x: Tensor, weights: Tensor) -> Tensor:
        return x
