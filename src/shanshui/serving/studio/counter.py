"""Where a tab hands in an order: a button, another to give it up, and a line that says how it is getting on."""

from collections.abc import AsyncIterator, Callable, Mapping
from typing import Any, TypeAlias

import gradio as gr
from pydantic import ValidationError

from shanshui.errors import ShanshuiError
from shanshui.serving.jobs.job import Job
from shanshui.serving.jobs.orders import Kind, Order
from shanshui.serving.studio.desk import Desk, refusal
from shanshui.serving.studio.words import WORDS, language_of, told

Given: TypeAlias = Mapping[Any, Any]
"""Values by component."""

Changes: TypeAlias = dict[Any, Any]
"""What components show from now on."""

Handle: TypeAlias = Callable[[Given, str], AsyncIterator[Changes]]
"""(values, language) -> what changes, again and again."""


class Counter:
    """One place where orders of a tab are handed in."""

    def __init__(self, desk: Desk, word: str, name: str) -> None:
        """Buttons called `name` and `cancel-name`, side by side, where the page is being built."""
        self._desk = desk
        with gr.Row():
            self._go = gr.Button(WORDS(word), variant="primary", elem_id=name)
            cancel = gr.Button(WORDS("cancel"), elem_id=f"cancel-{name}")
        self._job = gr.State("")
        self._name = name
        cancel.click(desk.cancel, self._job, None, queue=False)

    def status(self) -> None:
        """The line, where the page is being built."""
        self.line = gr.Textbox(label=WORDS("standing"), interactive=False, elem_id=f"{self._name}-status")

    def serve(self, handle: Handle, inputs: list[Any], outputs: list[Any]) -> None:
        """Have orders handled from now on.

        Args:
            handle: yields what changes of `outputs` and of the line.
            inputs: components whose values it wants.
            outputs: components that it changes.
        """

        async def run(given: dict[Any, Any], request: gr.Request) -> AsyncIterator[Changes]:
            language = language_of(request.headers.get("accept-language", ""))
            try:
                async for changes in handle(given, language):
                    yield changes
            except ValidationError as error:
                problem = error.errors()[0]
                name = ".".join(map(str, problem["loc"]))
                yield {self.line: told(language, "failed", error=f"{name}: {problem['msg']}.")}
            except ShanshuiError as error:
                yield {self.line: refusal(error, language)}

        self._go.click(
            run, set(inputs), [self.line, self._job, *outputs], show_progress="hidden", concurrency_limit=None
        )

    async def order(
        self, kind: Kind, order: Order, uploads: Mapping[str, bytes], language: str, done: Callable[[Job], Changes]
    ) -> AsyncIterator[Changes]:
        """Have a job done: its standing, and at the end what `done` makes of it.

        Raises:
            ShanshuiError: the order is refused.
        """
        async for now in self._desk.order(kind, order, uploads):
            changes: Changes = {self.line: self._desk.sentence(now, language), self._job: now.id}
            yield changes | (done(now) if now.state == "done" else {})
