"""The augmentations that a discriminator's images can go through, by name."""

from collections.abc import Callable, Mapping
from typing import Literal

import torch
from torch import Tensor

from shanshui.scenes.adaptive import augment_adaptively
from shanshui.scenes.augment import augment

AugmentationName = Literal["none", "diffaugment", "ada"]

Augmentation = Callable[[Tensor, float, torch.Generator], Tensor]
"""Images (N, 3, H, W) in [-1, 1], the probability of a change, a CPU generator -> images."""

AUGMENTATIONS: Mapping[AugmentationName, Augmentation] = {
    "none": lambda images, probability, random: images,
    # Differentiable augmentation changes every image: its authors keep no probability.
    "diffaugment": lambda images, probability, random: augment(images, random),
    "ada": augment_adaptively,
}
