"""Networks taught: a training of its own, its pictures and curves while it runs, stopped and resumed."""

from pathlib import Path
from typing import Any

import gradio as gr

from shanshui.errors import ShanshuiError
from shanshui.serving.studio.desk import refusal
from shanshui.serving.studio.school import Lesson, School
from shanshui.serving.studio.words import WORDS, language_of, told

REPORT = "/training/report"
"""Where the page of the training is served."""

_SECONDS_BETWEEN_LOOKS = 2


def build(school: School) -> None:
    """The tab, where the page is being built."""
    subjects = list(school.recipes)

    def choices(subject: str) -> dict[str, Any]:
        names = list(school.recipes[subject])
        return {"choices": names, "value": names[0]}

    with gr.Row():
        with gr.Column(min_width=300):
            subject = gr.Dropdown(subjects, value=subjects[0], label=WORDS("subject"), elem_id="subject")
            recipe = gr.Dropdown(**choices(subjects[0]), label=WORDS("recipe"), elem_id="recipe")
            data = gr.Textbox(label=WORDS("data"), elem_id="data")
            run = gr.Textbox("runs/mine", label=WORDS("run"), elem_id="run")
            images = gr.Number(0, precision=0, minimum=0, label=WORDS("images"), elem_id="images")
            with gr.Row():
                start = gr.Button(WORDS("start"), variant="primary", elem_id="start")
                stop = gr.Button(WORDS("stop"), elem_id="stop")
                resume = gr.Button(WORDS("resume"), elem_id="resume")
        with gr.Column(min_width=300):
            standing = gr.Textbox(label=WORDS("standing"), interactive=False, elem_id="training-status")
            said = gr.Textbox(label=WORDS("said"), lines=8, interactive=False, elem_id="said")
    page = gr.HTML(elem_id="training-page")
    shown = gr.State("")

    def begin(subject: str, recipe: str, data: str, run: str, images: float, *, resumes: bool, language: str) -> str:
        if not data.strip() or not run.strip():
            return told(language, "no-folders")
        lesson = Lesson(
            subject=subject,
            recipe=recipe,
            data=Path(data.strip()).expanduser(),
            run=Path(run.strip()).expanduser(),
            images=int(images) or None,
        )
        try:
            school.start(lesson, resume=resumes)
        except ShanshuiError as error:
            return refusal(error, language)
        return told(language, school.standing)

    def anew(subject: str, recipe: str, data: str, run: str, images: float, request: gr.Request) -> str:
        return begin(subject, recipe, data, run, images, resumes=False, language=_language(request))

    def again(subject: str, recipe: str, data: str, run: str, images: float, request: gr.Request) -> str:
        return begin(subject, recipe, data, run, images, resumes=True, language=_language(request))

    def look(before: str, request: gr.Request) -> list[Any]:
        now = "" if school.report is None else f"{REPORT}?{school.report.stat().st_mtime_ns}"
        if school.standing == "idle":
            return [gr.skip()] * 4
        frame = f'<iframe src="{now}" title="report.html" style="width: 100%; height: 80vh; border: 0"></iframe>'
        drawn = [frame, now] if now != before else [gr.skip(), gr.skip()]
        return [told(_language(request), school.standing), "\n".join(school.said()), *drawn]

    inputs = [subject, recipe, data, run, images]
    subject.change(lambda chosen: gr.Dropdown(**choices(chosen)), subject, recipe, queue=False)
    start.click(anew, inputs, standing, queue=False)
    resume.click(again, inputs, standing, queue=False)
    stop.click(school.stop, None, None, queue=False)
    gr.Timer(_SECONDS_BETWEEN_LOOKS).tick(
        look, shown, [standing, said, page, shown], show_progress="hidden", queue=False
    )


def _language(request: gr.Request) -> str:
    return language_of(request.headers.get("accept-language", ""))
