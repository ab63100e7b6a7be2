"""The page itself, made with Gradio: it asks nothing of any other host."""

from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import gradio as gr

from shanshui.errors import ShanshuiError
from shanshui.images.files import read_picture
from shanshui.serving.jobs.catalogue import SCENES, Model
from shanshui.serving.jobs.orders import NAMED, GenerateOrder, StylizeOrder
from shanshui.serving.studio.desk import Desk, mask_png, refusal
from shanshui.serving.studio.words import CHINESE, ENGLISH, language_of, told, translations

CSS = """
footer { display: none !important; }
.gradio-container { max-width: 1100px !important; margin: auto; }
"""
THEME = gr.themes.Default(
    primary_hue=gr.themes.colors.teal,
    font=["ui-sans-serif", "system-ui", "sans-serif"],
    font_mono=["ui-monospace", "monospace"],
)
WORDS = gr.I18n(**{ENGLISH: translations(ENGLISH), CHINESE: translations(CHINESE)})
MOST_SCENES, MOST_REMEMBERED = 16, 40
_BRUSH = gr.Brush(colors=["#ffffff"], default_color="#ffffff", color_mode="fixed")


def page_of(desk: Desk) -> gr.Blocks:
    """The page whose orders go to `desk`.

    Jobs alone go through Gradio's queue: one that joins it just as another leaves it empty is lost.
    """
    catalogue = {model.name: model for model in desk.service.catalogue}
    with gr.Blocks(title="Shanshui 山水", analytics_enabled=False) as page:
        gr.Markdown("# Shanshui 山水")
        with gr.Tabs() as tabs:
            with gr.Tab(WORDS("stylise"), id="stylise"):
                photo = _stylise(page, desk, catalogue)
            with gr.Tab(WORDS("generate"), id="generate"):
                chosen, send = _generate(page, desk, catalogue)
            with gr.Tab(WORDS("models"), id="models"):
                _models(catalogue)
        send.click(lambda path: (path, gr.Tabs(selected="stylise")), chosen, [photo, tabs], queue=False)
    return page


def _stylise(page: gr.Blocks, desk: Desk, catalogue: Mapping[str, Model]) -> gr.Image:
    styles = catalogue[NAMED].styles if NAMED in catalogue else ()
    with gr.Row():
        with gr.Column(min_width=300):
            photo = gr.Image(type="filepath", image_mode=None, sources=["upload", "clipboard"], label=WORDS("photo"))
            # The file as it was uploaded: whether it is a picture is for the service to say, in its own words.
            photo.preprocess = lambda payload: None if payload is None else payload.path
            style = gr.Dropdown(list(styles), value=next(iter(styles), None), label=WORDS("style"), elem_id="style")
            strength = gr.Slider(0, 1, 1, step=0.05, label=WORDS("strength"), elem_id="strength")
            colours = gr.Radio(
                [
                    (WORDS("of-painting"), "painting"),
                    (WORDS("of-photo"), "luminance"),
                    (WORDS("of-photo-whole"), "statistics"),
                ],
                value="painting",
                label=WORDS("colours"),
            )
            stroke = gr.Slider(0.25, 4, 1, step=0.05, label=WORDS("stroke"))
            skies = gr.Checkbox(True, label=WORDS("skies"))
            with gr.Accordion(WORDS("where"), open=False, elem_id="where"):
                brushed = gr.ImageEditor(
                    type="numpy",
                    sources=None,
                    layers=False,
                    transforms=None,
                    brush=_BRUSH,
                    label=WORDS("brush"),
                    elem_id="mask",
                )
            with gr.Row():
                paint = gr.Button(WORDS("paint"), variant="primary", elem_id="paint")
                cancel = gr.Button(WORDS("cancel"), elem_id="cancel-paint")
        with gr.Column(min_width=300):
            thumbnails = gr.Gallery(
                label=WORDS("styles"), columns=4, height="auto", allow_preview=False, buttons=[], elem_id="styles"
            )
            status = gr.Textbox(label=WORDS("standing"), interactive=False, elem_id="paint-status")
            result = gr.ImageSlider(type="filepath", label=WORDS("result"), interactive=False, elem_id="result")
            file = gr.DownloadButton(WORDS("download"), interactive=False, elem_id="download")
            address = gr.Textbox(label=WORDS("address"), interactive=False, elem_id="address")
            history = gr.Gallery(label=WORDS("history"), columns=4, height="auto", interactive=False, elem_id="history")
    job, made = gr.State(""), gr.State([])
    outputs = [status, result, file, address, job, made, history]
    controls = [style, strength, colours, stroke, skies]

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

    async def run(
        path: str | None,
        strokes: dict[str, Any] | None,
        before: list[tuple[str, str]],
        style: str,
        strength: float,
        colours: Any,
        stroke: float,
        skies: bool,
        request: gr.Request,
    ) -> AsyncIterator[dict[Any, Any]]:
        language = language_of(request.headers.get("accept-language", ""))
        if path is None:
            yield {status: told(language, "no-photo")}
            return
        layers = (strokes or {}).get("layers") or [None]
        mask = mask_png(layers[0])
        uploads = {"photo": Path(path).read_bytes()} | ({} if mask is None else {"mask": mask})
        try:
            order = StylizeOrder(
                style=[style], strength=strength, colors=colours, stroke_scale=stroke, flat_skies=skies
            )
            async for now in desk.order("stylize", order, uploads):
                told_so_far: dict[Any, Any] = {status: desk.sentence(now, language), job: now.id}
                if now.state == "done":
                    (picture,) = map(str, desk.files(now))
                    settings = {"style": style, "strength": strength, "colours": colours, "stroke": stroke}
                    kept = [(picture, f"{style} {strength:g}"), *before][:MOST_REMEMBERED]
                    told_so_far |= {
                        result: (path, picture),
                        file: gr.DownloadButton(value=picture, interactive=True),
                        address: f"?{urlencode(settings)}",
                        made: kept,
                        history: kept,
                    }
                yield told_so_far
        except ShanshuiError as error:
            yield {status: refusal(error, language)}

    def set_from_address(request: gr.Request) -> list[Any]:
        given = dict(request.query_params)
        wanted = given.get("style")
        return [
            wanted if wanted in styles else gr.skip(),
            _number(given.get("strength"), 0, 1),
            given["colours"] if given.get("colours") in ("painting", "luminance", "statistics") else gr.skip(),
            _number(given.get("stroke"), 0.25, 4),
        ]

    def choose(event: gr.SelectData) -> str:
        return str(styles[event.index])

    photo.change(show, photo, thumbnails, show_progress="hidden")
    photo.change(_background, photo, brushed, show_progress="hidden", queue=False)
    thumbnails.select(choose, None, style, queue=False)
    paint.click(run, [photo, brushed, made, *controls], outputs, show_progress="hidden", concurrency_limit=None)
    cancel.click(desk.cancel, job, None, queue=False)
    page.load(set_from_address, None, controls[:4], queue=False)
    return photo


def _generate(page: gr.Blocks, desk: Desk, catalogue: Mapping[str, Model]) -> tuple[gr.State, gr.Button]:
    names = [model.name for model in catalogue.values() if model.header.role == SCENES]
    with gr.Row():
        with gr.Column(min_width=300):
            model = gr.Dropdown(names, value=next(iter(names), None), label=WORDS("model"))
            seed = gr.Number(7, precision=0, minimum=0, label=WORDS("seed"), elem_id="seed")
            count = gr.Slider(1, MOST_SCENES, 4, step=1, label=WORDS("count"))
            truncation = gr.Slider(0, 1, 1, step=0.05, label=WORDS("truncation"))
            width = gr.Number(0, precision=0, minimum=0, label=WORDS("width"), elem_id="width")
            wrap = gr.Checkbox(False, label=WORDS("wrap"))
            with gr.Row():
                make = gr.Button(WORDS("make"), variant="primary", elem_id="make")
                cancel = gr.Button(WORDS("cancel"), elem_id="cancel-make")
        with gr.Column(min_width=300):
            status = gr.Textbox(label=WORDS("standing"), interactive=False, elem_id="make-status")
            scenes = gr.Gallery(label=WORDS("scenes"), columns=4, height="auto", interactive=False, elem_id="scenes")
            send = gr.Button(WORDS("stylise"), interactive=False, elem_id="send")
    job, paths, chosen = gr.State(""), gr.State([]), gr.State(None)

    async def run(
        model: str, seed: float, count: int, truncation: float, width: float, wrap: bool, request: gr.Request
    ) -> AsyncIterator[dict[Any, Any]]:
        language = language_of(request.headers.get("accept-language", ""))
        try:
            order = GenerateOrder(
                model=model,
                seed=int(seed),
                count=count,
                truncation=truncation,
                width=int(width) or None,
                wrap=wrap,
            )
            async for now in desk.order("generate", order, {}):
                told_so_far: dict[Any, Any] = {status: desk.sentence(now, language), job: now.id}
                if now.state == "done":
                    files = [str(path) for path in desk.files(now)]
                    told_so_far |= {scenes: [(path, f"{int(seed)}:{n}") for n, path in enumerate(files)], paths: files}
                yield told_so_far
        except ShanshuiError as error:
            yield {status: refusal(error, language)}

    def choose(files: list[str], event: gr.SelectData) -> tuple[str, Any]:
        return files[event.index], gr.Button(interactive=True)

    inputs = [model, seed, count, truncation, width, wrap]
    make.click(run, inputs, [status, scenes, job, paths], show_progress="hidden", concurrency_limit=None)
    scenes.select(choose, paths, [chosen, send], queue=False)
    cancel.click(desk.cancel, job, None, queue=False)
    return chosen, send


def _models(catalogue: Mapping[str, Model]) -> None:
    for model in catalogue.values():
        with gr.Accordion(f"{model.name} ({model.header.role})", open=False):
            licence = model.header.card.get("licence", "unknown")
            gr.Markdown(model.card or f"# {model.name}\n\nLicence: {licence}", sanitize_html=True)


def _background(path: str | None) -> str | None:
    """What is brushed over: the photo, where it is one."""
    if path is None:
        return None
    try:
        read_picture(path)
    except ShanshuiError:
        return None  # said when it is to be painted
    return path


def _number(text: str | None, least: float, most: float) -> Any:
    """A number of an address, or nothing where it is none."""
    try:
        value = float(text or "")
    except ValueError:
        return gr.skip()
    return value if least <= value <= most else gr.skip()
