"""Shanshui (山水, "mountains and water"): natural scenes and painting styles, learned with adversarial networks.

The names below are the public API. They are imported when first used, so that `import shanshui` and
`shanshui --help` do not wait for PyTorch.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from shanshui.errors import ShanshuiError
    from shanshui.pipelines.generate import SceneGenerator
    from shanshui.pipelines.stylize import Stylizer

__all__ = ["SceneGenerator", "Stylizer", "ShanshuiError", "__version__"]
__version__ = "0.1.0"

_HOMES = {
    "SceneGenerator": "shanshui.pipelines.generate",
    "Stylizer": "shanshui.pipelines.stylize",
    "ShanshuiError": "shanshui.errors",
}


def __getattr__(name: str) -> object:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return sorted(__all__)
