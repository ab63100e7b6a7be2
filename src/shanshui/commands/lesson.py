"""What a learner is given to learn with."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from shanshui.events import Emit
from shanshui.recipes.photos import PhotoRecipe
from shanshui.scenes.dataset import SceneDataset
from shanshui.scenes.sources import open_source
from shanshui.training.course import Plan
from shanshui.training.judge import Judge

PHOTOS_SHOWN = 4


@dataclass(frozen=True, kw_only=True)
class Lesson:
    """What is taught, from what, and who looks at it.

    Attributes:
        plan: the learner's configuration, and how to build it.
        dataset: what it learns from.
        judge: None where no figure is measured, and in processes that only learn.
        training: photographs of `dataset` to show to the discriminator, as in `Watch`; None where it has no judge.
        heldout: photographs that it never sees, as in `Watch`.
    """

    plan: Plan
    dataset: SceneDataset
    judge: Judge | None = None
    training: torch.Tensor | None = None
    heldout: torch.Tensor | None = None


def photos_learned(recipe: PhotoRecipe, data: Path, emit: Emit) -> SceneDataset:
    """What a recipe learns on, in the folder `data`."""
    source = open_source(data / recipe.photos)
    return SceneDataset(source, recipe.size, recipe.size, flip=recipe.flip, min_scale=recipe.min_scale, emit=emit)


def photos_shown(recipe: PhotoRecipe, data: Path) -> list[NDArray[np.uint8]]:
    """The first photos of the set that its sample sheets show."""
    shown = SceneDataset(open_source(data / recipe.shown), recipe.size, recipe.size, flip=False, min_scale=1.0)
    return [shown.still(index) for index in range(min(PHOTOS_SHOWN, len(shown)))]
