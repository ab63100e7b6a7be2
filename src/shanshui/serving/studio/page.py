"""The page itself, made with Gradio: it asks nothing of any other host."""

from typing import Any

import gradio as gr

from shanshui.serving.studio.desk import Desk
from shanshui.serving.studio.school import School
from shanshui.serving.studio.settings import Setting
from shanshui.serving.studio.tabs import cards, compose, generate, inpaint, stylise, training
from shanshui.serving.studio.words import WORDS

CSS = """
footer { display: none !important; }
.gradio-container { width: 100%; max-width: 1100px !important; margin: auto; }
"""
_NAME_PICTURES = """() => {
    const name = () => document.querySelectorAll("img:not([alt]), img[alt='']").forEach((picture) => {
        const label = picture.closest(".block")?.querySelector("[data-testid='block-label'], label")?.innerText;
        if (label) picture.alt = label.trim();
    });
    new MutationObserver(name).observe(document.body, { childList: true, subtree: true });
}"""
"""Gradio gives no alternative text to a single picture: the label of its place."""

THEME = gr.themes.Default(
    primary_hue=gr.themes.colors.teal,
    font=["ui-sans-serif", "system-ui", "sans-serif"],
    font_mono=["ui-monospace", "monospace"],
)


def page_of(desk: Desk, school: School) -> gr.Blocks:
    """The page whose orders go to `desk`, and whose trainings to `school`.

    Jobs alone go through Gradio's queue: one that joins it just as another leaves it empty is lost.
    """
    catalogue = {model.name: model for model in desk.service.catalogue}
    settings: dict[str, list[Setting]] = {}
    with gr.Blocks(title="Shanshui 山水", analytics_enabled=False) as page:
        gr.Markdown("# Shanshui 山水")
        with gr.Tabs() as tabs:
            with gr.Tab(WORDS("stylise"), id=stylise.TAB):
                photo, settings[stylise.TAB] = stylise.build(desk, catalogue)
            with gr.Tab(WORDS("generate"), id=generate.TAB):
                chosen, send, settings[generate.TAB] = generate.build(desk, catalogue)
            with gr.Tab(WORDS("compose"), id=compose.TAB):
                settings[compose.TAB] = compose.build(desk, catalogue)
            with gr.Tab(WORDS("inpaint"), id=inpaint.TAB):
                settings[inpaint.TAB] = inpaint.build(desk, catalogue)
            with gr.Tab(WORDS("train"), id="train"):
                training.build(school)
            with gr.Tab(WORDS("models"), id="models"):
                cards.build(catalogue)
        send.click(lambda path: (path, gr.Tabs(selected=stylise.TAB)), chosen, [photo, tabs], queue=False)
        _set_from_address(page, tabs, settings)
        page.load(None, None, None, js=_NAME_PICTURES)
    return page


def _set_from_address(page: gr.Blocks, tabs: gr.Tabs, settings: dict[str, list[Setting]]) -> None:
    """Have an address choose a tab and what is set there."""
    all_of_them = [(tab, setting) for tab, each in settings.items() for setting in each]

    def load(request: gr.Request) -> list[Any]:
        wanted = dict(request.query_params).get("tab", stylise.TAB)
        chosen = gr.Tabs(selected=wanted) if wanted in settings else gr.skip()
        return [chosen, *(each.from_address(request) if tab == wanted else gr.skip() for tab, each in all_of_them)]

    page.load(load, None, [tabs, *(setting.component for _, setting in all_of_them)], queue=False)
