"""Random parameters of a batch of images: each image's is neutral unless a lottery chooses the image."""

import torch
from torch import Tensor

from shanshui.together import own, whole


class Draws:
    """A lottery of its own for every parameter, and one ticket for every image.

    The same count of random numbers is drawn whoever wins, so what one parameter draws does not depend on the
    probability of another.

    Args:
        count: images in the batch.
        random: source of randomness on the CPU; results are on the CPU, too.
    """

    def __init__(self, count: int, random: torch.Generator) -> None:
        self.count = count
        self._random = random

    def uniform(self, reach: float, probability: float, values: int = 1) -> tuple[Tensor, ...]:
        """`values` tensors (count,), from -reach to reach; 0 for images that are not chosen."""
        drawn = (own(torch.rand(whole(self.count), values, generator=self._random)) * 2 - 1) * reach
        return self._chosen(drawn, 0.0, probability).unbind(1)

    def normal(self, deviation: float, probability: float, values: int = 1) -> tuple[Tensor, ...]:
        """`values` tensors (count,), around 0; 0 for images that are not chosen."""
        drawn = own(torch.randn(whole(self.count), values, generator=self._random)) * deviation
        return self._chosen(drawn, 0.0, probability).unbind(1)

    def factor(self, octaves: float, probability: float) -> Tensor:
        """(count,) 2^N(0, octaves^2); 1 for images that are not chosen."""
        drawn = 2 ** (own(torch.randn(whole(self.count), 1, generator=self._random)) * octaves)
        return self._chosen(drawn, 1.0, probability)[:, 0]

    def choice(self, options: int, probability: float) -> Tensor:
        """(count,) int64 from 0 to options - 1; 0 for images that are not chosen."""
        drawn = own(torch.randint(options, (whole(self.count), 1), generator=self._random))
        return self._chosen(drawn, 0, probability)[:, 0]

    def _chosen(self, drawn: Tensor, neutral: float, probability: float) -> Tensor:
        wins = own(torch.rand(whole(self.count), 1, generator=self._random)) < probability
        return torch.where(wins, drawn, torch.full_like(drawn, neutral))
