"""A feed-forward stylizer for processors without an accelerator: many named styles in one small network.

The plan is that of Johnson, Alahi and Fei-Fei (2016), the styles are rows of conditional instance normalisation
(Dumoulin, Shlens and Kudlur 2017). It departs from both where a CPU's time goes. The photo enters by pixel
unshuffling at a quarter of its resolution; half of the residual blocks work at an eighth, where strokes are planned,
half at a quarter, where they are drawn, with a skip connection for edges; and the last convolution makes the four
pixels of each position at half the resolution (Shi et al. 2016), so no feature map has the full resolution.

Grids are kept out at each step up: bilinear interpolation inside, and at the end a fixed blur over three pixels,
which has no response at the frequency of a checkerboard. Transposed convolutions are not used.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import Protocol

import torch
from torch import Tensor, nn
from torch.nn import functional

from shanshui.errors import ConfigError
from shanshui.networks.stylizers.doubled import convolve_doubled

_STRIDE = 8  # the body's resolution: sizes are padded up to a multiple of it
_LEAST = 2 * _STRIDE  # reflection needs two positions in the body

# Rows of a style learn only while that style is shown: they take steps this many times as long as the convolutions'
# (the equalised learning rate of Karras et al. 2018, which holds for Adam).
_STYLE_RATE = 5.0


@dataclass(frozen=True, kw_only=True)
class FeedForwardConfig:
    """What a `FeedForwardStylizer` is made of.

    Attributes:
        styles: names of the styles, in the order of the columns of `weights`.
        width: channels at a quarter of the resolution (half of it at half the resolution).
        blocks: residual blocks at a quarter of the resolution.
        deep_width: channels at an eighth of the resolution.
        deep_blocks: residual blocks at an eighth of the resolution.
    """

    styles: tuple[str, ...]
    width: int = 64
    blocks: int = 3
    deep_width: int = 96
    deep_blocks: int = 3

    def __post_init__(self) -> None:
        """Refuse configurations that no network can be built from."""
        if not self.styles or len(set(self.styles)) != len(self.styles):
            raise ConfigError(f"A stylizer needs one or more styles of different names, not {list(self.styles)}.")
        if self.width < 2 or self.deep_width < 1 or self.blocks < 0 or self.deep_blocks < 0:
            raise ConfigError(
                "A stylizer needs a width of at least 2, a deep_width of at least 1, and no fewer blocks than 0."
            )


class FeedForwardStylizer(nn.Module):
    """Photo and style weights to stylised photo, at any size.

    Works in the dtype of its parameters; with `.to(torch.bfloat16, memory_format=torch.channels_last)` it is about
    twice as fast on processors that have that format.
    """

    def __init__(self, config: FeedForwardConfig) -> None:
        super().__init__()
        self.config = config
        width, deep_width = config.width, config.deep_width
        norm = partial(ConditionalInstanceNorm, styles=len(config.styles))
        self.stem = ConvNorm(3 * 4**2, width, norm)
        self.down = ConvNorm(width, deep_width, norm, stride=2)
        self.deep = nn.ModuleList(ResidualBlock(deep_width, norm) for _ in range(config.deep_blocks))
        self.up_quarter = ConvNorm(deep_width, width, norm)
        self.fine = nn.ModuleList(ResidualBlock(width, norm) for _ in range(config.blocks))
        self.up_half = ConvNorm(width, width // 2, norm)
        self.to_rgb = nn.Conv2d(width // 2, 3 * 2**2, kernel_size=3, padding=1, padding_mode="reflect")

    def forward(self, photos: Tensor, weights: Tensor) -> Tensor:
        """Stylise `photos`.

        Args:
            photos: (N, 3, H, W) RGB in [-1, 1]; any H and W of at least 1.
            weights: (N, S) shares of the S styles; a row with a single 1 is that style, other rows blend the
                normalisation parameters of several (Dumoulin et al. section 3.3). Rows should sum to 1.

        Returns:
            (N, 3, H, W) RGB in [-1, 1], in the dtype of the parameters.

        Raises:
            ValueError: `weights` does not hold one share per photo and style.
        """
        expected = (photos.shape[0], len(self.config.styles))
        if tuple(weights.shape) != expected:
            raise ValueError(f"Style weights must have shape {expected}, not {tuple(weights.shape)}.")
        height, width = photos.shape[2:]
        return self.decode(self.encode(photos, weights), weights)[:, :, :height, :width]

    def encode(self, photos: Tensor, weights: Tensor) -> dict[str, Tensor]:
        """What the first half of the network sees in `photos`, which it extends to `padded_size`.

        Returns:
            `pixels`; `edges`, at a quarter of the resolution; `down` and, behind half of the deep blocks, `middle`, at
            an eighth.
        """
        dtype = self.to_rgb.weight.dtype
        weights = weights.to(dtype)
        pixels = extended(photos.to(dtype))
        edges = functional.relu_(self.stem(functional.pixel_unshuffle(pixels, 4), weights))
        down = functional.relu_(self.down(edges, weights))
        middle = down
        for block in self.deep[: self._half]:
            middle = block(middle, weights)
        return {"pixels": pixels, "edges": edges, "down": down, "middle": middle}

    def decode(self, features: Mapping[str, Tensor], weights: Tensor) -> Tensor:
        """The pictures that the second half makes of what `encode` returned, at the extended size."""
        weights = weights.to(self.to_rgb.weight.dtype)
        x = features["middle"]
        for block in self.deep[self._half :]:
            x = block(x, weights)
        x = functional.relu_(self.up_quarter.enlarged(x, weights).add_(features["edges"]))
        for block in self.fine:
            x = block(x, weights)
        x = functional.relu_(self.up_half.enlarged(x, weights))
        return torch.tanh(blur(functional.pixel_shuffle(self.to_rgb(x), 2)))

    @property
    def _half(self) -> int:
        """Deep blocks that belong to the first half."""
        return (len(self.deep) + 1) // 2

    def restyled(self, styles: tuple[str, ...]) -> "FeedForwardStylizer":
        """The same convolutions with other styles; one that is not known here begins as the mean of those that are."""
        known = self.config.styles

        def row(rows: Tensor, style: str) -> Tensor:
            return rows[known.index(style)] if style in known else rows.mean(0)

        return self._with_rows(styles, lambda name, rows: torch.stack([row(rows, style) for style in styles]))

    def joined(self, other: "FeedForwardStylizer") -> "FeedForwardStylizer":
        """This network, which knows the styles of `other` as well; it must have these convolutions.

        Raises:
            ConfigError: both know a style of the same name.
        """
        twice = set(self.config.styles) & set(other.config.styles)
        if twice:
            raise ConfigError(f"The model knows a style {min(twice)!r} already: give the new one another name.")
        added = other.state_dict()
        return self._with_rows(
            (*self.config.styles, *other.config.styles), lambda name, rows: torch.cat([rows, added[name]])
        )

    def _with_rows(self, styles: tuple[str, ...], rows: Callable[[str, Tensor], Tensor]) -> "FeedForwardStylizer":
        state = {
            name: rows(name, value) if name.rpartition(".")[2] in ("gamma", "beta") else value
            for name, value in self.state_dict().items()
        }
        network = FeedForwardStylizer(replace(self.config, styles=styles))
        network.load_state_dict(state)
        return network


class StyledNorm(Protocol):
    """An instance normalisation that a style gives its scale and shift."""

    epsilon: float

    def affine(self, style: Tensor) -> tuple[Tensor, Tensor]:
        """Scale and shift of each channel, (N, C) each, from what describes the styles of N photos."""

    def settle(self, mean: Tensor, variance: Tensor) -> tuple[Tensor, Tensor]:
        """The statistics (C,) to normalise with, for a picture that has these."""

    def __call__(self, x: Tensor, style: Tensor) -> Tensor:
        """(N, C, H, W) and the styles -> (N, C, H, W)."""


class ConvNorm(nn.Module):
    """A 3 x 3 convolution with reflected borders, followed by an instance normalisation that the style rules."""

    norm: StyledNorm

    def __init__(self, channels_in: int, channels: int, norm: Callable[[int], StyledNorm], *, stride: int = 1) -> None:
        """`norm` makes the normalisation of so many channels."""
        super().__init__()
        # No bias: the normalisation would take it away again.
        self.convolution = nn.Conv2d(
            channels_in, channels, kernel_size=3, stride=stride, padding=1, padding_mode="reflect", bias=False
        )
        self.norm = norm(channels)

    def forward(self, x: Tensor, style: Tensor) -> Tensor:
        """(N, C_in, H, W) and the styles -> (N, C, H / stride, W / stride)."""
        return self.norm(self.convolution(x), style)

    def enlarged(self, x: Tensor, style: Tensor) -> Tensor:
        """(N, C_in, H, W) and the styles -> (N, C, 2 H, 2 W): the same of the map that is doubled first."""
        return self.norm(convolve_doubled(x, self.convolution), style)


class ResidualBlock(nn.Module):
    """Two convolutions around an identity (He et al. 2016), without an activation after the sum."""

    def __init__(self, channels: int, norm: Callable[[int], StyledNorm]) -> None:
        super().__init__()
        self.first = ConvNorm(channels, channels, norm)
        self.second = ConvNorm(channels, channels, norm)

    def forward(self, x: Tensor, style: Tensor) -> Tensor:
        """(N, C, H, W) and the styles -> (N, C, H, W)."""
        change: Tensor = self.second(functional.relu_(self.first(x, style)), style)
        return change.add_(x)


class ConditionalInstanceNorm(nn.Module):
    """Instance normalisation whose scale and shift are a weighted mean of one (gamma, beta) row per style.

    z = gamma_s (x - mu) / sigma + beta_s over the positions of one channel of one image (Dumoulin et al. equation 5).
    """

    def __init__(self, channels: int, styles: int, *, epsilon: float = 1e-5) -> None:
        super().__init__()
        # Distances from (1, 0), divided by the rate of their steps.
        self.gamma = nn.Parameter(torch.zeros(styles, channels))
        self.beta = nn.Parameter(torch.zeros(styles, channels))
        self.epsilon = epsilon

    def rows(self) -> tuple[Tensor, Tensor]:
        """Scale and shift of every style, (S, C) each."""
        return 1 + _STYLE_RATE * self.gamma, _STYLE_RATE * self.beta

    def affine(self, style: Tensor) -> tuple[Tensor, Tensor]:
        """Shares (N, S) of the styles -> scale and shift, (N, C) each."""
        scale, shift = (style @ row for row in self.rows())
        return scale, shift

    def settle(self, mean: Tensor, variance: Tensor) -> tuple[Tensor, Tensor]:
        """The statistics of a picture (C,) as they are."""
        return mean, variance

    def forward(self, x: Tensor, style: Tensor) -> Tensor:
        """(N, C, H, W) and shares (N, S) -> (N, C, H, W)."""
        return normalised(x, *self.affine(style), epsilon=self.epsilon)


def normalised(x: Tensor, scale: Tensor, shift: Tensor, *, epsilon: float) -> Tensor:
    """Instance normalisation of (N, C, H, W), then `scale` and `shift` (N, C)."""
    if torch.compiler.is_exporting():  # graphs of others know instance normalisation, and not the way around it
        return functional.instance_norm(x, eps=epsilon) * scale[:, :, None, None] + shift[:, :, None, None]
    count, channels, height, width = x.shape
    # Every channel of every photo as a channel of one image: batch normalisation of that is instance
    # normalisation, in one fused pass with float32 statistics (an eighth of the time of `var_mean`).
    # One photo is that image already, and stays in its memory format.
    instances = x if count == 1 else x.reshape(1, count * channels, height, width)
    result = functional.batch_norm(instances, None, None, scale.flatten(), shift.flatten(), training=True, eps=epsilon)
    return result if count == 1 else result.reshape(count, channels, height, width)


def blur(pixels: Tensor) -> Tensor:
    """Filter with [1, 2, 1] / 4 along both sides: four sums of neighbours."""
    x = functional.pad(pixels.contiguous(), (1, 1, 1, 1), mode="replicate") / 16
    for _ in range(2):
        x = x[..., 1:] + x[..., :-1]
        x = x[..., 1:, :] + x[..., :-1, :]
    return x


def padded_size(height: int, width: int) -> tuple[int, int]:
    """The size to which the network extends a photo: both sides can be halved three times."""
    rows, columns = (max(_LEAST, -(-side // _STRIDE) * _STRIDE) for side in (height, width))
    return rows, columns


def extended(photos: Tensor) -> Tensor:
    """(N, C, H, W) at `padded_size`: longer at the right and the bottom, which the caller crops off again."""
    height, width = photos.shape[2:]
    rows, columns = padded_size(height, width)
    right, bottom = columns - width, rows - height
    if right == bottom == 0:
        return photos
    # A reflection cannot be longer than what it mirrors; tiny photos repeat their border instead.
    mode = "reflect" if right < width and bottom < height else "replicate"
    return functional.pad(photos, (0, right, 0, bottom), mode=mode)
