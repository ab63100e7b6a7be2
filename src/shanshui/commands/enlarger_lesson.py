"""How an enlarger is taught: photos of twice the size, behind a generator that is trained already."""

from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import cast

from lightning_fabric import Fabric

from shanshui.commands.judging import judge_of
from shanshui.commands.lesson import Lesson, photos_learned, photos_shown
from shanshui.errors import ConfigError
from shanshui.events import Emit
from shanshui.networks.adversaries import fit_discriminator
from shanshui.networks.discriminators.patchgan import PatchGANConfig
from shanshui.networks.discriminators.projected import ProjectedConfig
from shanshui.networks.generators.fastgan import FastGAN
from shanshui.pipelines.generators import load_generator
from shanshui.recipes.enlarger import EnlargerRecipe
from shanshui.scenes.sources import open_source
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
    """Scenes of `recipe.scenes` and the photos below `data`, judged by VGG-19, which no discriminator looks through.

    Raises:
        ConfigError: the generator cannot be enlarged, or its scenes are not half as large as the photos.
    """
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
    source = open_source(data / recipe.photos)
    others = None if heldout is None else open_source(heldout)
    judge = judge_of(source, others, recipe.size, recipe.size, fabric.device, emit) if fabric.is_global_zero else None
    return Lesson(plan=Plan(recipe.learner, build), dataset=photos_learned(recipe, data, emit), judge=judge)
