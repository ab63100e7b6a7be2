"""How long a training would take on this machine: a few real steps, and the rest by proportion."""

import logging
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Protocol

import torch
from lightning_fabric import Fabric
from torch import Tensor

from shanshui.commands.lessons import settle_scenes
from shanshui.commands.options import parse_size
from shanshui.commands.plan import Plan
from shanshui.commands.terminal import duration
from shanshui.events import Emit, Warned
from shanshui.recipes import RECIPES
from shanshui.recipes.painter import StyleRecipe
from shanshui.recipes.scenes import SceneRecipe
from shanshui.scenes.base import Source
from shanshui.scenes.batches import batches
from shanshui.scenes.dataset import SceneDataset
from shanshui.training.devices import start_fabric
from shanshui.training.learners.scene import SceneLearner
from shanshui.training.learners.style import StyleLearner, new_network

HOURS_IN_WORDS = 48


class Steps(Protocol):
    """The part of a learner that is timed."""

    def step(self, batch: Tensor, images_seen: int) -> object:
        """Learn from `batch`."""


@dataclass(frozen=True, kw_only=True)
class Pace:
    """So many steps, with so many images in all, took so long on a device."""

    steps: int
    images: int
    seconds: float
    device: str

    def seconds_for(self, images: int) -> float:
        """Seconds for a training on `images`, without the pauses for samples, checkpoints and judgements."""
        return images * self.seconds / self.images

    def as_json(self, images: int) -> dict[str, Any]:
        """What was measured, and the seconds that a training on `images` would take."""
        return {**asdict(self), "seconds_for_all": self.seconds_for(images)}


def in_words(seconds: float) -> str:
    """`12 min`, `3 h 20 min`, `4.5 days`."""
    hours = seconds / 3600
    return duration(seconds) if hours < HOURS_IN_WORDS else f"{hours / 24:.1f} days"


def timed(
    learner: Steps,
    stream: Iterator[Tensor],
    seconds: float,
    device: str,
    clock: Callable[[], float] = time.perf_counter,
) -> Pace:
    """Steps of `learner` on batches of `stream` until `seconds` are over, at least one; another before is not counted.

    The first step also allocates memory and chooses algorithms, which a training does once.
    """
    seen = _step(learner, next(stream), 0)
    began, first, steps = clock(), seen, 0
    while steps == 0 or clock() - began < seconds:
        seen += _step(learner, next(stream), seen)
        steps += 1
    return Pace(steps=steps, images=seen - first, seconds=clock() - began, device=device)


def try_out(
    plan: Plan, source: Source, data: Path, *, painting: str, device: torch.device, seconds: float, emit: Emit
) -> Pace | None:
    """The pace of the plan's recipe on the photos of `source`, or None where memory does not suffice, which is said.

    Args:
        plan: what to train.
        source: the photos.
        data: what `source` was opened from.
        painting: a usable file of `source`: the style that a style recipe is tried with.
        device: where to compute.
        seconds: how long.
        emit: hears a `Warned`.
    """
    # Fabric logs on its own which precision it takes.
    logging.getLogger("lightning_fabric").setLevel(logging.WARNING)
    fabric = start_fabric(device, "auto")
    recipe = RECIPES[plan.subject][plan.recipe]
    try:
        if isinstance(recipe, SceneRecipe):
            return _time_scenes(settle_scenes(recipe, data), source, fabric, seconds)
        return _time_styles(recipe, source, data, painting, fabric, seconds)
    except torch.OutOfMemoryError:
        message = f"{plan.recipe} does not fit the memory of this {device.type} device: give a smaller --batch-size."
        emit(Warned(task="doctor", message=message))
        return None


def _time_scenes(recipe: SceneRecipe, source: Source, fabric: Fabric, seconds: float) -> Pace:
    height, width = parse_size(recipe.size)
    dataset = SceneDataset(source, height, width, flip=recipe.flip, min_scale=recipe.min_scale)
    learner = SceneLearner(recipe.learner, seed=recipe.settings.seed, fabric=fabric)
    return _run(learner, dataset, recipe, fabric, seconds)


def _time_styles(
    recipe: StyleRecipe, source: Source, data: Path, painting: str, fabric: Fabric, seconds: float
) -> Pace:
    place = "." if len(source) == 1 else painting
    dataset = SceneDataset(source, recipe.size, recipe.size, flip=recipe.flip, min_scale=recipe.min_scale)
    config = replace(recipe.learner, styles={"mine": (place,)})
    seed = recipe.settings.seed
    network = new_network(config, seed)
    learner = StyleLearner(config, network, data=data, photos=[dataset.still(0)], seed=seed, fabric=fabric)
    return _run(learner, dataset, recipe, fabric, seconds)


def _run(
    learner: SceneLearner | StyleLearner,
    dataset: SceneDataset,
    recipe: SceneRecipe | StyleRecipe,
    fabric: Fabric,
    seconds: float,
) -> Pace:
    settings = recipe.settings
    with batches(dataset, batch_size=settings.batch_size, seed=settings.seed, workers=settings.workers) as stream:
        return timed(learner, stream, seconds, fabric.device.type)


def _step(learner: Steps, batch: Tensor, images_seen: int) -> int:
    """One step, finished also on a device that works behind the program; the number of its images."""
    learner.step(batch, images_seen)
    if torch.cuda.is_available():
        torch.cuda.synchronize()
    return len(batch)
