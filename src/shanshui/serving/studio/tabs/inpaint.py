"""Holes in photos filled, and photos extended."""

from collections.abc import AsyncIterator
from pathlib import Path

import gradio as gr

from shanshui.serving.jobs.catalogue import INPAINTER, Model
from shanshui.serving.jobs.job import Job
from shanshui.serving.jobs.orders import MOST_PIXELS_ADDED, InpaintOrder
from shanshui.serving.studio.counter import Changes, Counter, Given
from shanshui.serving.studio.desk import Desk
from shanshui.serving.studio.painting import Brush, photo_of
from shanshui.serving.studio.results import Results
from shanshui.serving.studio.settings import Setting, number
from shanshui.serving.studio.words import WORDS, told

TAB = "inpaint"
_SIDES = ("left", "right", "top", "bottom")


def build(desk: Desk, catalogue: dict[str, Model]) -> list[Setting]:
    """The tab, where the page is being built: what an address may set."""
    inpainters = [model for model in catalogue.values() if model.header.role == INPAINTER]
    if not inpainters:
        gr.Markdown(WORDS("no-inpainter"))
        return []
    inpainter = inpainters[0]
    with gr.Row():
        with gr.Column(min_width=300):
            photo = photo_of(TAB)
            brush = Brush(photo, "brush-hole", TAB)
            with gr.Accordion(WORDS("expand"), open=False, elem_id="expand"):
                sides = {
                    side: gr.Number(
                        0, precision=0, minimum=0, maximum=MOST_PIXELS_ADDED, label=WORDS(side), elem_id=side
                    )
                    for side in _SIDES
                }
            seed = gr.Number(0, precision=0, minimum=0, label=WORDS("other-fill"), elem_id="inpaint-seed")
            counter = Counter(desk, "fill", "fill")
        with gr.Column(min_width=300):
            counter.status()
            settings = [
                *(Setting(side, component, number(0, MOST_PIXELS_ADDED)) for side, component in sides.items()),
                Setting("seed", seed, number(0, 2**31)),
            ]
            results = Results(TAB, settings)

    async def handle(given: Given, language: str) -> AsyncIterator[Changes]:
        path, mask = given[photo], brush.mask(given)
        if path is None:
            yield {counter.line: told(language, "no-photo")}
            return
        uploads = {"photo": Path(path).read_bytes()} | ({} if mask is None else {"mask": mask})
        added = {side: int(given[component]) for side, component in sides.items()}
        order = InpaintOrder.model_validate({"model": inpainter.name, "seed": int(given[seed]), **added})

        def done(job: Job) -> Changes:
            (picture,) = desk.files(job)
            return results.add(path, picture, str(order.seed), given[results.made], given)

        async for changes in counter.order("inpaint", order, uploads, language, done):
            yield changes

    counter.serve(handle, [photo, brush.editor, seed, results.made, *sides.values()], results.components)
    return settings
