"""How an inpainter is taught: photos, and what is missing of them."""

from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import cast

from lightning_fabric import Fabric

from shanshui.commands.lesson import Lesson, photos_learned, photos_shown
from shanshui.errors import ConfigError
from shanshui.events import Emit
from shanshui.networks.adversaries import fit_discriminator
from shanshui.networks.discriminators.patchgan import PatchGANConfig
from shanshui.recipes.inpainter import InpainterRecipe
from shanshui.training.course import Plan
from shanshui.training.learners.inpainter import InpainterLearner


def settle_inpainter(recipe: InpainterRecipe, data: Path) -> InpainterRecipe:
    """`recipe` with a discriminator of its size."""
    fitted = fit_discriminator(recipe.learner.discriminator, recipe.size, recipe.size)
    return replace(recipe, learner=replace(recipe.learner, discriminator=cast(PatchGANConfig, fitted)))


def inpainter_lesson(recipe: InpainterRecipe, data: Path, heldout: Path | None, fabric: Fabric, emit: Emit) -> Lesson:
    """Holes in the photos below `data`; the sample sheets are judged by people, snapshots by `evaluate`."""
    if heldout is not None:
        raise ConfigError("--heldout is for scenes out of noise: leave it out, and measure with `shanshui evaluate`.")
    build = partial(InpainterLearner, photos=photos_shown(recipe, data), seed=recipe.settings.seed, fabric=fabric)
    return Lesson(plan=Plan(recipe.learner, build), dataset=photos_learned(recipe, data, emit))
