"""StyleGAN2's discriminator: residual, halving by filtered convolutions, with the batch's deviation at its end.

Karras et al. 2020 (https://arxiv.org/abs/1912.04958, section 4.1): the residual discriminator; from Karras et al. 2018
(https://arxiv.org/abs/1710.10196) minibatch standard deviation and the equalised learning rate. Labels as in
Karras et al. 2020b (https://arxiv.org/abs/2006.06676): the logit is the image's vector times that of its label
(Miyato and Koyama 2018, https://arxiv.org/abs/1802.05637), which a mapping network makes.

Departure: a batch that is no multiple of the group makes smaller groups instead of an error.
"""

import math
from dataclasses import dataclass
from itertools import pairwise

import torch
from torch import Tensor, nn

from shanshui.errors import ConfigError
from shanshui.networks.discriminators.base import Discriminator, DiscriminatorConfig
from shanshui.networks.equalized import ACTIVATION_GAIN, EqualizedConv2d, EqualizedLinear, activate
from shanshui.networks.filters import EqualizedHalving
from shanshui.networks.mapping import MappingNetwork
from shanshui.networks.minibatch import with_minibatch_deviation

_COARSEST = 4


@dataclass(frozen=True, kw_only=True)
class StyleGAN2DiscriminatorConfig(DiscriminatorConfig):
    """How a `StyleGAN2Discriminator` is built; the paper's has 32 `channels` at 1024 px and 64 at 256 px.

    Attributes:
        channels: of the finest map; each coarser one has twice as many.
        widest: most channels of a map.
        group: images whose deviation is told together; 1 tells none.
        mapping_layers: layers between a label and its vector.
    """

    channels: int = 32
    widest: int = 512
    group: int = 4
    mapping_layers: int = 8

    def __post_init__(self) -> None:
        """Refuse configurations that no network can be built from."""
        counts = (self.height, self.width, self.channels, self.widest, self.group, self.mapping_layers)
        if min(counts) < 1 or self.labels < 0:
            raise ConfigError(
                "A StyleGAN2 discriminator needs a height, width, channels, widest, group and mapping_layers of at "
                f"least 1 and labels of at least 0, not {self}."
            )

    @property
    def halvings(self) -> int:
        """How often both sides are even and at least 8: the coarsest map is 4 x 4 for 64 x 64, 9 x 16 for 144 x 256."""
        height, width, count = self.height, self.width, 0
        while height % 2 == width % 2 == 0 and min(height, width) >= 2 * _COARSEST:
            height, width, count = height // 2, width // 2, count + 1
        return count


class StyleGAN2Discriminator(Discriminator):
    """Images (N, 3, height, width) -> logits (N, 1).

    An image's logit depends on the batch, through the deviation of its group, which is smooth: gradient penalties
    are defined, and the paper uses one.
    """

    config: StyleGAN2DiscriminatorConfig

    def __init__(self, config: StyleGAN2DiscriminatorConfig) -> None:
        """Weights from torch's global generator."""
        super().__init__()
        self.config = config
        halvings = config.halvings
        channels = [min(config.channels * 2**k, config.widest) for k in range(halvings + 1)]
        last = channels[-1]
        positions = (config.height >> halvings) * (config.width >> halvings)
        self.from_rgb = EqualizedConv2d(3, channels[0], 1, gain=ACTIVATION_GAIN)
        self.blocks = nn.Sequential(*(HalvingBlock(fine, coarse) for fine, coarse in pairwise(channels)))
        self.compare = EqualizedConv2d(last + 1, last, 3, gain=ACTIVATION_GAIN)
        self.gather = EqualizedLinear(last * positions, last, gain=ACTIVATION_GAIN)
        self.judge = EqualizedLinear(last, last if config.labels else 1)
        self.label_vectors = _label_vectors(config, last) if config.labels else None

    @property
    def has_batch_norm(self) -> bool:
        """No."""
        return False

    def forward(self, images: Tensor, labels: Tensor | None = None) -> Tensor:
        """Logits, in the precision of the parameters.

        Raises:
            ValueError: labels for a network without, or none for a network with.
        """
        if (labels is None) != (self.label_vectors is None):
            raise ValueError("labels are given to networks that were made for labels, and always to those")
        x = activate(self.from_rgb(images.contiguous(memory_format=torch.channels_last)))
        x = with_minibatch_deviation(self.blocks(x), self.config.group)
        x = activate(self.compare(x))
        with torch.autocast(images.device.type, enabled=False):
            gathered = activate(self.gather(x.flatten(1).to(self.gather.weight.dtype)))
            logits: Tensor = self.judge(gathered)
            if self.label_vectors is not None:
                logits = (logits * self.label_vectors(labels)).sum(dim=1, keepdim=True) / math.sqrt(logits.shape[1])
        return logits


class HalvingBlock(nn.Module):
    """(N, fine, H, W) -> (N, coarse, H / 2, W / 2).

    {convolution, leaky ReLU, halving convolution, leaky ReLU} beside a halving 1 x 1 convolution; the sum over sqrt 2.
    sqrt 2 after the leaky ReLU and 1 / sqrt 2 after the sum cancel, so the second convolution has gain 1.
    """

    def __init__(self, fine: int, coarse: int) -> None:
        super().__init__()
        self.convolve = EqualizedConv2d(fine, fine, 3, gain=ACTIVATION_GAIN)
        self.halve = EqualizedHalving(fine, coarse, 3)
        self.skip = EqualizedHalving(fine, coarse, 1, gain=1 / math.sqrt(2), bias=False)

    def forward(self, x: Tensor) -> Tensor:
        skipped: Tensor = self.skip(x)
        return activate(self.halve(activate(self.convolve(x)))) + skipped


def _label_vectors(config: StyleGAN2DiscriminatorConfig, vector: int) -> nn.Module:
    return nn.Sequential(
        nn.Embedding(config.labels, vector), MappingNetwork(vector, vector, depth=config.mapping_layers)
    )
