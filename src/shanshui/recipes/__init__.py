"""Recipes: complete, named training configurations."""

from collections.abc import Mapping
from typing import Any

from shanshui.recipes.landscape import LANDSCAPE_64, LANDSCAPE_128, LANDSCAPE_256
from shanshui.recipes.painter import PAINTER

RECIPES: Mapping[str, Mapping[str, Any]] = {
    "scene": {"landscape-64": LANDSCAPE_64, "landscape-128": LANDSCAPE_128, "landscape-256": LANDSCAPE_256},
    "style": {"painter": PAINTER},
}
