"""The controls that every tab has that paints: whose style, how much of it, whose colours, and where."""

from collections.abc import Sequence
from typing import Any

import gradio as gr

from shanshui.errors import ShanshuiError
from shanshui.images.files import read_picture
from shanshui.networks.segmenters.zones import ZONES
from shanshui.serving.studio.counter import Given
from shanshui.serving.studio.desk import mask_png
from shanshui.serving.studio.settings import Setting, number, one_of
from shanshui.serving.studio.words import WORDS

COLOURS = ("painting", "luminance", "statistics")
_ELSEWHERE, _PHOTO = "", "-"
_BRUSH = gr.Brush(colors=["#ffffff"], default_color="#ffffff", color_mode="fixed")


def photo_of(name: str) -> gr.Image:
    """A place for a photo, whose value is the file as it was uploaded: what it is, the service says in its words."""
    photo = gr.Image(
        type="filepath", image_mode=None, sources=["upload", "clipboard"], label=WORDS("photo"), elem_id=f"{name}-photo"
    )
    photo.preprocess = lambda payload: None if payload is None else payload.path
    return photo


class Brush:
    """Strokes over a photo that say where something is to be done."""

    def __init__(self, photo: gr.Image, label: str, name: str) -> None:
        """Over `photo`, where the page is being built."""
        self.editor = gr.ImageEditor(
            type="numpy",
            sources=None,
            layers=False,
            transforms=None,
            brush=_BRUSH,
            label=WORDS(label),
            elem_id=f"{name}-mask",
        )
        photo.change(_background, photo, self.editor, show_progress="hidden", queue=False)

    def mask(self, given: Given) -> bytes | None:
        """What was brushed over, as a PNG; None where nothing was."""
        layers = (given[self.editor] or {}).get("layers") or [None]
        return mask_png(layers[0])


class PaintingControls:
    """The controls, and what of an order they say."""

    def __init__(self, photo: gr.Image, styles: Sequence[str], name: str) -> None:
        """For `photo` in one of `styles`, where the page is being built."""
        self.style = gr.Dropdown(
            list(styles), value=next(iter(styles), None), label=WORDS("style"), elem_id=f"{name}-style"
        )
        self.strength = gr.Slider(0, 1, 1, step=0.05, label=WORDS("strength"), elem_id=f"{name}-strength")
        words = ("of-painting", "of-photo", "of-photo-whole")
        self.colours = gr.Radio(
            [(WORDS(word), value) for word, value in zip(words, COLOURS, strict=True)],
            value=COLOURS[0],
            label=WORDS("colours"),
        )
        self.stroke = gr.Slider(0.25, 4, 1, step=0.05, label=WORDS("stroke"), elem_id=f"{name}-stroke")
        self.skies = gr.Checkbox(True, label=WORDS("skies"))
        with gr.Accordion(WORDS("zones"), open=False, elem_id=f"{name}-zones"):
            choices = [(WORDS("as-elsewhere"), _ELSEWHERE), (WORDS("as-photo"), _PHOTO), *((s, s) for s in styles)]
            self.zones = {
                zone: gr.Dropdown(choices, value=_ELSEWHERE, label=WORDS(zone), elem_id=f"{name}-{zone}")
                for zone in ZONES
            }
        with gr.Accordion(WORDS("where"), open=False, elem_id=f"{name}-where"):
            self.brush = Brush(photo, "brush", name)

    @property
    def components(self) -> list[Any]:
        """All whose values count."""
        mask = self.brush.editor
        return [self.style, self.strength, self.colours, self.stroke, self.skies, *self.zones.values(), mask]

    @property
    def settings(self) -> list[Setting]:
        """Those that go into an address."""
        return [
            Setting("style", self.style, one_of([value for _, value in self.style.choices])),
            Setting("strength", self.strength, number(0, 1)),
            Setting("colours", self.colours, one_of(COLOURS)),
            Setting("stroke", self.stroke, number(0.25, 4)),
        ]

    def order(self, given: Given) -> dict[str, Any]:
        """The fields of an order that paints."""
        style = given[self.style]
        chosen = {zone: given[dropdown] for zone, dropdown in self.zones.items()}
        return {
            "style": [style],
            "strength": given[self.strength],
            "colors": given[self.colours],
            "stroke_scale": given[self.stroke],
            "flat_skies": given[self.skies],
            "region": [
                f"{zone}={style}:0" if wanted == _PHOTO else f"{zone}={wanted}"
                for zone, wanted in chosen.items()
                if wanted != _ELSEWHERE
            ],
        }


def _background(path: str | None) -> str | None:
    """What is brushed over: the photo, where it is one."""
    if path is None:
        return None
    try:
        read_picture(path)
    except ShanshuiError:
        return None  # said when it is to be painted
    return path
