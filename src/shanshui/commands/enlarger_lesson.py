"""How an enlarger is taught: photos of twice the size, behind a generator that is trained already."""

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
from shanshui.networks.discriminators.projected import ProjectedConfig
from shanshui.networks.generators.fastgan import FastGAN
from shanshui.pipelines.generators import load_generator
from shanshui.recipes.enlarger import EnlargerRecipe
from shanshui.training.course import Plan
from shanshui.training.learners.enlarger import EnlargerLearner


def settle_enlarger(recipe: EnlargerRecipe, data: Path) -> EnlargerRecipe:
    """`recipe` with discriminators of the size of its patches."""
    side = recipe.learner.patch
    if side > recipe.size:
        raise ConfigError(f"Patches of {side} pixels do not lie in photos of {recipe.size}: give a smaller patch.")
    patches = cast(PatchGANConfig, fit_discriminator(recipe.learner.patches, side, side))
    projected = cast(ProjectedConfig, fit_discriminator(recipe.learner.projected, side, side))
    return replace(recipe, learner=replace(recipe.learner, patches=patches, projected=projected))


def enlarger_lesson(recipe: EnlargerRecipe, data: Path, heldout: Path | None, fabric: Fabric, emit: Emit) -> Lesson:
    """Scenes of `recipe.scenes` and the photos below `data`; sheets are judged by people, snapshots by `evaluate`.

    Raises:
        ConfigError: the generator cannot be enlarged, or its scenes are not half as large as the photos.
    """
    if heldout is not None:
        raise ConfigError("--heldout is for scenes out of noise: leave it out, and measure with `shanshui evaluate`.")
    scenes, _ = load_generator(recipe.scenes)
    if not isinstance(scenes, FastGAN) or scenes.size != (recipe.size // 2, recipe.size // 2):
        raise ConfigError(
            f"{recipe.scenes} is a {type(scenes).__name__} of {scenes.size[1]}x{scenes.size[0]} pixels: what is "
            f"enlarged is a FastGAN of half the size of the photos, here {recipe.size // 2}x{recipe.size // 2}."
        )
    build = partial(
        EnlargerLearner,
        scenes=scenes,
        photos=photos_shown(recipe, data),
        seed=recipe.settings.seed,
        fabric=fabric,
    )
    return Lesson(plan=Plan(recipe.learner, build), dataset=photos_learned(recipe, data, emit))
