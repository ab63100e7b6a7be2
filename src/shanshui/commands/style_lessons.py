"""How styles are taught: to a new network, to one that knows others already, or to one that paints after any."""

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any, TypeAlias

from lightning_fabric import Fabric

from shanshui.commands.lesson import Lesson, photos_learned, photos_shown
from shanshui.errors import ConfigError
from shanshui.events import Emit
from shanshui.recipes.painter import AddedStyleRecipe, StyleRecipe
from shanshui.recipes.painter_any import AnyStyleRecipe
from shanshui.training.course import Plan
from shanshui.training.learners.any_style import AnyStyleLearner
from shanshui.training.learners.base import Learner
from shanshui.training.learners.style import AddedStyleLearner, StyleConfig, StyleLearner, load_painter, new_network

Recipe: TypeAlias = StyleRecipe | AddedStyleRecipe | AnyStyleRecipe


def settle_styles(recipe: Recipe, data: Path) -> Recipe:
    """`recipe`, if it says what to learn.

    Raises:
        ConfigError: it adds styles and names none.
    """
    if isinstance(recipe, AddedStyleRecipe) and not recipe.learner.styles:
        raise ConfigError("Which style to add is missing: give --style NAME=PAINTINGS, for instance mine=paintings/.")
    return recipe


def style_lesson(recipe: Recipe, data: Path, heldout: Path | None, fabric: Fabric, emit: Emit) -> Lesson:
    """Styles from the paintings that the recipe names below `data`; its sample sheets are judged by people."""
    if heldout is not None:
        raise ConfigError("--heldout tells whether photos are copied, which a stylizer does not do: leave it out.")
    photos = photos_shown(recipe, data)
    build = partial(_learner(recipe), data=data, photos=photos, seed=recipe.settings.seed, fabric=fabric)
    return Lesson(plan=Plan(recipe.learner, build), dataset=photos_learned(recipe, data, emit))


def with_styles(recipe: Recipe, texts: tuple[str, ...]) -> Recipe:
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
    match recipe:
        case StyleRecipe():
            return replace(recipe, learner=replace(recipe.learner, styles=styles))
        case AddedStyleRecipe():
            return replace(recipe, learner=replace(recipe.learner, styles=styles))
        case AnyStyleRecipe():
            return replace(recipe, learner=replace(recipe.learner, styles=styles))


def _learner(recipe: Recipe) -> Callable[..., Learner]:
    match recipe:
        case StyleRecipe():
            return _learner_of_new
        case AddedStyleRecipe():
            return partial(AddedStyleLearner, base=load_painter(recipe.base))
        case AnyStyleRecipe():
            return AnyStyleLearner


def _learner_of_new(config: StyleConfig, *, seed: int, **rest: Any) -> StyleLearner:
    return StyleLearner(config, new_network(config, seed), seed=seed, **rest)
