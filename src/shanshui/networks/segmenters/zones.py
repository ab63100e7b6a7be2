"""Which part of a landscape is sky, water, foliage, rock or built: a small head on a frozen encoder.

Features of EfficientNet-Lite1 at four strides are mixed by 1 x 1 convolutions, enlarged to stride 4 and added (as in
the panoptic feature pyramid, Kirillov et al. 2019, https://arxiv.org/abs/1901.02446), together with the photo's
colours and the height in the picture; two more convolutions give the zones' logits. A guided filter draws the soft
masks to the photo's edges.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Self

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from shanshui.errors import ConfigError
from shanshui.networks.encoders.efficientnet_lite import CHANNELS, STRIDES, EfficientNetLite1
from shanshui.networks.guided import apply, fit

ZONES = ("sky", "water", "foliage", "rock", "built")
"""What the masks are of, in their order. Rock is all ground without plants: stone, sand, snow, bare earth."""

SMALLEST = 32
"""Pixels that each side of a photo must have."""

_LONGEST = 4
"""The longer side that is looked at, in multiples of the shorter side's usual length: a panorama must fit memory."""
_COLOUR_AND_HEIGHT = 5


@dataclass(frozen=True, kw_only=True)
class ZonesConfig:
    """What the network is built of.

    Attributes:
        width: channels of the head.
        side: pixels of the photo's shorter side as the encoder sees it, a multiple of 32.
        radius: of the guided filter, in pixels of the photo as the encoder sees it.
        epsilon: of the guided filter, in squared units of a photo in [-1, 1].
    """

    width: int = 48
    side: int = 256
    radius: int = 6
    epsilon: float = 1e-3

    def __post_init__(self) -> None:
        """Refuse what cannot work.

        Raises:
            ConfigError: a value is out of range.
        """
        if self.side < STRIDES[-1] or self.side % STRIDES[-1]:
            raise ConfigError(f"The side {self.side} is not a positive multiple of {STRIDES[-1]}.")
        if min(self.width, self.radius) < 1 or self.epsilon <= 0:
            raise ConfigError("The width, the radius and the epsilon of a zone segmenter must be positive.")


class ZoneSegmenter(nn.Module):
    """Photos -> soft masks of `ZONES`.

    The encoder is an installed dependency and never learns: it moves with the network from device to device, but is
    no part of its parameters, its state or its snapshots. No gradient flows to the photo.
    """

    def __init__(self, config: ZonesConfig) -> None:
        super().__init__()
        self.config = config
        # In a tuple, out of sight of nn.Module's registers.
        self._frozen = (EfficientNetLite1(),)
        self.norms = nn.ModuleList(nn.BatchNorm2d(channels) for channels in CHANNELS)
        self.mixes = nn.ModuleList(nn.Conv2d(channels, config.width, 1, bias=False) for channels in CHANNELS)
        self.place = nn.Conv2d(_COLOUR_AND_HEIGHT, config.width, 1)
        self.middle = nn.Conv2d(config.width, config.width, 3, padding=1)
        self.last = nn.Conv2d(config.width, len(ZONES), 1)

    def forward(self, photos: Tensor) -> Tensor:
        """Photos (N, 3, H, W) in [-1, 1], each side at least `SMALLEST` -> masks (N, 5, H, W) float32 that sum to 1.

        Computed in float32 under autocast as well: a border that moves by a pixel shows.

        Raises:
            ConfigError: a side is too short.
        """
        with torch.autocast(photos.device.type, enabled=False):
            seen = self.look(photos)
            rough = self.classify(*self.features(seen)).softmax(dim=1)
            rough = F.interpolate(rough, seen.shape[2:], mode="bilinear", align_corners=False)
            fitted = fit(seen, rough, radius=self.config.radius, epsilon=self.config.epsilon)
            masks = apply(photos, fitted).clamp(0, 1)
            return masks / masks.sum(dim=1, keepdim=True)

    def look(self, photos: Tensor) -> Tensor:
        """The photos as the encoder sees them: the shorter side `config.side`, less for a long panorama."""
        height, width = photos.shape[2:]
        if min(height, width) < SMALLEST:
            raise ConfigError(
                f"A photo of {width} x {height} pixels is too small to have zones: each side needs {SMALLEST}."
            )
        scale = min(self.config.side / min(height, width), _LONGEST * self.config.side / max(height, width))
        size = [max(SMALLEST, round(side * scale)) for side in (height, width)]
        dtype = self.last.weight.dtype
        return F.interpolate(photos.float(), size, mode="bilinear", align_corners=False, antialias=True).to(dtype)

    def features(self, seen: Tensor) -> tuple[list[Tensor], Tensor]:
        """What `classify` needs to know of photos (N, 3, h, w): the encoder's maps, and colour and height at stride 4.

        Raises nothing and learns nothing: training may keep it.
        """
        with torch.no_grad():
            maps = self._frozen[0](seen)
            small = F.interpolate(seen, maps[0].shape[2:], mode="area")
            height = torch.linspace(-1, 1, small.shape[2], device=seen.device, dtype=seen.dtype)
            height = height[None, None, :, None].expand(len(seen), 1, -1, small.shape[3])
            return maps, torch.cat([small, height, height.square()], dim=1)

    def classify(self, maps: list[Tensor], place: Tensor) -> Tensor:
        """Logits (N, 5, h/4, w/4) from what `features` gives: everything that learns."""
        mixed = self.place(place)
        for x, norm, mix in zip(maps, self.norms, self.mixes, strict=True):
            mixed = mixed + F.interpolate(mix(norm(x)), mixed.shape[2:], mode="bilinear", align_corners=False)
        logits: Tensor = self.last(F.relu(self.middle(F.relu(mixed))))
        return logits

    def _apply(self, fn: Callable[[Tensor], Tensor], recurse: bool = True) -> Self:
        """Whatever moves or converts the head (`to`, `cuda`, `float`) does so to the encoder."""
        self._frozen[0]._apply(fn, recurse)  # type: ignore[no-untyped-call]
        return super()._apply(fn, recurse)  # type: ignore[no-untyped-call,no-any-return]
