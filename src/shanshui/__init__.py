"""Shanshui (山水, "mountains and water"): natural scenes and painting styles, learned with adversarial networks.

The names below are the public API. They are imported when first used, so that `import shanshui` and
`shanshui --help` do not wait for PyTorch.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from shanshui.errors import ShanshuiError
    from shanshui.images.film import write_film
    from shanshui.pipelines.codes import CodeSpace
    from shanshui.pipelines.compose import SceneComposer
    from shanshui.pipelines.films.film import FilmStylizer
    from shanshui.pipelines.generate import SceneGenerator
    from shanshui.pipelines.inpaint import SceneInpainter
    from shanshui.pipelines.interpolate import Interpolator
    from shanshui.pipelines.mix import StyleMixer
    from shanshui.pipelines.project import Projector
    from shanshui.pipelines.steering.editor import SceneEditor
    from shanshui.pipelines.stylize import Stylizer

__all__ = [
    "SceneGenerator",
    "CodeSpace",
    "SceneEditor",
    "Interpolator",
    "StyleMixer",
    "Projector",
    "Stylizer",
    "FilmStylizer",
    "SceneComposer",
    "SceneInpainter",
    "write_film",
    "ShanshuiError",
    "__version__",
]
__version__ = "0.1.0"

_HOMES = {
    "SceneGenerator": "shanshui.pipelines.generate",
    "CodeSpace": "shanshui.pipelines.codes",
    "SceneEditor": "shanshui.pipelines.steering.editor",
    "Interpolator": "shanshui.pipelines.interpolate",
    "StyleMixer": "shanshui.pipelines.mix",
    "Projector": "shanshui.pipelines.project",
    "Stylizer": "shanshui.pipelines.stylize",
    "FilmStylizer": "shanshui.pipelines.films.film",
    "SceneComposer": "shanshui.pipelines.compose",
    "SceneInpainter": "shanshui.pipelines.inpaint",
    "write_film": "shanshui.images.film",
    "ShanshuiError": "shanshui.errors",
}


def __getattr__(name: str) -> object:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return sorted(__all__)
