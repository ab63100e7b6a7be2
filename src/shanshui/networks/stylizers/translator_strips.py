"""`ResNetTranslator` on photos of any size in bounded memory, with the statistics of the whole photo; see `strips`."""

from collections.abc import Iterator

import torch
from torch import Tensor, nn
from torch.nn import functional

from shanshui.networks.stylizers.feedforward import padded_size
from shanshui.networks.stylizers.maps import Finish, Map, Room, Rows, Statistics
from shanshui.networks.stylizers.strips import Passes, doubled, extended_rows, surrounded
from shanshui.networks.stylizers.translators import Block, PlainNorm, ResNetTranslator


def translate_in_strips(
    network: ResNetTranslator, photo: Rows, height: int, width: int, *, room: int
) -> Iterator[Tensor]:
    """What `network` makes of a photo, strip by strip from the top.

    Args:
        network: in evaluation mode.
        photo: rows of (1, 3, H, W) RGB in [-1, 1].
        height: H of the photo.
        width: W of the photo.
        room: bytes of feature maps that may be in memory; the rest goes to temporary files.

    Returns:
        (1, 3, n, W) RGB in [-1, 1] in the dtype of the network, all strips together H rows.
    """
    return _TranslatorStrips(network, Room(room)).paint(photo, height, width)


class _TranslatorStrips(Passes):
    def __init__(self, network: ResNetTranslator, room: Room) -> None:
        super().__init__(network.to_rgb.weight, room)
        self._network = network

    def paint(self, photo: Rows, height: int, width: int) -> Iterator[Tensor]:
        """The network's layers in their order."""
        network = self._network
        full = self._layer(network.stem, extended_rows(photo, height, width, self._like), *padded_size(height, width))
        half = self._next(network.down_half, full, stride=2)
        x = self._next(network.down_quarter, half, stride=2)
        for block in network.blocks:
            self._block(block, x)
        for up in (network.up_half, network.up_full):
            upper = self._layer(up, doubled(x.rows, x.height), 2 * x.height, 2 * x.width)
            x.close()
            x = upper
        yield from self._pixels(x, height, width)
        x.close()

    def _next(self, layer: nn.Sequential, x: Map, *, stride: int = 1) -> Map:
        """`layer` of x, which is gone then."""
        out = self._layer(layer, x.rows, x.height, x.width, stride=stride)
        x.close()
        return out

    def _block(self, block: nn.Module, x: Map) -> None:
        """x + second(first(x)), in the place of x."""
        assert isinstance(block, Block)
        inner = self._layer(block.first, x.rows, x.height, x.width)
        change = self._next(block.second, inner)
        x.add(change.rows, step=self._step(x))
        change.close()

    def _layer(self, layer: nn.Sequential, source: Rows, height: int, width: int, *, stride: int = 1) -> Map:
        """Convolution, instance norm and perhaps ReLU of a map of height x width; the latter when it is read."""
        convolution, norm = layer[0], layer[1]
        assert isinstance(convolution, nn.Conv2d) and isinstance(norm, PlainNorm)
        statistics = Statistics()
        out = self._convolved(convolution, source, height, width, stride=stride, seen=statistics.add)
        ones = torch.ones(out.channels, device=self._like.device)
        affine = ones, torch.zeros_like(ones)
        out.finish(Finish.normalising(statistics.moments(), affine, norm.epsilon, rectify=len(layer) > 2))
        return out

    def _pixels(self, x: Map, height: int, width: int) -> Iterator[Tensor]:
        to_rgb, step = self._network.to_rgb, self._step(x)
        reach = to_rgb.kernel_size[0] // 2
        for first in range(0, height, step):
            last = min(first + step, height)
            around = surrounded(x.rows, first - reach, last + reach, x.height, reach)
            yield torch.tanh(functional.conv2d(around, to_rgb.weight, to_rgb.bias))[:, :, :, :width]
