"""Adaptive augmentation: as many images are changed as it takes to keep the discriminator from learning by heart.

Karras et al. 2020b, "Training Generative Adversarial Networks with Limited Data" (https://arxiv.org/abs/2006.06676).
Each transformation happens to an image with a probability below 1, so that generated images do not come to look
augmented; the probability follows how sure the discriminator is of the photographs.
"""

from dataclasses import dataclass, replace

import torch
from torch import Tensor

from shanshui.scenes.adaptive_color import recolor
from shanshui.scenes.adaptive_geometry import move
from shanshui.scenes.draws import Draws
from shanshui.together import common_mean, whole

HIGHEST_PROBABILITY = 0.85  # above it, augmentations show up in generated images (section 3.2)


def augment_adaptively(images: Tensor, probability: float, random: torch.Generator) -> Tensor:
    """Geometry, then colour: each transformation of the paper's "bgc" with `probability`, drawn per image.

    Departures: see `adaptive_geometry.move`.

    Args:
        images: (N, 3, H, W) in [-1, 1], real or generated.
        probability: from 0, where `images` come back bit for bit, to 1.
        random: source of randomness, on the CPU whatever the images' device.

    Returns:
        (N, 3, H, W), differentiable twice with respect to `images`; values may leave [-1, 1].
    """
    draws = Draws(len(images), random)
    return recolor(move(images, probability, draws), probability, draws)


@dataclass(frozen=True, kw_only=True)
class AdaptationConfig:
    """How the probability of adaptive augmentation follows the discriminator.

    Attributes:
        target: wanted mean sign of the logits of real images: 0 where the discriminator is at a loss, 1 where it
            recognises every one of them.
        every: images between two adjustments. The paper takes 4 batches; counted in images, an adjustment is as sure
            for small batches as for large ones.
        adjustment_images: images in which the probability would rise from 0 to 1.
    """

    target: float = 0.6
    every: int = 256
    adjustment_images: int = 500_000


@dataclass(frozen=True, kw_only=True)
class Adaptation:
    """All there is to remember, plain numbers: `Adaptation(**asdict(state))` goes on from a saved state.

    Attributes:
        probability: of each transformation, from 0 to `HIGHEST_PROBABILITY`.
        signs: sum, over the images since the last adjustment, of the mean sign of the image's logits.
        images: how many these are.
    """

    probability: float = 0.0
    signs: float = 0.0
    images: int = 0


def adapted(state: Adaptation, config: AdaptationConfig, real_logits: Tensor) -> Adaptation:
    """The state after the discriminator has judged one more batch of (augmented) real images.

    Every so often p += sign(E[sign D(x)] - target) * images / adjustment_images, clamped to [0, 0.85] (section 3.1).

    Args:
        state: so far.
        config: how to follow.
        real_logits: (N, ...).
    """
    count = whole(len(real_logits))
    signs = state.signs + float(common_mean(real_logits.sign().float().mean())) * count
    images = state.images + count
    if images < config.every:
        return replace(state, signs=signs, images=images)
    surplus = signs / images - config.target
    direction = (surplus > 0) - (surplus < 0)
    moved = state.probability + direction * images / config.adjustment_images
    return Adaptation(probability=min(max(moved, 0.0), HIGHEST_PROBABILITY))
