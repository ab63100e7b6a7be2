"""Photos painted: the styles on one's own photo, one picture or many, before and after."""

from collections.abc import AsyncIterator
from pathlib import Path

import gradio as gr

from shanshui.errors import ShanshuiError
from shanshui.serving.jobs.catalogue import Model
from shanshui.serving.jobs.job import Job
from shanshui.serving.jobs.orders import NAMED, StylizeOrder
from shanshui.serving.studio.counter import Changes, Counter, Given
from shanshui.serving.studio.desk import Desk
from shanshui.serving.studio.painting import PaintingControls, photo_of
from shanshui.serving.studio.results import Results
from shanshui.serving.studio.settings import Setting
from shanshui.serving.studio.words import WORDS, told

TAB = "stylise"


def build(desk: Desk, catalogue: dict[str, Model]) -> tuple[gr.Image, list[Setting]]:
    """The tab, where the page is being built: where other tabs send photos, and what an address may set."""
    styles = catalogue[NAMED].styles if NAMED in catalogue else ()
    with gr.Row():
        with gr.Column(min_width=300):
            photo = photo_of(TAB)
            with gr.Accordion(WORDS("several"), open=False, elem_id="several"):
                more = gr.File(file_count="multiple", label=WORDS("more-photos"), elem_id="more")
            controls = PaintingControls(photo, styles, TAB)
            counter = Counter(desk, "paint", "paint")
        with gr.Column(min_width=300):
            thumbnails = gr.Gallery(
                label=WORDS("styles"), columns=4, height="auto", allow_preview=False, buttons=[], elem_id="styles"
            )
            counter.status()
            results = Results(TAB, controls.settings)

    async def show(path: str | None) -> AsyncIterator[list[tuple[str, str]]]:
        shown: list[tuple[str, str]] = []
        yield shown
        if path is not None and styles:
            try:
                async for thumbnail, name in desk.thumbnails(Path(path).read_bytes(), NAMED, styles):
                    shown.append((str(thumbnail), name))
                    yield shown
            except ShanshuiError:
                return  # said when it is to be painted

    async def handle(given: Given, language: str) -> AsyncIterator[Changes]:
        paths = [path for path in [given[photo], *(given[more] or [])] if path is not None]
        if not paths:
            yield {counter.line: told(language, "no-photo")}
        made = given[results.made]
        for path in paths:
            mask = controls.brush.mask(given) if path == given[photo] else None
            uploads = {"photo": Path(path).read_bytes()} | ({} if mask is None else {"mask": mask})

            def done(job: Job, path: str = path) -> Changes:
                nonlocal made
                (picture,) = desk.files(job)
                changes = results.add(
                    path, picture, f"{given[controls.style]} {given[controls.strength]:g}", made, given
                )
                made = changes[results.made]
                return changes

            order = StylizeOrder(**controls.order(given))
            async for changes in counter.order("stylize", order, uploads, language, done):
                yield changes

    def choose(event: gr.SelectData) -> str:
        return str(styles[event.index])

    photo.change(show, photo, thumbnails, show_progress="hidden")
    thumbnails.select(choose, None, controls.style, queue=False)
    counter.serve(handle, [photo, more, results.made, *controls.components], results.components)
    return photo, controls.settings
