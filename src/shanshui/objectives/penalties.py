"""Penalties on how steeply a network answers: differentiable twice, so that the network learns to be less steep.

Networks arrive as callables, all randomness as a generator on the CPU, and each penalty is a scalar to be added to a
game. An image's logit, where a discriminator gives several (places, scales), is their mean, as in the games. Norms and
squares are taken in float32 at least. None of this goes with batch normalisation in the discriminator, where the logit
of one image depends on all the others (Gulrajani et al. 2017, section 4).
"""

import math
from collections.abc import Callable

import torch
from torch import Tensor

from shanshui.together import common_mean, own, whole

Network = Callable[[Tensor], Tensor]

_TINY = 1e-5  # keeps the inverse of a ratio finite where the generator ignores its latents


def gradient_penalty(
    critic: Network, real: Tensor, fake: Tensor, random: torch.Generator, strength: float = 10.0
) -> Tensor:
    """strength * E (||grad D(e x + (1 - e) G(z))||_2 - 1)^2, e ~ U(0, 1) drawn for each image.

    WGAN-GP, Gulrajani et al. 2017 (https://arxiv.org/abs/1704.00028), equation 3.

    Args:
        critic: images -> logits.
        real, fake: (N, 3, H, W) in [-1, 1], as many of each; no gradient flows back into them.
        random: source of e, on the CPU.
        strength: the paper's lambda.
    """
    share = own(torch.rand(whole(len(real)), 1, 1, 1, generator=random)).to(real.device, real.dtype)
    between = torch.lerp(fake, real, share)
    lengths: Tensor = torch.linalg.vector_norm(_slopes(critic, between).flatten(1), dim=1)
    return strength * (lengths - 1).square().mean()


def zero_centred_penalty(critic: Network, images: Tensor, strength: float) -> Tensor:
    """strength / 2 * E ||grad D(x)||^2: R1 on real images, R2 on generated ones.

    Mescheder et al. 2018 (https://arxiv.org/abs/1801.04406), equations 9 and 10.

    Args:
        critic: images -> logits.
        images: (N, 3, H, W) in [-1, 1]; no gradient flows back into them.
        strength: the papers' gamma.
    """
    return 0.5 * strength * _slopes(critic, images).flatten(1).square().sum(1).mean()


def path_length_penalty(
    synthesis: Network, styles: Tensor, average: Tensor, random: torch.Generator, strength: float = 2.0
) -> tuple[Tensor, Tensor]:
    """strength * E (||grad_w sum(G(w) y)||_2 - a)^2, y ~ N(0, 1) / sqrt(H W): equal steps in w change scenes equally.

    Karras et al. 2020 (https://arxiv.org/abs/1912.04958), equation 4. As in the authors' program, squared lengths are
    averaged over the layers that a style enters. One departure: a is a constant to the gradient, as in the paper.

    Args:
        synthesis: styles -> scenes (N, 3, H, W).
        styles: (N, ..., D), one for each of the layers between or the same for all; they must require gradients, which
            flow on through them into the mapping network.
        average: scalar, the moving average a of all lengths so far; 0 at the start.
        random: source of y, on the CPU.
        strength: weight of the penalty.

    Returns:
        The penalty, and the new average a + 0.01 (mean length - a), detached, which the penalty was measured against.
    """
    scenes = synthesis(styles)
    drawn = own(torch.randn(whole(len(scenes)), *scenes.shape[1:], generator=random))
    noise = drawn / math.sqrt(scenes.shape[2] * scenes.shape[3])
    (slopes,) = torch.autograd.grad((scenes * noise.to(scenes)).sum(), styles, create_graph=True)
    layers = slopes.numel() / (slopes.shape[0] * slopes.shape[-1])
    lengths = torch.linalg.vector_norm(_precise(slopes).flatten(1), dim=1) / math.sqrt(layers)
    average = torch.lerp(average.to(lengths), common_mean(lengths.detach().mean()), 0.01)
    return strength * (lengths - average).square().mean(), average


def mode_seeking_penalty(
    scenes: tuple[Tensor, Tensor], latents: tuple[Tensor, Tensor], strength: float = 1.0
) -> Tensor:
    """strength / (E |G(z1) - G(z2)| / E |z1 - z2|): costly where different latents give the same scene.

    MSGAN, Mao et al. 2019 (https://arxiv.org/abs/1903.05628), equation 3, which maximises the ratio; its inverse is
    minimised here, as in the authors' program, with mean absolute differences over the batch.

    Args:
        scenes: two batches (N, 3, H, W) in [-1, 1].
        latents: what they were made from, (N, ...) each.
        strength: weight of the penalty.
    """
    far = common_mean(_precise(scenes[0] - scenes[1]).abs().mean())
    apart = common_mean(_precise(latents[0] - latents[1]).abs().mean())
    return strength / (far / apart + _TINY)


def _slopes(critic: Network, images: Tensor) -> Tensor:
    """The gradient of each image's logit with respect to its pixels, differentiable by the critic's weights."""
    images = images.detach().requires_grad_()
    logits = critic(images).reshape(len(images), -1).mean(1)
    (slopes,) = torch.autograd.grad(logits.sum(), images, create_graph=True)
    return _precise(slopes)


def _precise(tensor: Tensor) -> Tensor:
    return tensor.to(torch.promote_types(tensor.dtype, torch.float32))
