"""Scenes out of seeds, each of which can be sent to be painted."""

from collections.abc import AsyncIterator
from typing import Any

import gradio as gr

from shanshui.pipelines.steering.controls import CONTROLS
from shanshui.serving.jobs.catalogue import SCENES, Model
from shanshui.serving.jobs.job import Job
from shanshui.serving.jobs.orders import GenerateOrder
from shanshui.serving.studio.counter import Changes, Counter, Given
from shanshui.serving.studio.desk import Desk
from shanshui.serving.studio.settings import Setting, number, one_of
from shanshui.serving.studio.words import WORDS

TAB = "generate"
MOST_SCENES = 16


def build(desk: Desk, catalogue: dict[str, Model]) -> tuple[gr.State, gr.Button, list[Setting]]:
    """The tab, where the page is being built: the chosen scene, the button that sends it, what an address may set."""
    names = [model.name for model in catalogue.values() if model.header.role == SCENES]
    with gr.Row():
        with gr.Column(min_width=300):
            model = gr.Dropdown(names, value=next(iter(names), None), label=WORDS("model"))
            seed = gr.Number(7, precision=0, minimum=0, label=WORDS("seed"), elem_id="seed")
            count = gr.Slider(1, MOST_SCENES, 4, step=1, label=WORDS("count"))
            truncation = gr.Slider(0, 1, 1, step=0.05, label=WORDS("truncation"))
            width = gr.Number(0, precision=0, minimum=0, label=WORDS("width"), elem_id="width")
            wrap = gr.Checkbox(False, label=WORDS("wrap"))
            with gr.Accordion(WORDS("controls"), open=False, elem_id="controls"):
                controls = {
                    control.name: gr.Slider(
                        -3, 3, 0, step=0.5, label=f"{control.opposite} – {control.name}", elem_id=control.name
                    )
                    for control in CONTROLS
                }
            with gr.Accordion(WORDS("way"), open=False, elem_id="way"):
                goes = gr.Checkbox(False, label=WORDS("goes"), elem_id="goes")
                towards = gr.Number(8, precision=0, minimum=0, label=WORDS("towards"), elem_id="towards")
            counter = Counter(desk, "make", "make")
        with gr.Column(min_width=300):
            counter.status()
            scenes = gr.Gallery(label=WORDS("scenes"), columns=4, height="auto", interactive=False, elem_id="scenes")
            send = gr.Button(WORDS("stylise"), interactive=False, elem_id="send")
    paths, chosen = gr.State([]), gr.State(None)

    async def handle(given: Given, language: str) -> AsyncIterator[Changes]:
        first = int(given[seed])
        order = GenerateOrder(
            model=given[model],
            seed=first,
            count=given[count],
            truncation=given[truncation],
            width=int(given[width]) or None,
            wrap=given[wrap],
            control=[f"{name}={given[slider]:g}" for name, slider in controls.items() if given[slider]],
            towards=int(given[towards]) if given[goes] else None,
        )

        def done(job: Job) -> Changes:
            files = [str(path) for path in desk.files(job)]
            name = f"{first}" if order.towards is None else f"{first}-{order.towards}"
            return {scenes: [(path, f"{name}:{number}") for number, path in enumerate(files)], paths: files}

        async for changes in counter.order("generate", order, {}, language, done):
            yield changes

    def choose(files: list[str], event: gr.SelectData) -> tuple[str, Any]:
        return files[event.index], gr.Button(interactive=True)

    scenes.select(choose, paths, [chosen, send], queue=False)
    inputs = [model, seed, count, truncation, width, wrap, goes, towards, *controls.values()]
    counter.serve(handle, inputs, [scenes, paths])
    settings = [
        Setting("model", model, one_of(names)),
        Setting("seed", seed, number(0, 2**31)),
        Setting("count", count, number(1, MOST_SCENES)),
        Setting("truncation", truncation, number(0, 1)),
    ]
    return chosen, send, settings
