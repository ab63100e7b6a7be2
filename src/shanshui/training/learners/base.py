"""What the training loop asks of a learner."""

from collections.abc import Iterable, Mapping
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray
from torch import Tensor, nn


class Learner(Protocol):
    """Networks with their optimisers and one step.

    Everything random in a step is a pure function of (seed, images seen), so a learner's whole state is its
    `state_dict`, and a resumed run equals an uninterrupted one. A step may see one process's share of a batch: what
    depends on the other images goes through `together`.

    Attributes:
        looks_through: the encoder that its discriminator or loss looks through, which therefore must not choose the
            best snapshot; None when there is no such encoder.
        block: consecutive images of a batch that one process learns from, where several processes share it.
    """

    looks_through: str | None
    block: int

    def step(self, batch: Tensor, images_seen: int) -> Mapping[str, Tensor]:
        """Learn from `batch` (N, 3, H, W) in [-1, 1] and return the named scalar terms, detached."""

    def samples(self) -> list[NDArray[np.uint8]]:
        """Images (HWC) that show the progress: the same latents or photos each time."""

    def draw(self, count: int) -> Iterable[NDArray[np.uint8]]:
        """`count` images (HWC) to be judged, the same each time for the same weights."""

    def opinion(self, images: Tensor) -> Tensor | None:
        """The discriminator's mean logit (N,) of each of `images` (N, 3, H, W) in [-1, 1], on the CPU, not augmented.

        None for a learner without a discriminator, or with one that has to be told labels. Changes nothing.
        """

    def snapshot(self) -> nn.Module:
        """The network to ship, in evaluation mode and on the CPU."""

    def state_dict(self) -> dict[str, Any]:
        """Everything needed to continue: nested dicts and lists of tensors, numbers and strings."""

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Continue from what `state_dict` returned."""
