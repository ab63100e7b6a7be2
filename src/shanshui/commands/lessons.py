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

from shanshui.commands.options import parse_size
from shanshui.errors import ConfigError
from shanshui.evaluation.collection import with_progress
from shanshui.evaluation.judge import Judge
from shanshui.evaluation.protocols import DEFAULT_FIGURES, features_of
from shanshui.evaluation.references import reference_features
from shanshui.evaluation.stills import stills
from shanshui.events import Emit, Warned
from shanshui.networks.encoders.pooled import PooledVGG19
from shanshui.recipes.painter import StyleRecipe
from shanshui.recipes.scenes import SceneRecipe
from shanshui.scenes.base import Source
from shanshui.scenes.dataset import SceneDataset
from shanshui.scenes.sources import open_source
from shanshui.training.learners.base import Learner
from shanshui.training.learners.scene import SceneLearner
from shanshui.training.learners.strategy import fitted, with_labels
from shanshui.training.learners.style import StyleLearner
from shanshui.training.loop import TASK

# Images that a judgement during training takes: enough to rank snapshots, few enough not to hold training up.
REFERENCES, JUDGED = 2000, 500
FEWEST_REFERENCES = 50
PHOTOS_SHOWN = 4


@dataclass(frozen=True, kw_only=True)
class Lesson:
    """A learner with what it learns from; `judge` is None where no figure is measured."""

    learner: Learner
    dataset: SceneDataset
    judge: Judge | None


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
    lesson: Callable[[Any, Path, Fabric, Emit], Lesson]


def settle_scenes(recipe: SceneRecipe, data: Path) -> SceneRecipe:
    """`recipe` with networks of its size, which know as many labels as `data` has folders if they are to be told."""
    height, width = parse_size(recipe.size)
    learner = fitted(recipe.learner, height, width)
    if recipe.labels == "folders":
        learner = with_labels(learner, len(SceneDataset(open_source(data), height, width).classes))
    return replace(recipe, learner=learner)


def scene_lesson(recipe: SceneRecipe, data: Path, fabric: Fabric, emit: Emit) -> Lesson:
    """Scenes from the photos in `data`, judged by VGG-19, which the discriminator does not look through."""
    source = open_source(data)
    height, width = parse_size(recipe.size)
    dataset = SceneDataset(source, height, width, flip=recipe.flip, min_scale=recipe.min_scale, emit=emit)
    seed = recipe.settings.seed
    labels = partial(_labels, dataset, seed) if recipe.labels == "folders" else None
    learner = SceneLearner(recipe.learner, seed=seed, fabric=fabric, labels=labels)
    return Lesson(learner=learner, dataset=dataset, judge=_judge(source, height, width, fabric.device, emit))


def style_lesson(recipe: StyleRecipe, data: Path, fabric: Fabric, emit: Emit) -> Lesson:
    """Styles from the paintings that the recipe names below `data`; its sample sheets are judged by people."""
    shown = SceneDataset(open_source(data / recipe.shown), recipe.size, recipe.size, flip=False, min_scale=1.0)
    photos = [shown.still(index) for index in range(min(PHOTOS_SHOWN, len(shown)))]
    learner = StyleLearner(recipe.learner, data=data, photos=photos, seed=recipe.settings.seed, fabric=fabric)
    dataset = SceneDataset(
        open_source(data / recipe.photos),
        recipe.size,
        recipe.size,
        flip=recipe.flip,
        min_scale=recipe.min_scale,
        emit=emit,
    )
    return Lesson(learner=learner, dataset=dataset, judge=None)


SUBJECTS: Mapping[str, Subject] = {
    "scene": Subject(
        about="a generator learns to make scenes like your photos",
        photos=lambda recipe, data: data,
        settled=settle_scenes,
        lesson=scene_lesson,
    ),
    "style": Subject(
        about="a stylizer learns to paint any photo in the styles of your paintings",
        photos=lambda recipe, data: data / recipe.photos,
        settled=lambda recipe, data: recipe,
        lesson=style_lesson,
    ),
}


def with_styles(recipe: StyleRecipe, texts: tuple[str, ...]) -> StyleRecipe:
    """`recipe` with the styles `NAME=PLACE[,PLACE...]` instead of its own; unchanged without any.

    Raises:
        ConfigError: a text of another form, or a name given twice.
    """
    if not texts:
        return recipe
    styles: dict[str, tuple[str, ...]] = {}
    for text in texts:
        name, _, places = text.partition("=")
        if not name or not places or name in styles:
            raise ConfigError(f"--style {text} names no new style: write NAME=PAINTINGS, each name once.")
        styles[name] = tuple(places.split(","))
    return replace(recipe, learner=replace(recipe.learner, styles=styles))


def _labels(dataset: SceneDataset, seed: int, images_seen: int, count: int) -> torch.Tensor:
    """What the learner is told of the `count` images that come after `images_seen`."""
    return torch.tensor([dataset.label(seed, position) for position in range(images_seen, images_seen + count)])


def _judge(source: Source, height: int, width: int, device: torch.device, emit: Emit) -> Judge | None:
    count = min(len(source), REFERENCES)
    if count < FEWEST_REFERENCES:
        message = (
            f"{source.label} has {len(source)} images, too few to measure against: the newest snapshot is the best."
        )
        emit(Warned(task=TASK, message=message))
        return None
    extractor = PooledVGG19().to(device)
    reference = reference_features(
        with_progress(stills(source, height, width, count=count), count, emit),
        extractor,
        features_of(DEFAULT_FIGURES),
        height=height,
        width=width,
        digest=source.digest,
        count=count,
        device=device,
        emit=emit,
    )
    return Judge(reference, extractor, height=height, width=width, fakes=JUDGED, device=device)
