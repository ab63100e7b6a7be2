"""How translations are taught: photos here, paintings there, and a judge who sees what becomes of other photos."""

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path

import torch
from lightning_fabric import Fabric

from shanshui.checkpoints.judges import open_distance
from shanshui.commands.judging import FEWEST_REFERENCES, judge_of, shown_to_the_discriminator
from shanshui.commands.lesson import Lesson, photos_learned
from shanshui.errors import ConfigError
from shanshui.evaluation.features import Image
from shanshui.evaluation.figures import USUAL_DISTANCE
from shanshui.evaluation.stills import stills
from shanshui.evaluation.translation import TranslationJudge
from shanshui.events import Emit
from shanshui.networks.adversaries import fit_discriminator
from shanshui.networks.discriminators.patchgan import PatchGANConfig
from shanshui.networks.stylizers.translators import LightTranslatorConfig, TranslatorConfig
from shanshui.recipes.translation import TranslationRecipe
from shanshui.scenes.base import Source
from shanshui.scenes.sources import open_source
from shanshui.training.course import Plan
from shanshui.training.learners.cut import CUTLearner
from shanshui.training.learners.cyclegan import CycleGANConfig, CycleGANLearner
from shanshui.training.learners.style import load_painter
from shanshui.training.learners.translation import TranslationConfig, TranslationLearner

COMPARED = 64
"""Pictures that are compared with their photos in each judgement."""

_GRID = 8


def settle_translation(recipe: TranslationRecipe, data: Path) -> TranslationRecipe:
    """`recipe` with a discriminator of its size, and a translator of the shape of the model that it begins with.

    Raises:
        ConfigError: a size that the networks cannot work at.
        ModelError: what it is to begin with is no model of named styles.
    """
    discriminator = fit_discriminator(recipe.learner.discriminator, recipe.size, recipe.size)
    assert isinstance(discriminator, PatchGANConfig)
    if recipe.size % _GRID or recipe.size < discriminator.least_side:
        raise ConfigError(
            f"--size is {recipe.size}: give a multiple of {_GRID}, at least {discriminator.least_side} pixels."
        )
    return replace(
        recipe, learner=replace(recipe.learner, discriminator=discriminator, translator=_shaped(recipe.learner))
    )


def _shaped(config: TranslationConfig) -> TranslatorConfig:
    if config.start is None:
        return config.translator
    begun = load_painter(config.start).config
    return LightTranslatorConfig(
        style=config.translator.style,
        width=begun.width,
        blocks=begun.blocks,
        deep_width=begun.deep_width,
        deep_blocks=begun.deep_blocks,
    )


def with_name(recipe: TranslationRecipe, name: str | None) -> TranslationRecipe:
    """`recipe` for what photos become under that name; unchanged without one."""
    if name is None:
        return recipe
    translator = replace(recipe.learner.translator, style=name)
    return replace(recipe, learner=replace(recipe.learner, translator=translator))


def learner_of(config: TranslationConfig) -> Callable[..., TranslationLearner]:
    """What learns from a configuration of that type."""
    return CycleGANLearner if isinstance(config, CycleGANConfig) else CUTLearner


def translation_lesson(
    recipe: TranslationRecipe, data: Path, heldout: Path | None, fabric: Fabric, emit: Emit
) -> Lesson:
    """Photos into the paintings that the recipe names below `data`, judged by VGG-19 on photos it has not seen.

    Paintings in `heldout`, of the same kind, say what a copy of a painting is.
    """
    size = recipe.size
    paintings = open_source(data / recipe.learner.paintings)
    others = None if heldout is None else open_source(heldout)
    shown = open_source(data / recipe.shown)
    photos = list(stills(shown, size, size, count=min(recipe.judged, len(shown)), emit=emit))
    build = partial(learner_of(recipe.learner), data=data, photos=photos, seed=recipe.settings.seed, fabric=fabric)
    judge = _judge(paintings, others, photos, size, fabric.device, emit) if fabric.is_global_zero else None
    return Lesson(
        plan=Plan(recipe.learner, build),
        dataset=photos_learned(recipe, data, emit),
        judge=judge,
        training=None if judge is None else shown_to_the_discriminator(paintings, size, size),
        heldout=None if judge is None or others is None else shown_to_the_discriminator(others, size, size),
    )


def _judge(
    paintings: Source, heldout: Source | None, photos: list[Image], size: int, device: torch.device, emit: Emit
) -> TranslationJudge | None:
    if len(photos) < FEWEST_REFERENCES:
        raise ConfigError(f"{len(photos)} photos are too few to judge translations by: give --shown and --judged more.")
    judge = judge_of(paintings, heldout, size, size, device, emit, fakes=len(photos))
    if judge is None:
        return None
    distance = open_distance(USUAL_DISTANCE, device=device)
    return TranslationJudge(judge, photos[:COMPARED], distance, name=USUAL_DISTANCE, height=size, width=size)
