"""A stylizer that paints after any painting, in one pass, on processors without an accelerator.

An encoder sees photo and painting; features of the photo are given the distribution of the painting's (AdaIN, Huang
and Belongie 2017, https://arxiv.org/abs/1703.06868, or EFDM, see `matching`); a decoder makes the picture. The encoder
is a small network that learns to tell what VGG-19 tells at relu4_1; VGG-19 is not needed any more afterwards.

Departure, because a decoder that sees nothing but matched features forgets most of the style: the decoder is a
`FeedForwardStylizer` in which every normalisation gets scale and shift from a code of the painting, which a small
network makes of the encoder's statistics at several layers (Ghiasi et al. 2017, https://arxiv.org/abs/1705.06830, whose
code comes from an Inception network); the matched features join it where strokes are planned. So it can begin with what
a network of named styles has learned about brushes.

The encoder has no normalisation, for its statistics are what it is asked for.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn import functional

from shanshui.errors import ConfigError
from shanshui.networks.equalized import ACTIVATION_GAIN, SLOPE, EqualizedLinear
from shanshui.networks.stylizers.feedforward import (
    ConditionalInstanceNorm,
    ConvNorm,
    FeedForwardConfig,
    FeedForwardStylizer,
    ResidualBlock,
    blur,
    extended,
    normalised,
)
from shanshui.networks.stylizers.matching import EPSILON, match_order, quantiles, statistics
from shanshui.together import common_mean

Matching = Literal["moments", "order"]

_LEVELS = 64
"""Quantiles that describe one channel of a painting, where order is matched."""

LOOKING_SIDE = 256
"""Shorter side, in pixels, at which paintings are best looked at: near the scale at which the network learned."""

_CODE_SIZE = 0.3
"""Spread of the code's numbers at the beginning: a painting is then about as far from the mean of the styles that the
decoder begins with as those are."""


@dataclass(frozen=True, kw_only=True)
class ArbitraryConfig:
    """What an `ArbitraryStylizer` is made of.

    Attributes:
        styles: names of styles that are remembered, in the order of the rows of `remembered`.
        width, blocks, deep_width, deep_blocks: of the decoder, see `FeedForwardConfig`.
        encoder_width: channels of the encoder at a quarter of the resolution.
        encoder_deep_width: channels of the encoder at an eighth of the resolution.
        encoder_blocks: residual blocks of the encoder at an eighth of the resolution.
        code: numbers that tell the decoder of the painting.
        matching: what the photo's deepest features take over from the painting's: `moments`, mean and deviation, or
            `order`, all values in their order.
    """

    styles: tuple[str, ...] = ()
    width: int = 64
    blocks: int = 3
    deep_width: int = 96
    deep_blocks: int = 3
    encoder_width: int = 64
    encoder_deep_width: int = 128
    encoder_blocks: int = 2
    code: int = 64
    matching: Matching = "moments"

    def __post_init__(self) -> None:
        """Refuse configurations that no network can be built from."""
        if self.width < 2 or min(self.deep_width, self.encoder_width, self.encoder_deep_width, self.code) < 1:
            raise ConfigError("A stylizer needs a width of at least 2, and other widths and a code of at least 1.")
        if min(self.blocks, self.deep_blocks, self.encoder_blocks) < 0:
            raise ConfigError("A stylizer cannot have fewer blocks than 0.")
        if len(set(self.styles)) < len(self.styles):
            raise ConfigError(f"A stylizer needs styles of different names, not {list(self.styles)}.")
        if self.matching not in ("moments", "order"):
            raise ConfigError(f"Features can be matched by moments or by order, not by {self.matching!r}.")

    def fitting(self, painter: FeedForwardConfig) -> "ArbitraryConfig":
        """The same with the decoder of `painter`."""
        decoder = {name: getattr(painter, name) for name in ("width", "blocks", "deep_width", "deep_blocks")}
        return replace(self, **decoder)


class ArbitraryStylizer(nn.Module):
    """Photo and painting to stylised photo, each at any size.

    Works in the dtype of its parameters, as `FeedForwardStylizer` does.

    Attributes:
        remembered: what `style_of` told of the styles that have names, (S, K).
    """

    remembered: Tensor

    def __init__(self, config: ArbitraryConfig) -> None:
        super().__init__()
        self.config = config
        width, deep_width = config.width, config.deep_width
        norm = partial(CodeNorm, code=config.code)
        self.encoder = Encoder(config.encoder_width, config.encoder_deep_width, config.encoder_blocks)
        told = 2 * (3 + 2 * config.encoder_width + 2 * config.encoder_deep_width)
        self.describe = nn.Sequential(
            Standardised(told),
            EqualizedLinear(told, 4 * config.code, gain=ACTIVATION_GAIN),
            nn.LeakyReLU(SLOPE),
            EqualizedLinear(4 * config.code, config.code, gain=_CODE_SIZE),
        )
        self.join = nn.Conv2d(config.encoder_deep_width, deep_width, kernel_size=1)
        self.stem = ConvNorm(3 * 4**2, width, norm)
        self.down = ConvNorm(width, deep_width, norm, stride=2)
        self.deep = nn.ModuleList(ResidualBlock(deep_width, norm) for _ in range(config.deep_blocks))
        self.up_quarter = ConvNorm(deep_width, width, norm)
        self.fine = nn.ModuleList(ResidualBlock(width, norm) for _ in range(config.blocks))
        self.up_half = ConvNorm(width, width // 2, norm)
        self.to_rgb = nn.Conv2d(width // 2, 3 * 2**2, kernel_size=3, padding=1, padding_mode="reflect")
        values = _LEVELS if config.matching == "order" else 2
        told_of_one = config.code + values * config.encoder_deep_width
        self.register_buffer("remembered", torch.zeros(len(config.styles), told_of_one))

    def forward(self, photos: Tensor, paintings: Tensor) -> Tensor:
        """Paint `photos` after `paintings`.

        Args:
            photos: (N, 3, H, W) RGB in [-1, 1]; any H and W of at least 1.
            paintings: (N, 3, h, w) RGB in [-1, 1], likewise.

        Returns:
            (N, 3, H, W) RGB in [-1, 1], in the dtype of the parameters.
        """
        return self.paint(photos, self.style_of(paintings))

    def style_of(self, paintings: Tensor) -> Tensor:
        """All that `paint` needs of a painting; a weighted mean of several is a blend.

        Args:
            paintings: (N, 3, h, w) RGB in [-1, 1].

        Returns:
            float32 (N, K): first the code, then per channel what its values are matched to.
        """
        paintings = paintings.to(self.to_rgb.weight.dtype)
        layers = self.encoder.layers(extended(paintings))
        told = torch.cat([part for x in (paintings, *layers) for part in statistics(x)], dim=1)
        code = self.describe(told).float()
        deepest = layers[-1]
        wanted = quantiles(deepest, _LEVELS).flatten(1) if self.config.matching == "order" else _moments(deepest)
        return torch.cat([code, wanted], dim=1)

    def paint(self, photos: Tensor, styles: Tensor) -> Tensor:
        """Paint (N, 3, H, W) `photos` in `styles`, (N, K) from `style_of`."""
        height, width = photos.shape[2:]
        code, wanted = self.parts(styles)
        photos = extended(photos.to(self.to_rgb.weight.dtype))
        plan = self.join(self.matched(self.encoder(photos), wanted))
        edges = functional.relu_(self.stem(functional.pixel_unshuffle(photos, 4), code))
        x = functional.relu_(self.down(edges, code).add_(plan))
        for block in self.deep:
            x = block(x, code)
        x = functional.relu_(self.up_quarter.enlarged(x, code).add_(edges))
        for block in self.fine:
            x = block(x, code)
        x = functional.relu_(self.up_half.enlarged(x, code))
        pixels = blur(functional.pixel_shuffle(self.to_rgb(x), 2))
        return torch.tanh(pixels[:, :, :height, :width])

    def naming(self, styles: Mapping[str, Tensor]) -> "ArbitraryStylizer":
        """The same network with names for `styles`, (1, K) each from `style_of`, instead of those it has."""
        network = ArbitraryStylizer(replace(self.config, styles=tuple(styles)))
        remembered = torch.cat([self.remembered[:0], *styles.values()])
        network.load_state_dict({**self.state_dict(), "remembered": remembered})
        return network

    @torch.no_grad()
    def begin_from(self, painter: FeedForwardStylizer) -> None:
        """Take over all convolutions of `painter`, and its styles as the first numbers of the code.

        Raises:
            ConfigError: `painter` has other widths or blocks, or more styles than the code has numbers.
        """
        if self.config.fitting(painter.config) != self.config or len(painter.config.styles) > self.config.code:
            raise ConfigError(
                "A stylizer can begin from one with the same width, blocks, deep_width and deep_blocks and no more "
                "styles than its code has numbers."
            )
        for name, module in painter.named_modules():
            match module:
                case nn.Conv2d():
                    self.get_submodule(name).load_state_dict(module.state_dict())
                case ConditionalInstanceNorm():
                    norm = self.get_submodule(name)
                    assert isinstance(norm, CodeNorm)
                    norm.begin_from(module)

    def parts(self, styles: Tensor) -> tuple[Tensor, Tensor]:
        """(N, K) from `style_of` -> code (N, code) in the parameters' dtype, and (N, encoder_deep_width, values)."""
        code, wanted = styles.split([self.config.code, styles.shape[1] - self.config.code], dim=1)
        return code.to(self.to_rgb.weight.dtype), wanted.unflatten(1, (self.config.encoder_deep_width, -1))

    def matched(self, x: Tensor, wanted: Tensor) -> Tensor:
        """Features (N, C, H, W) of photos, matched to (N, C, values) of paintings."""
        if self.config.matching == "order":
            return match_order(x, wanted)
        mean, deviation = wanted.to(x.dtype).unbind(2)
        return normalised(x, deviation, mean, epsilon=EPSILON)


class Encoder(nn.Module):
    """Features at an eighth of the resolution; without normalisation."""

    def __init__(self, width: int, deep_width: int, blocks: int) -> None:
        super().__init__()
        self.stem = _convolution(3 * 4**2, width)
        self.fine = PlainBlock(width)
        self.down = _convolution(width, deep_width, stride=2)
        self.deep = nn.ModuleList(PlainBlock(deep_width) for _ in range(blocks))

    def forward(self, images: Tensor) -> Tensor:
        """(N, 3, H, W), both sides multiples of 8 -> (N, deep_width, H / 8, W / 8)."""
        return self.layers(images)[-1]

    def layers(self, images: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Features before and after the residual blocks, at a quarter and then at an eighth of the resolution."""
        early = functional.relu_(self.stem(functional.pixel_unshuffle(images, 4)))
        fine = self.fine(early)
        middle = functional.relu_(self.down(fine))
        deepest = middle
        for block in self.deep:
            deepest = block(deepest)
        return early, fine, middle, deepest


class PlainBlock(nn.Module):
    """Two convolutions around an identity, without normalisation; begins as the identity."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.first = _convolution(channels, channels)
        self.second = _convolution(channels, channels)
        nn.init.zeros_(self.second.weight)

    def forward(self, x: Tensor) -> Tensor:
        """(N, C, H, W) -> (N, C, H, W)."""
        change: Tensor = self.second(functional.relu_(self.first(x)))
        return change.add_(x)


class Standardised(nn.Module):
    """Numbers in units of their own spread around their own mean, over all that was seen in training.

    Batch normalisation with the running statistics in training, too, for a batch holds too few paintings.
    """

    mean: Tensor
    variance: Tensor
    seen: Tensor

    def __init__(self, count: int, *, memory: int = 200, epsilon: float = 1e-6) -> None:
        """`count` numbers; statistics over the last `memory` batches, about."""
        super().__init__()
        self.register_buffer("mean", torch.zeros(count))
        self.register_buffer("variance", torch.ones(count))
        self.register_buffer("seen", torch.tensor(0))
        self._memory, self._epsilon = memory, epsilon

    def forward(self, x: Tensor) -> Tensor:
        """(N, count) -> (N, count)."""
        if self.training:
            self._learn(x.detach().float())
        return (x - self.mean) * (self.variance + self._epsilon).rsqrt()

    @torch.no_grad()
    def _learn(self, x: Tensor) -> None:
        self.seen += 1
        share = 1 / self.seen.clamp(max=self._memory).float()
        self.mean.lerp_(common_mean(x.mean(0)), share)
        self.variance.lerp_(common_mean((x - self.mean).square().mean(0)), share)


class CodeNorm(nn.Module):
    """Instance normalisation whose scale and shift are linear in a code of the style."""

    def __init__(self, channels: int, code: int, *, epsilon: float = 1e-5) -> None:
        super().__init__()
        self.linear = nn.Linear(code, 2 * channels)
        self.epsilon = epsilon
        nn.init.zeros_(self.linear.bias)

    def begin_from(self, norm: ConditionalInstanceNorm) -> None:
        """The mean of all styles of `norm` for a code of zeros, and style number s for a one at place s."""
        scale, shift = norm.rows()
        rows = torch.cat([scale - 1, shift], dim=1)
        self.linear.bias.copy_(rows.mean(0))
        self.linear.weight[:, : len(rows)] = (rows - rows.mean(0)).T

    def affine(self, style: Tensor) -> tuple[Tensor, Tensor]:
        """Codes (N, code) -> scale and shift, (N, C) each."""
        scale, shift = self.linear(style).chunk(2, dim=1)
        return 1 + scale, shift

    def settle(self, mean: Tensor, variance: Tensor) -> tuple[Tensor, Tensor]:
        """The statistics of a picture (C,) as they are."""
        return mean, variance

    def forward(self, x: Tensor, style: Tensor) -> Tensor:
        """(N, C, H, W) and codes (N, code) -> (N, C, H, W)."""
        return normalised(x, *self.affine(style), epsilon=self.epsilon)


def _convolution(channels_in: int, channels: int, *, stride: int = 1) -> nn.Conv2d:
    convolution = nn.Conv2d(channels_in, channels, kernel_size=3, stride=stride, padding=1, padding_mode="reflect")
    nn.init.kaiming_normal_(convolution.weight, nonlinearity="relu")  # no normalisation would make up for a fading
    return convolution


def looked_at(painting: Tensor) -> Tensor:
    """(1, 3, h, w) reduced to `LOOKING_SIDE`; a smaller painting stays as it is."""
    height, width = painting.shape[2:]
    scale = LOOKING_SIDE / min(height, width)
    if scale >= 1:
        return painting
    size = (round(height * scale), round(width * scale))
    return functional.interpolate(painting, size=size, mode="bicubic", antialias=True, align_corners=False)


def _moments(x: Tensor) -> Tensor:
    """(N, C, H, W) -> (N, C x 2): mean and deviation of each channel beside each other."""
    return torch.stack(statistics(x), dim=2).flatten(1)
