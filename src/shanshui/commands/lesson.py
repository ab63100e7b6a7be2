"""What a learner is given to learn with."""

from dataclasses import dataclass

import torch

from shanshui.scenes.dataset import SceneDataset
from shanshui.training.course import Plan
from shanshui.training.judge import Judge


@dataclass(frozen=True, kw_only=True)
class Lesson:
    """What is taught, from what, and who looks at it.

    Attributes:
        plan: the learner's configuration, and how to build it.
        dataset: what it learns from.
        judge: None where no figure is measured.
        training: photographs of `dataset` to show to the discriminator, as in `Watch`; None where it has no judge.
        heldout: photographs that it never sees, as in `Watch`.
    """

    plan: Plan
    dataset: SceneDataset
    judge: Judge | None = None
    training: torch.Tensor | None = None
    heldout: torch.Tensor | None = None
