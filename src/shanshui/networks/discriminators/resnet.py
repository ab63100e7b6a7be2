"""A residual discriminator, as deep as its config says.

Miyato et al. 2018 (https://arxiv.org/abs/1802.05957, appendix B): a first block without an activation in front, because
a ReLU of pixels would throw half of them away; pre-activation blocks {ReLU, 3 x 3, ReLU, 3 x 3, average pooling}; ReLU;
pooling over all positions; one linear logit. With "spectral" normalisation it is theirs. With "layer" (in front of
each ReLU inside a block) or "none" it is a critic for the gradient penalty of Gulrajani et al. 2017
(https://arxiv.org/abs/1704.00028).

Departures: `blocks` at each size instead of one at all but the coarsest; at most eight times the first channels;
convolving and pooling trade places (see `resampling`), which changes no number.
"""

from dataclasses import dataclass
from itertools import pairwise
from typing import Literal, get_args

import torch
from torch import Tensor, nn

from shanshui.errors import ConfigError
from shanshui.networks.discriminators.normalized import NormalizedConfig, NormalizedDiscriminator
from shanshui.networks.normalization import Normalization, convolution, normalizing_layers
from shanshui.networks.pyramid import channels_by_size, halvings
from shanshui.networks.resampling import halving_convolution
from shanshui.networks.residual import Residual, draw_glorot

Pooling = Literal["sum", "mean"]


@dataclass(frozen=True, kw_only=True)
class ResNetDiscriminatorConfig(NormalizedConfig):
    """A residual discriminator.

    Attributes:
        blocks: residual blocks at each size; the first one halves.
        pooling: over all positions, before the logit. Logits of a "sum" grow with the image's area.
    """

    normalization: Normalization = "spectral"
    blocks: int = 1
    pooling: Pooling = "sum"

    def __post_init__(self) -> None:
        """Refuse configurations that no network can be built from."""
        super().__post_init__()
        if self.blocks < 1:
            raise ConfigError(f"A residual discriminator needs at least one block at each size, not {self.blocks}.")
        if self.pooling not in get_args(Pooling):
            raise ConfigError(f"There is no pooling {self.pooling!r}: choose sum or mean.")


class ResNetDiscriminator(NormalizedDiscriminator):
    """Images (N, 3, H, W) in [-1, 1] -> logits (N, 1), at the config's size or any larger one."""

    config: ResNetDiscriminatorConfig

    def __init__(self, config: ResNetDiscriminatorConfig) -> None:
        """Weights from torch's global generator."""
        super().__init__()
        self.config = config
        kind = config.normalization
        channels = channels_by_size(config.channels, halvings(config.height, config.width))
        self.blocks = nn.Sequential(_first(kind, channels[0]))
        self.blocks.extend(_keeping(kind, channels[0]) for _ in range(config.blocks - 1))
        for channels_in, channels_out in pairwise(channels):
            self.blocks.append(_halving(kind, channels_in, channels_out))
            self.blocks.extend(_keeping(kind, channels_out) for _ in range(config.blocks - 1))
        self.activation = nn.ReLU(inplace=True)
        self.to_logit = convolution(kind, channels[-1], 1, 1)
        draw_glorot(self)

    def forward(self, images: Tensor, labels: Tensor | None = None) -> Tensor:
        # Pooling is many times faster on a CPU when the channels of a position lie side by side.
        features = self.activation(self.blocks(images.contiguous(memory_format=torch.channels_last)))
        pool = torch.sum if self.config.pooling == "sum" else torch.mean
        pooled = pool(features, (2, 3), keepdim=True)
        logits: Tensor = self.to_logit(pooled).flatten(1)
        return logits


def _first(kind: Normalization, channels: int) -> Residual:
    branch = nn.Sequential(
        convolution(kind, 3, channels, 3, padding=1),
        nn.ReLU(inplace=True),
        halving_convolution(kind, channels, channels),
    )
    return Residual(branch, _halving_skip(kind, 3, channels))


def _halving(kind: Normalization, channels_in: int, channels_out: int) -> Residual:
    last = halving_convolution(kind, channels_in, channels_out)
    return Residual(_branch(kind, channels_in, last), _halving_skip(kind, channels_in, channels_out))


def _keeping(kind: Normalization, channels: int) -> Residual:
    return Residual(_branch(kind, channels, convolution(kind, channels, channels, 3, padding=1)), nn.Identity())


def _branch(kind: Normalization, channels: int, last: nn.Module) -> nn.Sequential:
    """The first ReLU may stand alone on the block's input, which the skip needs unchanged: not in place."""
    before_second = normalizing_layers(kind, channels)
    return nn.Sequential(
        *normalizing_layers(kind, channels),
        nn.ReLU(),
        convolution(kind, channels, channels, 3, padding=1, bias=not before_second),
        *before_second,
        nn.ReLU(inplace=True),
        last,
    )


def _halving_skip(kind: Normalization, channels_in: int, channels_out: int) -> nn.Sequential:
    # A 1 x 1 convolution does not see its neighbours: it is four times cheaper behind the pooling.
    return nn.Sequential(nn.AvgPool2d(2), convolution(kind, channels_in, channels_out, 1))
