"""PatchGAN: a discriminator that judges overlapping patches, each by itself.

Isola et al. 2017 (pix2pix, https://arxiv.org/abs/1611.07004, appendix 6.1.2), and Zhu et al. 2017 (CycleGAN,
https://arxiv.org/abs/1703.10593) with instance norm: {4 x 4 stride 2, norm, LeakyReLU 0.2} with 64, 128, 256 channels,
the same at stride 1 with 512, then 4 x 4 to one logit a position; no norm behind the pixels; weights from N(0, 0.02).

Departure: instance norm has a learned scale and shift, which its authors left out.
"""

from dataclasses import dataclass
from itertools import pairwise

from torch import Tensor, nn

from shanshui.errors import ConfigError
from shanshui.networks.discriminators.normalized import NormalizedConfig, NormalizedDiscriminator
from shanshui.networks.normalization import Normalization, convolution, draw_small_normal, normalized_convolution
from shanshui.networks.pyramid import channels_by_size

_KERNEL = 4


@dataclass(frozen=True, kw_only=True)
class PatchGANConfig(NormalizedConfig):
    """`height` and `width` are those of training: the network itself fits any size of at least `least_side`.

    Attributes:
        layers: convolutions at stride 2; three judge patches of 70 x 70 pixels (see `receptive_field`).
    """

    normalization: Normalization = "instance"
    layers: int = 3

    def __post_init__(self) -> None:
        """Refuse configurations that no network can be built from."""
        if self.layers < 1:
            raise ConfigError(f"A PatchGAN needs at least one layer at stride 2, not {self.layers}.")
        super().__post_init__()

    @property
    def least_side(self) -> int:
        """Pixels that both sides must have so that the convolutions at stride 1 leave a logit."""
        return 3 << self.layers


class PatchGAN(NormalizedDiscriminator):
    """Images (N, 3, H, W) in [-1, 1] -> logits (N, K), row by row, K = (H / 2^layers - 2) (W / 2^layers - 2)."""

    config: PatchGANConfig

    def __init__(self, config: PatchGANConfig) -> None:
        """Weights from torch's global generator."""
        super().__init__()
        self.config = config
        kind = config.normalization
        channels = channels_by_size(config.channels, config.layers + 1)
        self.layers = nn.Sequential(
            convolution(kind, 3, channels[0], _KERNEL, stride=2, padding=1), nn.LeakyReLU(0.2, inplace=True)
        )
        for step, (channels_in, channels_out) in enumerate(pairwise(channels), 1):
            stride = 2 if step < config.layers else 1
            self.layers.extend(
                normalized_convolution(kind, channels_in, channels_out, _KERNEL, stride=stride, padding=1)
            )
            self.layers.append(nn.LeakyReLU(0.2, inplace=True))
        self.layers.append(convolution(kind, channels[-1], 1, _KERNEL, padding=1))
        draw_small_normal(self)

    def forward(self, images: Tensor, labels: Tensor | None = None) -> Tensor:
        logits: Tensor = self.layers(images).flatten(1)
        return logits


def receptive_field(layers: int) -> int:
    """Side in pixels of the patch that one logit of a `PatchGAN` depends on.

    Backwards through the network a convolution with kernel k and stride s makes r positions (r - 1) s + k: 16, 34, 70,
    142 for 1, 2, 3, 4 layers. Layer and instance norm are left out of account: their statistics see the whole image.
    """
    side = 1
    for stride in [1, 1] + [2] * layers:
        side = (side - 1) * stride + _KERNEL
    return side
