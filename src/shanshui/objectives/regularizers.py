"""What keeps weights small, whatever a network does with them."""

from collections.abc import Iterable

import torch
from torch import Tensor


def l1(weights: Iterable[Tensor]) -> Tensor:
    """sum |w| over all entries of one or more tensors: its slope is the sign of a weight, so idle ones reach zero."""
    return torch.stack([weight.abs().sum() for weight in weights]).sum()


def l2(weights: Iterable[Tensor]) -> Tensor:
    """1/2 sum w^2 over all entries of one or more tensors: its slope is the weight, so times c it is weight decay c."""
    return 0.5 * torch.stack([weight.square().sum() for weight in weights]).sum()


@torch.no_grad()
def clip_weights(weights: Iterable[Tensor], bound: float) -> None:
    """Clip every entry to [-bound, bound], in place, after an optimiser's step.

    WGAN, Arjovsky et al. 2017 (https://arxiv.org/abs/1701.07875), algorithm 1, which takes a bound of 0.01: it keeps a
    critic Lipschitz. Give all parameters of the critic.
    """
    for weight in weights:
        weight.clamp_(-bound, bound)
