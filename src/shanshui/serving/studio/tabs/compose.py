"""Photos, or scenes out of noise, painted and taken back to nature."""

from collections.abc import AsyncIterator
from pathlib import Path

import gradio as gr

from shanshui.serving.jobs.catalogue import COMPOSER, Model
from shanshui.serving.jobs.job import Job
from shanshui.serving.jobs.orders import ComposeOrder
from shanshui.serving.studio.counter import Changes, Counter, Given
from shanshui.serving.studio.desk import Desk
from shanshui.serving.studio.painting import PaintingControls, photo_of
from shanshui.serving.studio.results import Results
from shanshui.serving.studio.settings import Setting, number
from shanshui.serving.studio.words import WORDS

TAB = "compose"


def build(desk: Desk, catalogue: dict[str, Model]) -> list[Setting]:
    """The tab, where the page is being built: what an address may set."""
    composers = [model for model in catalogue.values() if model.header.role == COMPOSER]
    if not composers:
        gr.Markdown(WORDS("no-composer"))
        return []
    composer = composers[0]
    with gr.Row():
        with gr.Column(min_width=300):
            photo = photo_of(TAB)
            gr.Markdown(WORDS("out-of-noise"))
            naturalness = gr.Slider(0, 1, 0.5, step=0.05, label=WORDS("naturalness"), elem_id="naturalness")
            seed = gr.Number(7, precision=0, minimum=0, label=WORDS("seed"), elem_id="compose-seed")
            controls = PaintingControls(photo, composer.styles, TAB)
            counter = Counter(desk, "compose", "make-compose")
        with gr.Column(min_width=300):
            counter.status()
            settings = [
                Setting("naturalness", naturalness, number(0, 1)),
                Setting("seed", seed, number(0, 2**31)),
                *controls.settings,
            ]
            results = Results(TAB, settings)

    async def handle(given: Given, language: str) -> AsyncIterator[Changes]:
        path, mask = given[photo], controls.brush.mask(given)
        uploads = {} if path is None else {"photo": Path(path).read_bytes()}
        uploads |= {} if mask is None or path is None else {"mask": mask}
        order = ComposeOrder(
            model=composer.name, naturalness=given[naturalness], seed=int(given[seed]), **controls.order(given)
        )

        def done(job: Job) -> Changes:
            (picture,) = desk.files(job)
            caption = f"{given[controls.style]}, {given[naturalness]:g}"
            return results.add(path or picture, picture, caption, given[results.made], given)

        async for changes in counter.order("compose", order, uploads, language, done):
            yield changes

    counter.serve(handle, [photo, naturalness, seed, results.made, *controls.components], results.components)
    return settings
