"""Translators: photos become pictures of one kind, learned from two sets of images without pairs.

An encoder half tells what is where, a decoder half draws it anew; learners without pairs compare what the encoder sees
in a photo and in its translation. `ResNetTranslator` is the generator of CycleGAN (Zhu et al. 2017,
https://arxiv.org/abs/1703.10593, appendix 7.2) and CUT (Park et al. 2020, https://arxiv.org/abs/2007.15651);
`LightTranslator` is a `FeedForwardStylizer`, made for processors without an accelerator: a thirtieth of the arithmetic.
"""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from shanshui.errors import ConfigError
from shanshui.networks.filters import double
from shanshui.networks.normalization import draw_small_normal
from shanshui.networks.stylizers.feedforward import (
    FeedForwardConfig,
    FeedForwardStylizer,
    extended,
    normalised,
)


@dataclass(frozen=True, kw_only=True)
class TranslatorConfig:
    """What the configurations of all translators share.

    Attributes:
        style: the name of what photos become.
    """

    style: str = "painting"

    def __post_init__(self) -> None:
        """Refuse configurations that no network can be built from."""
        if not self.style:
            raise ConfigError("What a translator paints needs a name, for instance monet.")


class Translator(nn.Module, ABC):
    """Images (N, 3, H, W) in [-1, 1], any H and W of at least 1, to pictures of the same shape in one style.

    Works in the dtype of its parameters.
    """

    config: TranslatorConfig

    @property
    @abstractmethod
    def channels(self) -> Mapping[str, int]:
        """The maps that `encode` returns, from the pixels inwards: name -> channels."""

    @abstractmethod
    def encode(self, images: Tensor) -> dict[str, Tensor]:
        """What the encoder sees in (N, 3, H, W): the maps named in `channels`, each (N, C, h, w)."""

    @abstractmethod
    def decode(self, features: Mapping[str, Tensor]) -> Tensor:
        """Pictures from what `encode` returned, perhaps longer than the images at the right and the bottom."""

    def translate(self, images: Tensor) -> tuple[Tensor, dict[str, Tensor]]:
        """Pictures (N, 3, H, W) and the maps of `encode` on the way to them, in the dtype of the parameters."""
        height, width = images.shape[2:]
        features = self.encode(images)
        return self.decode(features)[:, :, :height, :width], features

    def forward(self, images: Tensor) -> Tensor:
        """(N, 3, H, W) in [-1, 1] -> the same shape and range."""
        return self.translate(images)[0]


@dataclass(frozen=True, kw_only=True)
class ResNetTranslatorConfig(TranslatorConfig):
    """What a `ResNetTranslator` is made of.

    Attributes:
        width: channels at the full resolution; two and four times as many at half and a quarter of it.
        blocks: residual blocks at a quarter of the resolution.
    """

    width: int = 64
    blocks: int = 9

    def __post_init__(self) -> None:
        """Refuse configurations that no network can be built from."""
        super().__post_init__()
        if self.width < 1 or self.blocks < 2:
            raise ConfigError("A translator needs a width of at least 1 and at least 2 blocks.")


class ResNetTranslator(Translator):
    """c7s1-64, d128, d256, 9 x R256, u128, u64, c7s1-3 in the words of CycleGAN's authors.

    Instance norm without scale and shift, reflected borders, weights from N(0, 0.02). Departures: steps up are bilinear
    interpolation and a convolution instead of a transposed one, which draws grids (Odena, Dumoulin and Olah 2016); the
    encoder's maps are taken behind their activation, where the authors of CUT take them in front of the norm.
    """

    config: ResNetTranslatorConfig

    def __init__(self, config: ResNetTranslatorConfig) -> None:
        """Weights from torch's global generator."""
        super().__init__()
        self.config = config
        width = config.width
        self.stem = _convolution(3, width, kernel=7)
        self.down_half = _convolution(width, 2 * width, stride=2)
        self.down_quarter = _convolution(2 * width, 4 * width, stride=2)
        self.blocks = nn.ModuleList(Block(4 * width) for _ in range(config.blocks))
        self.up_half = _convolution(4 * width, 2 * width)
        self.up_full = _convolution(2 * width, width)
        self.to_rgb = nn.Conv2d(width, 3, kernel_size=7, padding=3, padding_mode="reflect")
        draw_small_normal(self)

    @property
    def channels(self) -> Mapping[str, int]:
        """The pixels, the maps at half and a quarter, and behind the first and the middle block: CUT's five."""
        width = self.config.width
        return {"pixels": 3, "at_half": 2 * width, "at_quarter": 4 * width, "first": 4 * width, "middle": 4 * width}

    def encode(self, images: Tensor) -> dict[str, Tensor]:
        """See `Translator`."""
        pixels = extended(images.to(self.to_rgb.weight.dtype))
        half = self.down_half(self.stem(pixels))
        quarter = self.down_quarter(half)
        first = self.blocks[0](quarter)
        middle = first
        for block in self.blocks[1 : self._middle]:
            middle = block(middle)
        return {"pixels": pixels, "at_half": half, "at_quarter": quarter, "first": first, "middle": middle}

    def decode(self, features: Mapping[str, Tensor]) -> Tensor:
        """See `Translator`."""
        x = features["middle"]
        for block in self.blocks[self._middle :]:
            x = block(x)
        x = self.up_full(double(self.up_half(double(x))))
        return torch.tanh(self.to_rgb(x))

    @property
    def _middle(self) -> int:
        """Blocks of the encoder: five of nine."""
        return len(self.blocks) // 2 + 1


@dataclass(frozen=True, kw_only=True)
class LightTranslatorConfig(TranslatorConfig):
    """What a `LightTranslator` is made of: see `FeedForwardConfig`. The defaults are those of the model `painter`."""

    width: int = 64
    blocks: int = 1
    deep_width: int = 96
    deep_blocks: int = 4


class LightTranslator(Translator):
    """A `FeedForwardStylizer` of one style, which sees a photo at a quarter and an eighth of its resolution."""

    config: LightTranslatorConfig

    def __init__(self, config: LightTranslatorConfig) -> None:
        """Weights from torch's global generator."""
        super().__init__()
        self.config = config
        self.painter = FeedForwardStylizer(
            FeedForwardConfig(
                styles=(config.style,),
                width=config.width,
                blocks=config.blocks,
                deep_width=config.deep_width,
                deep_blocks=config.deep_blocks,
            )
        )

    @property
    def channels(self) -> Mapping[str, int]:
        """The maps of `FeedForwardStylizer.encode`."""
        deep_width = self.config.deep_width
        return {"pixels": 3, "edges": self.config.width, "down": deep_width, "middle": deep_width}

    def encode(self, images: Tensor) -> dict[str, Tensor]:
        """See `Translator`."""
        return self.painter.encode(images, _only_style(images))

    def decode(self, features: Mapping[str, Tensor]) -> Tensor:
        """See `Translator`."""
        return self.painter.decode(features, _only_style(features["pixels"]))

    def begin_from(self, painter: FeedForwardStylizer) -> None:
        """Take over the convolutions of `painter`, and its style of this name or the mean of its styles.

        Raises:
            ConfigError: `painter` has other widths or blocks.
        """
        begun = painter.restyled((self.config.style,))
        if begun.config != self.painter.config:
            raise ConfigError("A translator can begin from a model with the same width, blocks and deep ones only.")
        self.painter.load_state_dict(begun.state_dict())


TRANSLATORS: Mapping[type[Any], type[Any]] = {
    ResNetTranslatorConfig: ResNetTranslator,
    LightTranslatorConfig: LightTranslator,
}


def build_translator(config: TranslatorConfig) -> Translator:
    """A new translator; its weights are drawn from torch's global generator."""
    network: Translator = TRANSLATORS[type(config)](config)
    return network


class PlainNorm(nn.Module):
    """Instance normalisation without scale and shift, in less time than `nn.InstanceNorm2d` takes for it."""

    epsilon = 1e-5

    def forward(self, x: Tensor) -> Tensor:
        """(N, C, H, W) -> (N, C, H, W)."""
        ones = x.new_ones(x.shape[:2])
        return normalised(x, ones, torch.zeros_like(ones), epsilon=self.epsilon)


class Block(nn.Module):
    """Two convolutions around an identity, without an activation after the sum."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.first = _convolution(channels, channels)
        self.second = _convolution(channels, channels, rectify=False)

    def forward(self, x: Tensor) -> Tensor:
        """(N, C, H, W) -> (N, C, H, W)."""
        change: Tensor = self.second(self.first(x))
        return x + change


def _convolution(
    channels_in: int, channels: int, *, kernel: int = 3, stride: int = 1, rectify: bool = True
) -> nn.Sequential:
    """Convolution, instance norm, and a ReLU if asked for."""
    convolution = nn.Conv2d(
        channels_in,
        channels,
        kernel_size=kernel,
        stride=stride,
        padding=kernel // 2,
        padding_mode="reflect",
        bias=False,  # the normalisation would take it away again
    )
    return nn.Sequential(convolution, PlainNorm(), *([nn.ReLU()] if rectify else []))


def _only_style(images: Tensor) -> Tensor:
    return images.new_ones((len(images), 1))
