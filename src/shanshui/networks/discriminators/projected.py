"""A discriminator that looks through a frozen encoder (Projected GAN, Sauer et al. 2021, https://arxiv.org/abs/2111.01007).

Two parts, because only the second one learns:

- `FeatureProjector`: images -> four mixed feature maps. The encoder is frozen; the 1 x 1 convolutions across channels
  (CCM) and the 3 x 3 convolutions across scales (CSM) keep their random initial weights for ever.
- `ProjectedDiscriminator`: feature maps -> logits, one small network per map.

Departures: images enter the encoder at their own size instead of being enlarged to 224 (at 128 px this is what makes
a CPU training possible), and the number of halvings per map follows from the map's size. Spectral norm is kept
where no batch norm follows, which is where it acts (see `networks.gated`).
"""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from shanshui.networks.batch_norm import BatchNorm2d
from shanshui.networks.discriminators.base import Discriminator, DiscriminatorConfig
from shanshui.networks.encoders.efficientnet_lite import CHANNELS, STRIDES, EfficientNetLite1
from shanshui.networks.spectral import SpectralConv2d

_MIXED = (64, 128, 256, 512)
_JUDGED_SIZE = 4
_LABEL_NUMBERS = 64
_WIDTHS = {4: 256, 8: 256, 16: 128, 32: 64, 64: 64, 128: 64}


@dataclass(frozen=True, kw_only=True)
class ProjectedConfig(DiscriminatorConfig):
    """`seed`: of the fixed random projections."""

    seed: int = 0


class FeatureProjector(nn.Module):
    """Images (N, 3, H, W) in [-1, 1] -> maps (N, 64 / 64 / 128 / 256, H/s, W/s) at strides s = 4, 8, 16, 32.

    Gradients flow to the images; no parameter learns.
    """

    looks_through = "effnetlite1"

    def __init__(self, seed: int) -> None:
        super().__init__()
        self.encoder = EfficientNetLite1()
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            self.across_channels = nn.ModuleList(_fixed(c, m, 1) for c, m in zip(CHANNELS, _MIXED, strict=True))
            self.across_scales = nn.ModuleList(
                _fixed(mixed, out, 3) for mixed, out in zip(_MIXED, projected_channels(), strict=True)
            )
        self.requires_grad_(False)

    def forward(self, images: Tensor) -> list[Tensor]:
        lifted = [mix(x) for mix, x in zip(self.across_channels, self.encoder(images), strict=True)]
        mixed: list[Tensor] = []
        coarser: Tensor | None = None
        for x, mix in zip(reversed(lifted), reversed(list(self.across_scales)), strict=True):
            coarser = mix(x if coarser is None else x + _enlarge(coarser, x))
            mixed.insert(0, coarser)
        return mixed


class ProjectedDiscriminator(Discriminator):
    """Feature maps of `FeatureProjector` -> logits (N, K): every position that any of the four networks judges.

    With labels each position gives a vector, and its logit is the product with a learned vector of the label (Miyato
    and Koyama 2018, https://arxiv.org/abs/1802.05637, without their unconditional term, as in StyleGAN2).
    """

    looks_through = FeatureProjector.looks_through

    def __init__(self, config: ProjectedConfig) -> None:
        super().__init__()
        self.config: ProjectedConfig = config
        size = min(config.height, config.width)
        judgements = _LABEL_NUMBERS if config.labels else 1
        self.heads = nn.ModuleList(
            _head(channels, size // stride, judgements)
            for channels, stride in zip(projected_channels(), STRIDES, strict=True)
        )
        self.label = nn.Embedding(config.labels, _LABEL_NUMBERS) if config.labels else None

    def forward(self, images: Sequence[Tensor], labels: Tensor | None = None) -> Tensor:
        judged = torch.cat([head(x).flatten(2) for head, x in zip(self.heads, images, strict=True)], dim=2)
        if self.label is None:
            return judged[:, 0]
        meaning = F.normalize(self.label(labels), dim=1)
        return torch.einsum("nck,nc->nk", judged, meaning)

    def eye(self) -> FeatureProjector:
        return FeatureProjector(self.config.seed)

    @property
    def has_batch_norm(self) -> bool:
        return True


def projected_channels() -> tuple[int, ...]:
    """Channels after mixing: a coarse map must fit the next finer one that it is added to."""
    return (_MIXED[0], *_MIXED[:-1])


def _head(channels: int, size: int, judgements: int) -> nn.Sequential:
    """{4 x 4 stride 2, batch norm, leaky ReLU} down to a 4 x 4 map, then one spectral 4 x 4 to the judgements."""
    layers: list[nn.Module] = []
    while size > _JUDGED_SIZE:
        size //= 2
        layers += [
            nn.Conv2d(channels, _WIDTHS[size], 4, stride=2, padding=1, bias=False),
            BatchNorm2d(_WIDTHS[size]),
            nn.LeakyReLU(0.2, inplace=True),
        ]
        channels = _WIDTHS[size]
    return nn.Sequential(*layers, SpectralConv2d(channels, judgements, min(size, _JUDGED_SIZE)))


def _enlarge(coarse: Tensor, like: Tensor) -> Tensor:
    return F.interpolate(coarse, size=like.shape[2:], mode="bilinear", align_corners=False)


def _fixed(channels_in: int, channels_out: int, kernel: int) -> nn.Conv2d:
    convolution = nn.Conv2d(channels_in, channels_out, kernel, padding=kernel // 2)
    nn.init.kaiming_normal_(convolution.weight)
    nn.init.zeros_(convolution.bias)  # type: ignore[arg-type]
    return convolution
