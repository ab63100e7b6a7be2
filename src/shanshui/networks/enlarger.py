"""Pictures enlarged to twice their size, with the detail that photographs of that size have.

Most of the work is done at half of the small picture's resolution, with as many numbers a position as four pixels have:
a position sees further there, and a layer costs a quarter (Wang et al. 2021, "Real-ESRGAN",
https://arxiv.org/abs/2107.10833, section 3.2). What the network makes is added to a bicubic enlargement: untrained, it
is that. There is no normalisation, which would tie a place to the rest of the picture (Wang et al. 2018, "ESRGAN",
https://arxiv.org/abs/1809.00219, section 3.1), so any even size will do.
"""

import math
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from shanshui.errors import ConfigError
from shanshui.networks.fixup import SLOPE, draw_weight

_LOBES = 3
"""Of the windowed sinc by which pictures are halved."""

_GAIN = nn.init.calculate_gain("leaky_relu", SLOPE)


@dataclass(frozen=True, kw_only=True)
class EnlargerConfig:
    """What an `Enlarger` is made of.

    Attributes:
        width: channels at half of the small picture's resolution, even.
        blocks: residual blocks there.
    """

    width: int = 64
    blocks: int = 8

    def __post_init__(self) -> None:
        """Refuse configurations that no network can be built from."""
        if self.width < 2 or self.width % 2 or self.blocks < 1:
            raise ConfigError(f"An enlarger needs an even width and at least one block, not {self}.")


class Enlarger(nn.Module):
    """Pictures (N, 3, H, W) in [-1, 1], H and W even -> (N, 3, 2 H, 2 W), of which [-1, 1] is what can be shown."""

    def __init__(self, config: EnlargerConfig) -> None:
        """Weights from torch's global generator."""
        super().__init__()
        self.config = config
        width, fine = config.width, config.width // 2
        self.stem = nn.Conv2d(3 * 4, width, 3, padding=1)
        self.blocks = nn.Sequential(*(_Block(width, config.blocks) for _ in range(config.blocks)))
        self.rise = nn.Conv2d(width, fine * 4, 3, padding=1)
        self.refine = nn.Conv2d(fine + 3, fine, 3, padding=1)
        self.strokes = nn.Conv2d(fine, 3 * 4, 3, padding=1)
        nn.init.zeros_(self.strokes.weight)
        nn.init.zeros_(self.strokes.bias)  # type: ignore[arg-type]

    def forward(self, images: Tensor) -> Tensor:
        """Enlarge; the result has the precision of `images`."""
        x = F.pixel_unshuffle(images, 2).contiguous(memory_format=torch.channels_last)
        x = F.pixel_shuffle(F.leaky_relu(self.rise(self.blocks(self.stem(x))), SLOPE), 2)
        x = F.leaky_relu(self.refine(torch.cat([x, images.to(x.dtype)], dim=1)), SLOPE)
        detail = F.pixel_shuffle(self.strokes(x), 2)
        return bicubic(images) + detail.to(images.dtype)


class _Block(nn.Module):
    """x + W2 p(W1 x), p a leaky ReLU."""

    def __init__(self, channels: int, blocks: int) -> None:
        super().__init__()
        self.enter = nn.Conv2d(channels, channels, 3, padding=1)
        self.leave = nn.Conv2d(channels, channels, 3, padding=1)
        draw_weight(self.enter, _GAIN)
        # The blocks together add a quarter of the variance that they begin with.
        draw_weight(self.leave, 0.5 / math.sqrt(blocks))

    def forward(self, x: Tensor) -> Tensor:
        changed: Tensor = self.leave(F.leaky_relu(self.enter(x), SLOPE))
        return x + changed


def bicubic(images: Tensor) -> Tensor:
    """(N, C, H, W) -> (N, C, 2 H, 2 W)."""
    return F.interpolate(images, scale_factor=2.0, mode="bicubic")


def halved(images: Tensor) -> Tensor:
    """(N, C, H, W), H and W even -> (N, C, H / 2, W / 2) as `images.resize.resize` does it, but not rounded.

    Lanczos windowed sinc of three lobes. At the border the outermost pixel goes on, where `resize` ends the filter.
    """
    taps = torch.arange(-2 * _LOBES + 0.5, 2 * _LOBES, device=images.device, dtype=images.dtype) / 2
    weights = torch.sinc(taps) * torch.sinc(taps / _LOBES)
    weights = (weights / weights.sum()).expand(images.shape[1], 1, 1, -1)
    rim = 2 * _LOBES - 1
    x = F.pad(images, (rim,) * 4, mode="replicate")
    for kernel, stride in ((weights, (1, 2)), (weights.mT, (2, 1))):
        x = F.conv2d(x, kernel, stride=stride, groups=images.shape[1])
    return x
