"""R3GAN's discriminator: the generator's mirror image.

Huang, Gokaslan, Kuleshov and Tompkin 2024 (https://arxiv.org/abs/2501.05441). Made for relativistic pairing with R1 and
R2 in every step: no normalisation, so every image is judged by itself, and every operation has a second derivative.
"""

from dataclasses import dataclass
from itertools import pairwise

import torch
from torch import Tensor, nn

from shanshui.errors import ConfigError
from shanshui.networks.discriminators.base import Discriminator, DiscriminatorConfig
from shanshui.networks.fixup import Halve, draw_weight, pixelwise, require_groups, stages
from shanshui.networks.pyramid import COARSEST, channels_by_size


@dataclass(frozen=True, kw_only=True)
class R3GANDiscriminatorConfig(DiscriminatorConfig):
    """How an `R3GANDiscriminator` is built; `generators.r3gan` has the same numbers for the other side.

    Attributes:
        channels: of the finest map; each coarser one has twice as many, up to eight times (see `pyramid`).
        blocks: residual blocks at each size.
        expansion: inside a block there are so many times more channels.
        group: channels that a block's 3 x 3 convolution mixes with each other.
        embedding: numbers that describe a class, and an image to be compared with it.
    """

    channels: int = 16
    blocks: int = 1
    expansion: int = 2
    group: int = 16
    embedding: int = 64

    def __post_init__(self) -> None:
        """Refuse configurations that no network can be built from."""
        if min(self.height, self.width) < COARSEST or min(self.blocks, self.embedding) < 1 or self.labels < 0:
            raise ConfigError(
                f"An R3GAN discriminator needs images of at least {COARSEST}x{COARSEST} pixels, blocks and embedding "
                f"of at least 1 and no negative labels, not {self.width}x{self.height} pixels, {self.blocks} blocks, "
                f"{self.embedding} and {self.labels}."
            )
        require_groups(self.channels, self.expansion, self.group)


class R3GANDiscriminator(Discriminator):
    """Images (N, 3, H, W) -> logits (N, 1).

    The sides are halved while both are even and the result is no smaller than 4; what is left is weighed position by
    position (one learned map per channel) and summed. With classes the sum is projected to an embedding, and the logit
    is its dot product with that of the class (Miyato and Koyama 2018, https://arxiv.org/abs/1802.05637, without the
    unconditional term, as in the paper).
    """

    config: R3GANDiscriminatorConfig

    def __init__(self, config: R3GANDiscriminatorConfig) -> None:
        """Weights from torch's global generator."""
        super().__init__()
        self.config = config
        halvings = _halvings(config.height, config.width)
        channels = channels_by_size(config.channels, halvings + 1)
        self.from_rgb = pixelwise(3, channels[0])
        self.stages = stages(channels, blocks=config.blocks, expansion=config.expansion, group=config.group)
        self.downs = nn.ModuleList(Halve(*pair) for pair in pairwise(channels))
        coarsest = (config.height >> halvings, config.width >> halvings)
        self.basis = nn.Parameter(torch.randn(channels[-1], *coarsest) / (coarsest[0] * coarsest[1]) ** 0.5)
        self.judge = nn.Linear(channels[-1], config.embedding if config.labels else 1, bias=False)
        draw_weight(self.judge)
        self.embedding = nn.Embedding(config.labels, config.embedding) if config.labels else None
        if self.embedding is not None:
            # A dot product of unit-variance numbers then has unit variance.
            nn.init.normal_(self.embedding.weight, std=config.embedding**-0.5)

    @property
    def has_batch_norm(self) -> bool:
        """No: gradient penalties are welcome."""
        return False

    def forward(self, images: Tensor, labels: Tensor | None = None) -> Tensor:
        """Logits (N, 1).

        Raises:
            ValueError: labels are missing, or given to a discriminator without classes.
        """
        if (labels is None) != (self.embedding is None):
            raise ValueError(f"this discriminator was made for {self.config.labels} classes of scenes: labels must fit")
        x = self.stages[0](self.from_rgb(images.contiguous(memory_format=torch.channels_last)))
        for halve, stage in zip(self.downs, self.stages[1:], strict=True):
            x = stage(halve(x))
        logits: Tensor = self.judge((x * self.basis).sum(dim=(2, 3)))
        if self.embedding is not None:
            logits = (logits * self.embedding(labels)).sum(dim=1, keepdim=True)
        return logits


def _halvings(height: int, width: int) -> int:
    """How often both sides can be halved without becoming odd halves or smaller than 4."""
    count = 0
    while height % 2 == width % 2 == 0 and min(height, width) >= 2 * COARSEST:
        height, width, count = height // 2, width // 2, count + 1
    return count
