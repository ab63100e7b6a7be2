"""What each learner is given to learn with: networks, data, and who judges it.

This is the one place where training meets evaluation: the loop is handed a judge and does not know how it judges.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import torch
from lightning_fabric import Fabric

from shanshui.commands.composer_lesson import composer_lesson, settle_composer
from shanshui.commands.enlarger_lesson import enlarger_lesson, settle_enlarger
from shanshui.commands.inpainter_lesson import inpainter_lesson, settle_inpainter
from shanshui.commands.judging import judge_of, shown_to_the_discriminator
from shanshui.commands.lesson import Lesson
from shanshui.commands.options import parse_size
from shanshui.commands.style_lessons import settle_styles, style_lesson
from shanshui.commands.translation_lessons import settle_translation, translation_lesson
from shanshui.events import Emit
from shanshui.recipes.scenes import SceneRecipe
from shanshui.scenes.dataset import SceneDataset
from shanshui.scenes.sources import open_source
from shanshui.training.course import Plan
from shanshui.training.learners.scene import SceneLearner
from shanshui.training.learners.strategy import fitted, with_labels


@dataclass(frozen=True, kw_only=True)
class Subject:
    """What can be learned.

    Attributes:
        about: for the help.
        photos: the data set in a recipe's `--data`.
        settled: the recipe with everything in it that follows from its size and data.
        lesson: builds what learns.
    """

    about: str
    photos: Callable[[Any, Path], Path]
    settled: Callable[[Any, Path], Any]
    lesson: Callable[[Any, Path, Path | None, Fabric, Emit], Lesson]


def settle_scenes(recipe: SceneRecipe, data: Path) -> SceneRecipe:
    """`recipe` with networks of its size, which know as many labels as `data` has folders if they are to be told."""
    height, width = parse_size(recipe.size)
    learner = fitted(recipe.learner, height, width)
    if recipe.labels == "folders":
        learner = with_labels(learner, len(SceneDataset(open_source(data), height, width).classes))
    return replace(recipe, learner=learner)


def scene_lesson(recipe: SceneRecipe, data: Path, heldout: Path | None, fabric: Fabric, emit: Emit) -> Lesson:
    """Scenes from the photos in `data`, judged by VGG-19, which the discriminator does not look through.

    Photos in `heldout`, of the same kind, say how near photographs lie to each other that were not learned from.
    """
    source = open_source(data)
    height, width = parse_size(recipe.size)
    dataset = SceneDataset(source, height, width, flip=recipe.flip, min_scale=recipe.min_scale, emit=emit)
    seed = recipe.settings.seed
    labels = partial(_labels, dataset, seed) if recipe.labels == "folders" else None
    others = None if heldout is None else open_source(heldout)
    return Lesson(
        plan=Plan(recipe.learner, partial(SceneLearner, seed=seed, fabric=fabric, labels=labels)),
        dataset=dataset,
        judge=judge_of(source, others, height, width, fabric.device, emit) if fabric.is_global_zero else None,
        training=shown_to_the_discriminator(source, height, width),
        heldout=None if others is None else shown_to_the_discriminator(others, height, width),
    )


SUBJECTS: Mapping[str, Subject] = {
    "scene": Subject(
        about="a generator learns to make scenes like your photos",
        photos=lambda recipe, data: data,
        settled=settle_scenes,
        lesson=scene_lesson,
    ),
    "enlarger": Subject(
        about="a generator's scenes become twice as large, with the detail of your photos",
        photos=lambda recipe, data: data / recipe.photos,
        settled=settle_enlarger,
        lesson=enlarger_lesson,
    ),
    "composer": Subject(
        about="the joint pipeline learns to take painted photos back to nature, as far as a slider says",
        photos=lambda recipe, data: data / recipe.photos,
        settled=settle_composer,
        lesson=composer_lesson,
    ),
    "inpainter": Subject(
        about="a network learns to fill holes in your photos, and what lies beyond their borders",
        photos=lambda recipe, data: data / recipe.photos,
        settled=settle_inpainter,
        lesson=inpainter_lesson,
    ),
    "style": Subject(
        about="a stylizer learns to paint any photo in the styles of your paintings",
        photos=lambda recipe, data: data / recipe.photos,
        settled=settle_styles,
        lesson=style_lesson,
    ),
    "translation": Subject(
        about="a translator learns to turn photos into paintings like yours, without pairs",
        photos=lambda recipe, data: data / recipe.photos,
        settled=settle_translation,
        lesson=translation_lesson,
    ),
}


def _labels(dataset: SceneDataset, seed: int, images_seen: int, count: int) -> torch.Tensor:
    """What the learner is told of the `count` images that come after `images_seen`."""
    return torch.tensor([dataset.label(seed, position) for position in range(images_seen, images_seen + count)])
