"""How a composer is taught: behind a stylizer and a scene generator that are trained already."""

from dataclasses import replace
from functools import partial
from pathlib import Path

from lightning_fabric import Fabric

from shanshui.commands.lesson import Lesson, photos_learned, photos_shown
from shanshui.errors import ConfigError
from shanshui.events import Emit
from shanshui.networks.adversaries import fit_discriminator
from shanshui.pipelines.generators import load_generator
from shanshui.recipes.composer import ComposerRecipe
from shanshui.training.course import Plan
from shanshui.training.learners.composer import ComposerLearner
from shanshui.training.learners.style import load_painter


def settle_composer(recipe: ComposerRecipe, data: Path) -> ComposerRecipe:
    """`recipe` with a discriminator of its size."""
    discriminator = fit_discriminator(recipe.learner.discriminator, recipe.size, recipe.size)
    return replace(recipe, learner=replace(recipe.learner, discriminator=discriminator))


def composer_lesson(recipe: ComposerRecipe, data: Path, heldout: Path | None, fabric: Fabric, emit: Emit) -> Lesson:
    """Compositions of the photos below `data`; the sample sheets are judged by people, snapshots by `evaluate`."""
    if heldout is not None:
        raise ConfigError("--heldout is for scenes out of noise: leave it out, and measure with `shanshui evaluate`.")
    build = partial(
        ComposerLearner,
        stylizer=load_painter(recipe.stylizer),
        generator=load_generator(recipe.scenes)[0],
        data=data,
        photos=photos_shown(recipe, data),
        seed=recipe.settings.seed,
        fabric=fabric,
    )
    return Lesson(plan=Plan(recipe.learner, build), dataset=photos_learned(recipe, data, emit))
