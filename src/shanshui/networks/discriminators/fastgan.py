"""FastGAN's own discriminator: it judges patches at two scales, and learns to describe photographs by drawing them.

Liu et al. 2021 (https://arxiv.org/abs/2101.04775), section 3.2 and figure 4: residual halvings with two branches down
to a small map; skip-layer excitation across three halvings; logits of patches of the image and of a small copy; and
three decoders that reconstruct real images, which keeps the discriminator from learning few photographs by heart.

Departures: the number of halvings follows from the size of the image, which need not be square; decoders make pictures
of the small copy's size; the copy is a mean over pixels. Where spectral norm is kept, `networks.gated` says.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from shanshui.errors import ConfigError
from shanshui.networks.batch_norm import BatchNorm2d
from shanshui.networks.discriminators.base import Discriminator, DiscriminatorConfig
from shanshui.networks.gated import Excitation, GatedUp, convolution
from shanshui.networks.spectral import SpectralConv2d

_LEAST = 32  # pixels of the shorter side of an image
_ENTRANCE = 256  # positions of the shorter side that the residual halvings begin with, at most
_COPY = 128  # pixels of the small copy's shorter side, at most
_JUDGED = 15  # positions of the last maps' shorter side, at most; at least half as many
_PATCH = 4
_EXCITING = 3  # halvings between the map that decides and the map that it decides about
_FEWEST = 4
_DRAWN = (2.0, 1.0, 1.0, 0.5)  # channels of a decoder's maps, as shares of the config's


@dataclass(frozen=True, kw_only=True)
class FastGANDiscriminatorConfig(DiscriminatorConfig):
    """How a `FastGANDiscriminator` is built.

    Attributes:
        channels: an eighth of those of the last map; each finer map has half as many. The paper has 64.
    """

    channels: int = 32

    def __post_init__(self) -> None:
        """Refuse configurations that no network can be built from."""
        if min(self.height, self.width) < _LEAST or self.channels < 1:
            raise ConfigError(
                f"A FastGAN discriminator needs images of at least {_LEAST}x{_LEAST} pixels and at least 1 channel, "
                f"not {self.width}x{self.height} pixels and {self.channels} channels."
            )
        if self.labels != 0:
            raise ConfigError(f"A FastGAN discriminator cannot be told labels: set labels to 0, not {self.labels}.")


class FastGANDiscriminator(Discriminator):
    """Images (N, 3, H, W) -> logits (N, K): first those of the image's patches, row by row, then the small copy's.

    For square images of 2^k pixels K is 50: 5 x 5 patches at both scales.
    """

    config: FastGANDiscriminatorConfig

    def __init__(self, config: FastGANDiscriminatorConfig) -> None:
        """Weights from torch's global generator."""
        super().__init__()
        self.config = config
        side = min(config.height, config.width)
        entrance = _halvings(side, _ENTRANCE)
        halvings = _halvings(side, _JUDGED) - entrance
        shrinkings = max(_halvings(side, _COPY), 1)
        # As many for all three decoders: the last maps of image and copy have the same size, and a quadrant of the
        # image's last map but one has it, too.
        doublings = _halvings(side, _JUDGED) - shrinkings

        channels = _doubling_to(8 * config.channels, halvings + 1)
        self.enter = _entrance(entrance, channels[0])
        self.downs = nn.ModuleList(_ResidualDown(*pair) for pair in pairwise(channels))
        self.excitations = nn.ModuleDict(
            {
                str(k): Excitation(channels[k - _EXCITING], channels[k], spectral_norm=True)
                for k in range(_EXCITING, halvings + 1)
            }
        )
        self.judge = nn.Sequential(*_normalized(channels[-1], channels[-1], 1), SpectralConv2d(channels[-1], 1, _PATCH))

        copied = _doubling_to(4 * config.channels, doublings)
        self.shrink = nn.AvgPool2d(2**shrinkings)
        self.enter_copy = _entrance(1, copied[0])
        self.downs_copy = nn.Sequential(*(_down(*pair) for pair in pairwise(copied)))
        self.judge_copy = SpectralConv2d(copied[-1], 1, _PATCH)

        self.draw_image = _decoder(channels[-1], config.channels, doublings)
        self.draw_copy = _decoder(copied[-1], config.channels, doublings)
        self.draw_quadrant = _decoder(channels[-2], config.channels, doublings)

    @property
    def has_batch_norm(self) -> bool:
        """Yes: no gradient penalty."""
        return True

    def forward(self, images: Tensor, labels: Tensor | None = None) -> Tensor:
        """Logits (N, K); there are no labels."""
        _, last = self._describe(images)
        logits = self.judge(last), self.judge_copy(self._describe_copy(images))
        return torch.cat([patches.flatten(1) for patches in logits], dim=1)

    def reconstructions(self, images: Tensor, random: torch.Generator) -> Sequence[tuple[Tensor, Tensor]]:
        """Drawings of real images, as the decoders make them, and what they ought to be.

        The whole image from its last map, the whole from the small copy's last map, and a quadrant, the same for the
        batch, from the last map but one.

        Args:
            images: real images, as `forward` takes them.
            random: source of randomness on the CPU.

        Returns:
            Three pairs (made, wanted), (N, 3, h, w) in [-1, 1]; h x w is the small copy's size: half the image's, or
            less, so that its shorter side has at most 128 pixels; a little less again where it cannot be halved evenly.
        """
        middle, last = self._describe(images)
        place = int(torch.randint(4, (), generator=random))
        drawings = (
            (self.draw_image(last), images),
            (self.draw_copy(self._describe_copy(images)), images),
            (self.draw_quadrant(_quadrant(middle, place)), _quadrant(images, place)),
        )
        return tuple((made, F.adaptive_avg_pool2d(wanted, made.shape[2:])) for made, wanted in drawings)

    def _describe(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """The last map but one and the last map of the whole image."""
        maps = [self.enter(images.contiguous(memory_format=torch.channels_last))]
        for k, down in enumerate(self.downs, 1):
            x = down(maps[-1])
            if str(k) in self.excitations:
                x = x * self.excitations[str(k)](maps[k - _EXCITING])
            maps.append(x)
        return maps[-2], maps[-1]

    def _describe_copy(self, images: Tensor) -> Tensor:
        """The last map of the small copy."""
        copy = self.shrink(images.contiguous(memory_format=torch.channels_last))
        described: Tensor = self.downs_copy(self.enter_copy(copy))
        return described


class _ResidualDown(nn.Module):
    """Halves a map: the mean of a branch with two convolutions and of pooling with one."""

    def __init__(self, channels_in: int, channels_out: int) -> None:
        super().__init__()
        self.branch = nn.Sequential(
            *_down(channels_in, channels_out), *_normalized(channels_out, channels_out, 3, padding=1)
        )
        self.direct = nn.Sequential(nn.AvgPool2d(2), *_normalized(channels_in, channels_out, 1))

    def forward(self, x: Tensor) -> Tensor:
        both: Tensor = self.branch(x) + self.direct(x)
        return both / 2


def _down(channels_in: int, channels_out: int) -> nn.Sequential:
    return nn.Sequential(*_normalized(channels_in, channels_out, 4, stride=2, padding=1))


def _normalized(
    channels_in: int, channels_out: int, kernel: int, *, stride: int = 1, padding: int = 0
) -> tuple[nn.Module, ...]:
    """Convolution, batch norm, leaky ReLU."""
    return (
        nn.Conv2d(channels_in, channels_out, kernel, stride, padding, bias=False),
        BatchNorm2d(channels_out),
        nn.LeakyReLU(0.2, inplace=True),
    )


def _entrance(halvings: int, channels: int) -> nn.Sequential:
    """From pixels to `channels`, halved so many times: the first convolution without a norm."""
    widening = _doubling_to(channels, max(halvings, 1))
    first = (
        SpectralConv2d(3, widening[0], 4, stride=2, padding=1)
        if halvings
        else SpectralConv2d(3, channels, 3, padding=1)
    )
    return nn.Sequential(first, nn.LeakyReLU(0.2, inplace=True), *(_down(*pair) for pair in pairwise(widening)))


def _decoder(channels_in: int, channels: int, doublings: int) -> nn.Sequential:
    """A map -> an image 2^doublings times larger, in [-1, 1]."""
    drawn = [channels_in, *(max(int(share * channels), _FEWEST) for share in _DRAWN[:doublings])]
    ups = (GatedUp(*pair) for pair in pairwise(drawn))
    return nn.Sequential(*ups, convolution(drawn[-1], 3, 3, spectral_norm=True), nn.Tanh())


def _quadrant(x: Tensor, place: int) -> Tensor:
    """A quarter of every map or image: 0 top left, 1 top right, 2 bottom left, 3 bottom right."""
    height, width = x.shape[2] // 2, x.shape[3] // 2
    top, left = (x.shape[2] - height) * (place // 2), (x.shape[3] - width) * (place % 2)
    return x[:, :, top : top + height, left : left + width]


def _doubling_to(last: int, count: int) -> list[int]:
    """Channels of `count` maps, of which the last one has `last` and each one before it half as many."""
    return [max(last >> k, _FEWEST) for k in range(count)][::-1]


def _halvings(side: int, most: int) -> int:
    """How often `side` must be halved, rounding down, until it is no more than `most`."""
    count = 0
    while side >> count > most:
        count += 1
    return count
