"""DCGAN: the discriminator of strided convolutions.

Radford, Metz and Chintala 2016 (https://arxiv.org/abs/1511.06434): strided convolutions instead of pooling, batch norm
everywhere but at the input, LeakyReLU 0.2, weights from N(0, 0.02).

Departures: kernels are 4 x 4 instead of 5 x 5, as in the generator. With other normalisations it is the critic of
WGAN-GP (Gulrajani et al. 2017: "layer" or "none") or of spectrally normalised GANs (Miyato et al. 2018: "spectral").
"""

from dataclasses import dataclass
from itertools import pairwise

from torch import Tensor, nn

from shanshui.networks.discriminators.normalized import NormalizedConfig, NormalizedDiscriminator
from shanshui.networks.normalization import Normalization, convolution, draw_small_normal, normalized_convolution
from shanshui.networks.pyramid import channels_by_size, halvings


@dataclass(frozen=True, kw_only=True)
class DCGANDiscriminatorConfig(NormalizedConfig):
    """`channels` belongs to the first map behind the pixels; the paper's discriminator of 64 px has 128."""

    normalization: Normalization = "batch"


class DCGANDiscriminator(NormalizedDiscriminator):
    """Images (N, 3, config.height, config.width) in [-1, 1] -> logits (N, 1)."""

    config: DCGANDiscriminatorConfig

    def __init__(self, config: DCGANDiscriminatorConfig) -> None:
        """Weights from torch's global generator."""
        super().__init__()
        self.config = config
        kind, steps = config.normalization, halvings(config.height, config.width)
        channels = channels_by_size(config.channels, steps)
        self.layers = nn.Sequential(
            convolution(kind, 3, channels[0], 4, stride=2, padding=1), nn.LeakyReLU(0.2, inplace=True)
        )
        for channels_in, channels_out in pairwise(channels):
            self.layers.extend(normalized_convolution(kind, channels_in, channels_out, 4, stride=2, padding=1))
            self.layers.append(nn.LeakyReLU(0.2, inplace=True))
        # A convolution as large as the map, written as the matrix product that it is.
        positions = (config.height >> steps) * (config.width >> steps)
        self.to_logit = convolution(kind, channels[-1] * positions, 1, 1)
        draw_small_normal(self)

    def forward(self, images: Tensor, labels: Tensor | None = None) -> Tensor:
        features = self.layers(images).flatten(1)
        logits: Tensor = self.to_logit(features[:, :, None, None]).flatten(1)
        return logits
