"""What each model is and may be used for."""

from collections.abc import Mapping

import gradio as gr

from shanshui.serving.jobs.catalogue import Model


def build(catalogue: Mapping[str, Model]) -> None:
    """The tab, where the page is being built."""
    for model in catalogue.values():
        with gr.Accordion(f"{model.name} ({model.header.role})", open=False):
            licence = model.header.card.get("licence", "unknown")
            gr.Markdown(model.card or f"# {model.name}\n\nLicence: {licence}", sanitize_html=True)
