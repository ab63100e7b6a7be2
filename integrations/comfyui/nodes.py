"""Four nodes: scenes out of noise, photos painted, paintings taken back to nature, holes filled."""

from functools import lru_cache
from typing import Any

import numpy as np
from torch import Tensor

from shanshui import SceneComposer, SceneGenerator, SceneInpainter, Stylizer
from shanshui.commands.stylizers import ANY, NAMED
from shanshui.commands.wishes import parse_blend
from shanshui.images.pixels import Pixels
from shanshui.pipelines.treatment import Style, Treatment

from .exchange import device, mask_for, one_by_one, pixels_of

CATEGORY = "Shanshui"
COLORS = ("painting", "luminance", "statistics")
_SEED = ("INT", {"default": 0, "min": 0, "max": 2**40, "control_after_generate": True})
_STRENGTH = ("FLOAT", {"default": 1.0, "min": 0.0, "max": 1.0, "step": 0.01})
_STYLE = ("STRING", {"default": "monet", "tooltip": "A name, or several with weights: monet:0.6, ink:0.4"})
_IF_YOU_LIKE = {
    "painting": ("IMAGE", {"tooltip": "Paint after this picture instead of the style"}),
    "mask": ("MASK", {"tooltip": "Where to paint at all"}),
}

_opened = lru_cache(maxsize=4)(lambda kind, model, where: kind.from_pretrained(model, device=where))


class Generate:
    """Scenes out of nothing but a seed."""

    RETURN_TYPES, FUNCTION, CATEGORY = ("IMAGE",), "generate", CATEGORY

    @classmethod
    def INPUT_TYPES(cls) -> dict[str, Any]:  # noqa: N802 - ComfyUI's name
        """What ComfyUI asks for."""
        return {
            "required": {
                "model": _model("landscape"),
                "seed": _SEED,
                "count": ("INT", {"default": 1, "min": 1, "max": 4096}),
                "truncation": _STRENGTH,
                "width": ("INT", {"default": 0, "min": 0, "max": 16384, "tooltip": "0: as wide as the model's scenes"}),
                "wrap": ("BOOLEAN", {"default": False, "tooltip": "The right edge joins the left edge"}),
            }
        }

    def generate(self, model: str, seed: int, count: int, truncation: float, width: int, wrap: bool) -> tuple[Tensor]:
        """`count` scenes of `seed`, as `SceneGenerator.generate`, or `panoramas` with `wrap`."""
        scenes: SceneGenerator = _opened(SceneGenerator, model, device())
        make = scenes.panoramas if wrap else scenes.generate
        size = (scenes.size[0], width) if width else None
        # One at a time, so that progress is seen and interruption felt.
        made = make(count, seed, size=size, truncation=truncation, batch_size=1)
        return (one_by_one(made, count, lambda _, scene: np.asarray(scene)),)


class Stylise:
    """Photos painted, in a style by name or after a painting."""

    RETURN_TYPES, FUNCTION, CATEGORY = ("IMAGE",), "stylise", CATEGORY

    @classmethod
    def INPUT_TYPES(cls) -> dict[str, Any]:  # noqa: N802 - ComfyUI's name
        """What ComfyUI asks for."""
        return {
            "required": {
                "image": ("IMAGE",),
                "model": _model(NAMED),
                "style": _STYLE,
                "strength": _STRENGTH,
                "colors": (list(COLORS), {"tooltip": "Whose colours: the painting's, or the photo's in two ways"}),
                "stroke_scale": ("FLOAT", {"default": 1.0, "min": 0.25, "max": 4.0, "step": 0.05}),
            },
            "optional": _IF_YOU_LIKE,
        }

    def stylise(
        self,
        image: Tensor,
        model: str,
        style: str,
        strength: float,
        colors: Any,
        stroke_scale: float,
        painting: Tensor | None = None,
        mask: Tensor | None = None,
    ) -> tuple[Tensor]:
        """Each image painted, as `Stylizer.paint`; a painting needs a model that takes any."""
        known = ANY if painting is not None and model == NAMED else model
        stylizer: Stylizer = _opened(Stylizer, known, device())
        return (_painted(stylizer, image, style, painting, mask, strength, colors=colors, stroke_scale=stroke_scale),)


class Compose:
    """Photos painted, and the paintings taken back to nature as far as one likes."""

    RETURN_TYPES, FUNCTION, CATEGORY = ("IMAGE",), "compose", CATEGORY

    @classmethod
    def INPUT_TYPES(cls) -> dict[str, Any]:  # noqa: N802 - ComfyUI's name
        """What ComfyUI asks for."""
        naturalness = {"default": 0.5, "min": 0.0, "max": 1.0, "step": 0.01, "tooltip": "0: the painting, 1: a scene"}
        return {
            "required": {
                "image": ("IMAGE",),
                "model": _model("composer"),
                "style": _STYLE,
                "naturalness": ("FLOAT", naturalness),
                "seed": _SEED,
                "strength": _STRENGTH,
            },
            "optional": _IF_YOU_LIKE,
        }

    def compose(
        self,
        image: Tensor,
        model: str,
        style: str,
        naturalness: float,
        seed: int,
        strength: float,
        painting: Tensor | None = None,
        mask: Tensor | None = None,
    ) -> tuple[Tensor]:
        """Each image composed, as `SceneComposer.at` paints it."""
        composer: SceneComposer = _opened(SceneComposer, model, device())
        return (_painted(composer.at(naturalness, seed=seed), image, style, painting, mask, strength),)


class Inpaint:
    """What a mask covers, filled from what lies around it."""

    RETURN_TYPES, FUNCTION, CATEGORY = ("IMAGE",), "inpaint", CATEGORY

    @classmethod
    def INPUT_TYPES(cls) -> dict[str, Any]:  # noqa: N802 - ComfyUI's name
        """What ComfyUI asks for."""
        return {
            "required": {
                "image": ("IMAGE",),
                "mask": ("MASK",),
                "model": _model("inpainter"),
                "seed": _SEED,
            }
        }

    def inpaint(self, image: Tensor, mask: Tensor, model: str, seed: int) -> tuple[Tensor]:
        """Each image filled, as `SceneInpainter.inpaint`."""
        inpainter: SceneInpainter = _opened(SceneInpainter, model, device())

        def fill(index: int, photo: Tensor) -> Pixels:
            holes = mask_for(mask, index)
            assert holes is not None
            return inpainter.inpaint(pixels_of(photo), holes, seed=seed).pixels

        return (one_by_one(image, len(image), fill),)


def _model(default: str) -> tuple[str, dict[str, str]]:
    return "STRING", {"default": default, "tooltip": "A model that ships, a .safetensors file, or a hub id"}


def _painted(
    stylizer: Stylizer,
    images: Tensor,
    style: str,
    painting: Tensor | None,
    mask: Tensor | None,
    strength: float,
    **more: Any,
) -> Tensor:
    names = [part.strip() for part in style.split(",") if part.strip()]
    wanted: Style = parse_blend(names, stylizer.styles) if painting is None else pixels_of(painting[0])

    def paint(index: int, photo: Tensor) -> Pixels:
        treatment = Treatment(strength=strength, mask=mask_for(mask, index), **more)
        return stylizer.paint(pixels_of(photo), wanted, treatment).pixels

    return one_by_one(images, len(images), paint)


NODE_CLASS_MAPPINGS = {
    "ShanshuiGenerate": Generate,
    "ShanshuiStylise": Stylise,
    "ShanshuiCompose": Compose,
    "ShanshuiInpaint": Inpaint,
}
NODE_DISPLAY_NAME_MAPPINGS = {
    "ShanshuiGenerate": "Generate a scene",
    "ShanshuiStylise": "Stylise",
    "ShanshuiCompose": "Compose",
    "ShanshuiInpaint": "Inpaint",
}
