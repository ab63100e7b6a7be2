"""A feed-forward stylizer on photos of any size in bounded memory, with the statistics of the whole photo.

Tiles that are stylised one by one differ, because instance normalisation adapts to each. Here every layer goes over
the whole photo, a strip of rows at a time, before the next one begins: its output is kept raw (`Map`) while mean and
variance are gathered, and the normalisation is applied when the next layer reads. Each convolution is computed once, as
in the untiled network, and the result equals it up to the rounding of the statistics.
"""

from collections.abc import Iterator

import torch
from torch import Tensor, nn
from torch.nn import functional

from shanshui.networks.stylizers.feedforward import (
    ConvNorm,
    FeedForwardStylizer,
    ResidualBlock,
    blur,
    double,
    padded_size,
)
from shanshui.networks.stylizers.maps import Finish, Map, Room, Rows, Statistics

_STRIP_BYTES = 24 << 20
"""Of a layer's output at once; its surroundings take about four times as much."""


def paint_in_strips(
    network: FeedForwardStylizer, photo: Rows, height: int, width: int, weights: Tensor, *, room: int
) -> Iterator[Tensor]:
    """What `network` makes of a photo, strip by strip from the top.

    Args:
        network: in evaluation mode.
        photo: rows of (1, 3, H, W) RGB in [-1, 1].
        height: H of the photo.
        width: W of the photo.
        weights: (1, S) shares of the styles.
        room: bytes of feature maps that may be in memory; the rest goes to temporary files.

    Returns:
        (1, 3, n, W) RGB in [-1, 1] in the dtype of the network, all strips together H rows.
    """
    return _Strips(network, weights, Room(room)).paint(photo, height, width)


class _Strips:
    def __init__(self, network: FeedForwardStylizer, weights: Tensor, room: Room) -> None:
        self._network, self._room = network, room
        self._like = network.to_rgb.weight
        self._weights = weights.to(self._like.dtype)

    def paint(self, photo: Rows, height: int, width: int) -> Iterator[Tensor]:
        network = self._network
        rows, columns = padded_size(height, width)
        source = _unshuffled(photo, height, width, self._like)
        edges = self._layer(network.stem, source, rows // 4, columns // 4, rectify=True)
        x = self._layer(network.down, edges.rows, edges.height, edges.width, stride=2, rectify=True)
        for block in network.deep:
            self._block(block, x)
        upper = self._layer(network.up_quarter, _doubled(x.rows, x.height), 2 * x.height, 2 * x.width)
        x.close()
        upper.add(edges.rows, step=self._step(upper), rectify=True)
        edges.close()
        for block in network.fine:
            self._block(block, upper)
        half = self._layer(
            network.up_half, _doubled(upper.rows, upper.height), 2 * upper.height, 2 * upper.width, rectify=True
        )
        upper.close()
        yield from self._pixels(half, height, width)
        half.close()

    def _block(self, block: nn.Module, x: Map) -> None:
        """x + second(relu(first(x))), in the place of x."""
        assert isinstance(block, ResidualBlock)
        inner = self._layer(block.first, x.rows, x.height, x.width, rectify=True)
        change = self._layer(block.second, inner.rows, x.height, x.width)
        inner.close()
        x.add(change.rows, step=self._step(x))
        change.close()

    def _layer(
        self, layer: ConvNorm, source: Rows, height: int, width: int, *, stride: int = 1, rectify: bool = False
    ) -> Map:
        """A convolution of a map of height x width, to be normalised when it is read."""
        weight = layer.convolution.weight
        out = Map(weight.shape[0], height // stride, width // stride, like=self._like, room=self._room)
        statistics, step = Statistics(), self._step(out)
        for first in range(0, out.height, step):
            last = min(first + step, out.height)
            rows = _surrounded(source, stride * first - 1, stride * (last - 1) + 2, height)
            convolved = functional.conv2d(rows, weight, stride=stride)
            statistics.add(convolved)
            out.write(first, convolved)
        scale, shift = ((self._weights @ row)[0] for row in layer.norm.rows())
        moments = layer.norm.settle(*statistics.moments())
        out.finish(Finish.normalising(moments, (scale, shift), layer.norm.epsilon, rectify=rectify))
        return out

    def _pixels(self, half: Map, height: int, width: int) -> Iterator[Tensor]:
        """The last convolution, its pixels put in their places, the blur and the range."""
        to_rgb, step = self._network.to_rgb, self._step(half)
        for first in range(0, half.height, step):
            last = min(first + step, half.height)
            # The blur wants one row of pixels more on both sides.
            top, bottom = max(first - 1, 0), min(last + 1, half.height)
            around = _surrounded(half.rows, top - 1, bottom + 1, half.height)
            pixels = functional.pixel_shuffle(functional.conv2d(around, to_rgb.weight, to_rgb.bias), 2)
            inside = blur(pixels)[:, :, 2 * (first - top) : 2 * (last - top), :width]
            yield torch.tanh(inside[:, :, : max(0, height - 2 * first)])

    def _step(self, out: Map) -> int:
        row = out.width * out.channels * self._like.element_size()
        return max(4, _STRIP_BYTES // row)


def _surrounded(source: Rows, first: int, last: int, height: int) -> Tensor:
    """Rows `first` to `last` with a column more on both sides, reflected where the map ends."""
    rows = source(max(first, 0), min(last, height))
    return functional.pad(rows, (1, 1, max(0, -first), max(0, last - height)), mode="reflect")


def _doubled(source: Rows, height: int) -> Rows:
    """The rows of a map that is twice as large, made from those of `source`."""

    def rows(first: int, last: int) -> Tensor:
        low, high = max((first - 1) // 2, 0), min(last // 2 + 1, height)
        return double(source(low, high))[:, :, first - 2 * low : last - 2 * low]

    return rows


def _unshuffled(photo: Rows, height: int, width: int, like: Tensor) -> Rows:
    """A photo, extended as the network extends it, with 4 x 4 pixels as channels of one position."""
    below, right = (whole - part for whole, part in zip(padded_size(height, width), (height, width), strict=True))
    mode = "reflect" if right < width and below < height else "replicate"

    def rows(first: int, last: int) -> Tensor:
        # What lies beyond the last row mirrors rows above it.
        top, bottom = 4 * first, 4 * last
        start = min(top, max(height - below - 1, 0)) if bottom > height else top
        pixels = photo(start, min(bottom, height)).to(like.device, like.dtype)
        pixels = functional.pad(pixels, (0, right, 0, max(0, bottom - height)), mode=mode)
        return functional.pixel_unshuffle(pixels[:, :, top - start :], 4)

    return rows
