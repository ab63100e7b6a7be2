"""DCGAN: the scene generator that made adversarial training of convolutions work.

Radford, Metz and Chintala 2016, "Unsupervised Representation Learning with Deep Convolutional Generative Adversarial
Networks" (https://arxiv.org/abs/1511.06434): fractionally strided convolutions, batch norm everywhere but at the
output, ReLU, tanh, weights from N(0, 0.02).

Departures: kernels are 4 x 4 instead of 5 x 5, latents are normal instead of uniform, and sizes above 64 px have no
more channels than the coarsest map of the paper. Where a kernel's side is a multiple of the stride every output pixel
is a sum of equally many products, so the checkerboard of transposed convolutions (Odena et al. 2016,
https://doi.org/10.23915/distill.00003) is as small as it gets; it is not gone, because the weights of even and odd
pixels still differ.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import pairwise

import torch
from torch import Tensor, nn

from shanshui.networks.batch_norm import BatchNorm2d
from shanshui.networks.generators.base import SceneNetwork
from shanshui.networks.generators.growing import GrowingConfig
from shanshui.networks.normalization import draw_small_normal
from shanshui.networks.pyramid import channels_by_size


@dataclass(frozen=True, kw_only=True)
class DCGANConfig(GrowingConfig):
    """The paper's generator has `width` 128; here `width` belongs to the last map before the pixels."""

    latent: int = 100


class DCGAN(SceneNetwork):
    """Latents (N, latent) -> scenes (N, 3, *start * 2^doublings) in [-1, 1]; no noise and no labels."""

    config: DCGANConfig

    def __init__(self, config: DCGANConfig) -> None:
        """Weights from torch's global generator."""
        super().__init__()
        self.config = config
        rows, columns = config.start
        channels = channels_by_size(config.width, config.doublings)[::-1]
        self.project = nn.Linear(config.latent, rows * columns * channels[0], bias=False)
        self.layers = nn.Sequential(BatchNorm2d(channels[0]), nn.ReLU(inplace=True))
        for channels_in, channels_out in pairwise(channels):
            self.layers.extend(
                [_doubling(channels_in, channels_out, bias=False), BatchNorm2d(channels_out), nn.ReLU(inplace=True)]
            )
        self.layers.extend([_doubling(channels[-1], 3, bias=True), nn.Tanh()])
        draw_small_normal(self)

    @property
    def size(self) -> tuple[int, int]:
        return self.config.size

    def layers_to_join(self) -> Iterable[nn.Module]:
        return (layer for layer in self.layers if isinstance(layer, nn.BatchNorm2d))

    def forward(self, latents: Tensor, labels: Tensor | None = None, random: torch.Generator | None = None) -> Tensor:
        scenes: Tensor = self.layers(self.project(latents).unflatten(1, (-1, *self.config.start)))
        return scenes


def _doubling(channels_in: int, channels_out: int, *, bias: bool) -> nn.ConvTranspose2d:
    return nn.ConvTranspose2d(channels_in, channels_out, 4, stride=2, padding=1, bias=bias)
