"""What training asks of whoever judges a learner's images. It is told how to judge, it does not know how."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray


class Judgement(Protocol):
    """What was found in one pass over a learner's images; None where something was not measured."""

    @property
    def figures(self) -> Mapping[str, float]:
        """Full name -> value; lower is better for the one that chooses."""

    @property
    def errors(self) -> Mapping[str, float]:
        """Full name -> standard error, of those figures that have one."""

    @property
    def variety(self) -> float | None:
        """Mean distance between two generated images over that between two real ones."""

    @property
    def recall(self) -> float | None:
        """Share of the real images that lie among the generated ones."""

    @property
    def movement(self) -> float | None:
        """How far the images of the same latents moved since `trace`, in distances of real neighbours."""

    @property
    def copies(self) -> tuple[float, float, float, Sequence[tuple[int, int]]] | None:
        """The fields of `monitors.reading.Copies`."""

    @property
    def trace(self) -> NDArray[np.float32] | NDArray[np.float64]:
        """To be handed back at the next judgement."""

    @property
    def evidence(self) -> Sequence[NDArray[np.uint8]]:
        """Generated image and its nearest training photograph, in turns: the pairs of `copies`."""


class Judge(Protocol):
    """Figures of a learner's images, and how they lie among real ones."""

    names: tuple[str, ...]

    def __call__(
        self,
        draw: Callable[[int], Iterable[NDArray[np.uint8]]],
        before: NDArray[np.float32] | NDArray[np.float64] | None = None,
    ) -> Judgement:
        """Judge `draw(count)` images; `before` is the trace of the previous judgement."""

    def choosing(self, looks_through: str | None) -> str:
        """The figure that may choose the best snapshot of a learner that looks through that encoder."""
