"""What every discriminator is: images in, logits out."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn


@dataclass(frozen=True, kw_only=True)
class DiscriminatorConfig:
    """What the configurations of all discriminators share.

    Attributes:
        height: rows of the images that it judges, in pixels.
        width: columns of them.
        labels: classes of scenes that it is told; 0 for none.
    """

    height: int = 64
    width: int = 64
    labels: int = 0


class Discriminator(nn.Module, ABC):
    """Images (N, 3, H, W), real or generated, in about [-1, 1] -> logits (N, K): high for real ones.

    K is 1, or the number of places (patches, scales) that are judged. No sigmoid: the objectives take logits. Most see
    pixels. One that looks through a frozen network keeps that network apart, as its `eye`, because only what stands
    behind it learns: `discriminator(eye(images), labels)`.

    Attributes:
        config: how to build it again.
        looks_through: family of the frozen encoder in front of it; None when it sees pixels.
    """

    config: DiscriminatorConfig
    looks_through: str | None = None

    @abstractmethod
    def forward(self, images: Any, labels: Tensor | None = None) -> Tensor:
        """Logits.

        Args:
            images: (N, 3, config.height, config.width), or what `eye` makes of them.
            labels: (N,) int64 below `config.labels`; None where that is 0.
        """

    def eye(self) -> nn.Module:
        """A frozen network to stand in front of this one; here none."""
        return nn.Identity()

    @property
    @abstractmethod
    def has_batch_norm(self) -> bool:
        """Whether an image's logit depends on its batch through batch normalisation: no gradient penalty then."""

    def reconstructions(self, images: Tensor, random: torch.Generator) -> Sequence[tuple[Tensor, Tensor]]:
        """Pairs (made, wanted) of images from which a self-supervised discriminator learns to describe; none here.

        Args:
            images: real images.
            random: source of randomness on the CPU.
        """
        return ()
