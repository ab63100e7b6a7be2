"""Feed-forward stylizers on photos of any size in bounded memory, with the statistics of the whole photo.

Tiles that are stylised one by one differ, because instance normalisation adapts to each. Here every layer goes over
the whole photo, a strip of rows at a time, before the next one begins: its output is kept raw (`Map`) while mean and
variance are gathered, and the normalisation is applied when the next layer reads. Each convolution is computed once, as
in the untiled network, and the result equals it up to the rounding of the statistics.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator

import torch
from torch import Tensor, nn
from torch.nn import functional

from shanshui.networks.filters import double
from shanshui.networks.stylizers.arbitrary import ArbitraryStylizer, PlainBlock
from shanshui.networks.stylizers.feedforward import (
    ConvNorm,
    FeedForwardStylizer,
    ResidualBlock,
    blur,
    padded_size,
)
from shanshui.networks.stylizers.maps import Finish, Map, Room, Rows, Statistics
from shanshui.networks.stylizers.matching import EPSILON

_STRIP_BYTES = 4 << 20
"""Of a layer's output at once; its surroundings take about four times as much, which is used again by the next strip:
more would go back to the system each time (`memory`), and come from it again page by page."""


def paint_in_strips(
    network: FeedForwardStylizer | ArbitraryStylizer,
    photo: Rows,
    height: int,
    width: int,
    style: Tensor,
    *,
    room: int,
) -> Iterator[Tensor]:
    """What `network` makes of a photo, strip by strip from the top.

    Args:
        network: in evaluation mode.
        photo: rows of (1, 3, H, W) RGB in [-1, 1].
        height: H of the photo.
        width: W of the photo.
        style: what the network takes beside the photo: (1, S) shares of its styles, or (1, K) of a painting.
        room: bytes of feature maps that may be in memory; the rest goes to temporary files.

    Returns:
        (1, 3, n, W) RGB in [-1, 1] in the dtype of the network, all strips together H rows.
    """
    if isinstance(network, ArbitraryStylizer):
        return _ExampleStrips(network, style, Room(room)).paint(photo, height, width)
    return _NamedStrips(network, style.to(network.to_rgb.weight.dtype), Room(room)).paint(photo, height, width)


class Passes:
    """Convolutions of whole maps, a strip of rows at a time."""

    def __init__(self, like: Tensor, room: Room) -> None:
        """Maps of the dtype and device of `like` within `room`."""
        self._like, self._room = like, room

    def _convolved(
        self,
        convolution: nn.Conv2d,
        source: Rows,
        height: int,
        width: int,
        *,
        stride: int = 1,
        rectify: bool = False,
        seen: Callable[[Tensor], None] | None = None,
    ) -> Map:
        """A convolution of a map of height x width, and a ReLU if asked for; `seen` hears of all rows."""
        weight, bias = convolution.weight, convolution.bias
        reach = weight.shape[2] // 2
        out = Map(weight.shape[0], height // stride, width // stride, like=self._like, room=self._room)
        step = self._step(out)
        for first in range(0, out.height, step):
            last = min(first + step, out.height)
            rows = surrounded(source, stride * first - reach, stride * (last - 1) + reach + 1, height, reach)
            convolved = functional.conv2d(rows, weight, bias, stride=stride)
            if seen is not None:
                seen(convolved)
            out.write(first, functional.relu(convolved) if rectify else convolved)
        return out

    def _step(self, out: Map) -> int:
        row = out.width * out.channels * self._like.element_size()
        return max(4, _STRIP_BYTES // row)


class _Strips(Passes, ABC):
    """The half of the networks that is the same for all: from a map at an eighth of the resolution to pixels."""

    def __init__(self, network: FeedForwardStylizer | ArbitraryStylizer, style: Tensor, room: Room) -> None:
        """`style` is what normalisations take, in the dtype of `network`."""
        super().__init__(network.to_rgb.weight, room)
        self._decoder, self._style = network, style

    @abstractmethod
    def _encoded(self, source: Rows, height: int, width: int) -> tuple[Map, Map]:
        """Edges at a quarter of the resolution, height x width, and what is decoded, at an eighth."""

    def paint(self, photo: Rows, height: int, width: int) -> Iterator[Tensor]:
        decoder = self._decoder
        rows, columns = padded_size(height, width)
        edges, x = self._encoded(_unshuffled(photo, height, width, self._like), rows // 4, columns // 4)
        for block in decoder.deep:
            self._block(block, x)
        upper = self._layer(decoder.up_quarter, doubled(x.rows, x.height), 2 * x.height, 2 * x.width)
        x.close()
        upper.add(edges.rows, step=self._step(upper), rectify=True)
        edges.close()
        for block in decoder.fine:
            self._block(block, upper)
        half = self._layer(
            decoder.up_half, doubled(upper.rows, upper.height), 2 * upper.height, 2 * upper.width, rectify=True
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
        statistics = Statistics()
        out = self._convolved(layer.convolution, source, height, width, stride=stride, seen=statistics.add)
        scale, shift = (each[0] for each in layer.norm.affine(self._style))
        moments = layer.norm.settle(*statistics.moments())
        out.finish(Finish.normalising(moments, (scale, shift), layer.norm.epsilon, rectify=rectify))
        return out

    def _pixels(self, half: Map, height: int, width: int) -> Iterator[Tensor]:
        """The last convolution, its pixels put in their places, the blur and the range."""
        to_rgb, step = self._decoder.to_rgb, self._step(half)
        for first in range(0, half.height, step):
            last = min(first + step, half.height)
            # The blur wants one row of pixels more on both sides.
            top, bottom = max(first - 1, 0), min(last + 1, half.height)
            around = surrounded(half.rows, top - 1, bottom + 1, half.height, 1)
            pixels = functional.pixel_shuffle(functional.conv2d(around, to_rgb.weight, to_rgb.bias), 2)
            inside = blur(pixels)[:, :, 2 * (first - top) : 2 * (last - top), :width]
            yield torch.tanh(inside[:, :, : max(0, height - 2 * first)])


class _NamedStrips(_Strips):
    def __init__(self, network: FeedForwardStylizer, weights: Tensor, room: Room) -> None:
        super().__init__(network, weights, room)
        self._network = network

    def _encoded(self, source: Rows, height: int, width: int) -> tuple[Map, Map]:
        edges = self._layer(self._network.stem, source, height, width, rectify=True)
        return edges, self._layer(self._network.down, edges.rows, height, width, stride=2, rectify=True)


class _ExampleStrips(_Strips):
    def __init__(self, network: ArbitraryStylizer, style: Tensor, room: Room) -> None:
        code, self._wanted = network.parts(style)
        super().__init__(network, code, room)
        self._network = network

    def _encoded(self, source: Rows, height: int, width: int) -> tuple[Map, Map]:
        network = self._network
        plan = self._plan(source, height, width)
        edges = self._layer(network.stem, source, height, width, rectify=True)
        x = self._layer(network.down, edges.rows, height, width, stride=2)
        x.add(plan.rows, step=self._step(x), rectify=True)
        plan.close()
        return edges, x

    def _plan(self, source: Rows, height: int, width: int) -> Map:
        encoder = self._network.encoder
        fine = self._convolved(encoder.stem, source, height, width, rectify=True)
        self._plain_block(encoder.fine, fine)
        x = self._convolved(encoder.down, fine.rows, height, width, stride=2, rectify=True)
        fine.close()
        for block in encoder.deep:
            self._plain_block(block, x)
        self._match(x)
        plan = self._convolved(self._network.join, x.rows, x.height, x.width)
        x.close()
        return plan

    def _match(self, x: Map) -> None:
        """Give x the distribution that the painting wants."""
        if self._network.config.matching == "order":
            # Ranks are of the whole map, which has a sixty-fourth of the photo's positions.
            x.write(0, self._network.matched(x.rows(0, x.height), self._wanted))
            return
        statistics, step = Statistics(), self._step(x)
        for first in range(0, x.height, step):
            statistics.add(x.rows(first, min(first + step, x.height)))
        mean, deviation = self._wanted[0].to(self._like.dtype).unbind(1)
        x.finish(Finish.normalising(statistics.moments(), (deviation, mean), EPSILON, rectify=False))

    def _plain_block(self, block: nn.Module, x: Map) -> None:
        """x + second(relu(first(x))) without normalisation, in the place of x."""
        assert isinstance(block, PlainBlock)
        inner = self._convolved(block.first, x.rows, x.height, x.width, rectify=True)
        change = self._convolved(block.second, inner.rows, x.height, x.width)
        inner.close()
        x.add(change.rows, step=self._step(x))
        change.close()


def surrounded(source: Rows, first: int, last: int, height: int, reach: int) -> Tensor:
    """Rows `first` to `last` with `reach` columns more on both sides, reflected where the map ends."""
    rows = source(max(first, 0), min(last, height))
    return functional.pad(rows, (reach, reach, max(0, -first), max(0, last - height)), mode="reflect")


def doubled(source: Rows, height: int) -> Rows:
    """The rows of a map that is twice as large, made from those of `source`."""

    def rows(first: int, last: int) -> Tensor:
        low, high = max((first - 1) // 2, 0), min(last // 2 + 1, height)
        return double(source(low, high))[:, :, first - 2 * low : last - 2 * low]

    return rows


def extended_rows(photo: Rows, height: int, width: int, like: Tensor) -> Rows:
    """The rows of a photo as a network extends it, in the dtype and on the device of `like`."""
    below, right = (whole - part for whole, part in zip(padded_size(height, width), (height, width), strict=True))
    mode = "reflect" if right < width and below < height else "replicate"

    def rows(first: int, last: int) -> Tensor:
        # What lies beyond the last row mirrors rows above it.
        start = min(first, max(height - below - 1, 0)) if last > height else first
        pixels = photo(start, min(last, height)).to(like.device, like.dtype)
        pixels = functional.pad(pixels, (0, right, 0, max(0, last - height)), mode=mode)
        return pixels[:, :, first - start :]

    return rows


def _unshuffled(photo: Rows, height: int, width: int, like: Tensor) -> Rows:
    """An extended photo with 4 x 4 pixels as channels of one position."""
    pixels = extended_rows(photo, height, width, like)
    return lambda first, last: functional.pixel_unshuffle(pixels(4 * first, 4 * last), 4)
