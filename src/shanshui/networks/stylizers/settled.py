"""Statistics that stay: a feed-forward stylizer whose normalisation does not adapt to each picture.

Instance normalisation looks at every frame of a film anew, so that a bird that enters the sky changes the colour of the
ground: the painting breathes. Here a network watches some frames of a shot as it paints them, and then paints all of
them with the mean and the variance of what it saw.
"""

from copy import deepcopy
from typing import TypeVar

import torch
from torch import Tensor, nn
from torch.nn import functional

from shanshui.networks.stylizers.feedforward import ConvNorm, StyledNorm

Network = TypeVar("Network", bound=nn.Module)
"""A stylizer made of `ConvNorm`s."""


class _Norm(nn.Module):
    """Another normalisation in the place of `norm`, with its scale and shift."""

    def __init__(self, norm: StyledNorm) -> None:
        super().__init__()
        self.norm, self.epsilon = norm, norm.epsilon

    def affine(self, style: Tensor) -> tuple[Tensor, Tensor]:
        """As the original."""
        return self.norm.affine(style)


class ObservedNorm(_Norm):
    """Normalises as the original does, and remembers the statistics of all pictures."""

    def __init__(self, norm: StyledNorm) -> None:
        """Watch `norm`."""
        super().__init__(norm)
        self._pictures = 0
        self._mean: Tensor | float = 0.0
        self._square: Tensor | float = 0.0

    def settle(self, mean: Tensor, variance: Tensor) -> tuple[Tensor, Tensor]:
        """Remember (C,) statistics of one more picture, which are used as they are."""
        self._pictures += 1
        self._mean = self._mean + mean.double()
        self._square = self._square + variance.double() + mean.double().square()
        return mean, variance

    def forward(self, x: Tensor, style: Tensor) -> Tensor:
        """(1, C, H, W) and one style -> (1, C, H, W)."""
        variance, mean = torch.var_mean(x.float(), (0, 2, 3), correction=0)
        self.settle(mean, variance)
        return self.norm(x, style)

    def seen(self) -> tuple[Tensor, Tensor]:
        """Mean and variance (C,) of all pictures together, as if they were one.

        Raises:
            ValueError: there was no picture.
        """
        if self._pictures == 0:
            raise ValueError("A norm that has seen no picture has no statistics.")
        mean = torch.as_tensor(self._mean) / self._pictures
        return mean, (torch.as_tensor(self._square) / self._pictures - mean.square()).clamp_min(0)


class SettledNorm(_Norm):
    """Normalises with given statistics, whatever the picture."""

    mean: Tensor
    variance: Tensor

    def __init__(self, norm: StyledNorm, mean: Tensor, variance: Tensor) -> None:
        """Take the place of `norm`; statistics are (C,)."""
        super().__init__(norm)
        self.register_buffer("mean", mean.float(), persistent=False)
        self.register_buffer("variance", variance.float(), persistent=False)

    def settle(self, mean: Tensor, variance: Tensor) -> tuple[Tensor, Tensor]:
        """The given statistics instead of those of the picture."""
        return self.mean.double(), self.variance.double()

    def forward(self, x: Tensor, style: Tensor) -> Tensor:
        """(1, C, H, W) and one style -> (1, C, H, W)."""
        # The statistics are float32 whatever the network computes in, and so must be what stands beside them.
        scale, shift = (each.flatten().float() for each in self.affine(style))
        return functional.batch_norm(x, self.mean, self.variance, scale, shift, training=False, eps=self.epsilon)


def observed(network: Network) -> Network:
    """A copy of `network` that paints one picture at a time as the original does, and remembers their statistics."""
    watching = deepcopy(network)
    for layer in _layers(watching):
        layer.norm = ObservedNorm(layer.norm)
    return watching


def settled(network: Network) -> Network:
    """A copy of an `observed` network that paints with the statistics of what that has seen.

    Raises:
        ValueError: it has seen nothing.
    """
    calm = deepcopy(network)
    for layer in _layers(calm):
        assert isinstance(layer.norm, ObservedNorm)
        layer.norm = SettledNorm(layer.norm.norm, *layer.norm.seen())
    return calm


def _layers(network: nn.Module) -> list[ConvNorm]:
    return [module for module in network.modules() if isinstance(module, ConvNorm)]
