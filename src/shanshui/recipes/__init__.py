"""Recipes: complete, named training configurations."""

from collections.abc import Mapping
from typing import Any

from shanshui.recipes.composer import COMPOSER_128
from shanshui.recipes.enlarger import ENLARGER_256
from shanshui.recipes.inpainter import INPAINTER_128
from shanshui.recipes.painter import ADD_STYLE, PAINTER, PAINTER_ROBUST
from shanshui.recipes.painter_any import PAINTER_ANY
from shanshui.recipes.scenes import SCENE_RECIPES
from shanshui.recipes.translation import TRANSLATION_RECIPES

RECIPES: Mapping[str, Mapping[str, Any]] = {
    "scene": SCENE_RECIPES,
    "enlarger": {"enlarger-256": ENLARGER_256},
    "composer": {"composer-128": COMPOSER_128},
    "inpainter": {"inpainter-128": INPAINTER_128},
    "style": {
        "painter": PAINTER,
        "painter-robust": PAINTER_ROBUST,
        "painter-any": PAINTER_ANY,
        "add-style": ADD_STYLE,
    },
    "translation": TRANSLATION_RECIPES,
}
