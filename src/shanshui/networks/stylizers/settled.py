"""Statistics that stay: a feed-forward stylizer whose normalisation does not adapt to each picture.

Instance normalisation looks at every frame of a film anew, so that a bird that enters the sky changes the colour of the
ground: the painting breathes. Here a network watches some frames of a shot as it paints them, and then paints all of
them with the mean and the variance of what it saw.
"""

from copy import deepcopy

import torch
from torch import Tensor
from torch.nn import functional

from shanshui.networks.stylizers.feedforward import ConditionalInstanceNorm, ConvNorm, FeedForwardStylizer


class ObservedNorm(ConditionalInstanceNorm):
    """Normalises as it did, and remembers the statistics of all pictures."""

    def __init__(self, norm: ConditionalInstanceNorm) -> None:
        """Take over the rows of `norm`."""
        super().__init__(1, 1, epsilon=norm.epsilon)
        self.gamma, self.beta = norm.gamma, norm.beta
        self._pictures = 0
        self._mean: Tensor | float = 0.0
        self._square: Tensor | float = 0.0

    def settle(self, mean: Tensor, variance: Tensor) -> tuple[Tensor, Tensor]:
        """Remember (C,) statistics of one more picture, which are used as they are."""
        self._pictures += 1
        self._mean = self._mean + mean.double()
        self._square = self._square + variance.double() + mean.double().square()
        return mean, variance

    def forward(self, x: Tensor, weights: Tensor) -> Tensor:
        """(1, C, H, W) and shares (1, S) -> (1, C, H, W)."""
        variance, mean = torch.var_mean(x.float(), (0, 2, 3), correction=0)
        self.settle(mean, variance)
        return super().forward(x, weights)

    def seen(self) -> tuple[Tensor, Tensor]:
        """Mean and variance (C,) of all pictures together, as if they were one.

        Raises:
            ValueError: there was no picture.
        """
        if self._pictures == 0:
            raise ValueError("A norm that has seen no picture has no statistics.")
        mean = torch.as_tensor(self._mean) / self._pictures
        return mean, (torch.as_tensor(self._square) / self._pictures - mean.square()).clamp_min(0)


class SettledNorm(ConditionalInstanceNorm):
    """Normalises with given statistics, whatever the picture."""

    mean: Tensor
    variance: Tensor

    def __init__(self, norm: ConditionalInstanceNorm, mean: Tensor, variance: Tensor) -> None:
        """Take over the rows of `norm`; statistics are (C,)."""
        super().__init__(1, 1, epsilon=norm.epsilon)
        self.gamma, self.beta = norm.gamma, norm.beta
        self.register_buffer("mean", mean.float(), persistent=False)
        self.register_buffer("variance", variance.float(), persistent=False)

    def settle(self, mean: Tensor, variance: Tensor) -> tuple[Tensor, Tensor]:
        """The given statistics instead of those of the picture."""
        return self.mean.double(), self.variance.double()

    def forward(self, x: Tensor, weights: Tensor) -> Tensor:
        """(1, C, H, W) and shares (1, S) -> (1, C, H, W)."""
        # The statistics are float32 whatever the network computes in, and so must be what stands beside them.
        scale, shift = ((weights @ row).flatten().float() for row in self.rows())
        return functional.batch_norm(x, self.mean, self.variance, scale, shift, training=False, eps=self.epsilon)


def observed(network: FeedForwardStylizer) -> FeedForwardStylizer:
    """A copy of `network` that paints one picture at a time as the original does, and remembers their statistics."""
    watching = deepcopy(network)
    for layer in _layers(watching):
        layer.norm = ObservedNorm(layer.norm)
    return watching


def settled(network: FeedForwardStylizer) -> FeedForwardStylizer:
    """A copy of an `observed` network that paints with the statistics of what that has seen.

    Raises:
        ValueError: it has seen nothing.
    """
    calm = deepcopy(network)
    for layer in _layers(calm):
        assert isinstance(layer.norm, ObservedNorm)
        layer.norm = SettledNorm(layer.norm, *layer.norm.seen())
    return calm


def _layers(network: FeedForwardStylizer) -> list[ConvNorm]:
    return [module for module in network.modules() if isinstance(module, ConvNorm)]
