"""The augmentations that a discriminator's images can go through, by name."""

from collections.abc import Callable, Mapping
from typing import Literal

import torch
from torch import Tensor

from shanshui.scenes.adaptive import augment_adaptively
from shanshui.scenes.augment import augment
from shanshui.together import own, whole

AugmentationName = Literal["none", "diffaugment", "ada"]

Augmentation = Callable[[Tensor, float, torch.Generator], Tensor]
"""Images (N, 3, H, W) in [-1, 1], the probability of a change, a CPU generator -> images."""

AUGMENTATIONS: Mapping[AugmentationName, Augmentation] = {
    "none": lambda images, probability, random: images,
    "diffaugment": lambda images, probability, random: _some(augment(images, random), images, probability, random),
    "ada": augment_adaptively,
}


def _some(changed: Tensor, images: Tensor, probability: float, random: torch.Generator) -> Tensor:
    """Each image `changed` with `probability`; its authors change every one."""
    if probability >= 1:
        return changed
    chosen = own(torch.rand(whole(len(images)), 1, 1, 1, generator=random)) < probability
    return torch.where(chosen.to(images.device), changed, images)
