"""What a tab has made: the newest beside its photo, all before it, and the settings as an address."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import gradio as gr

from shanshui.serving.studio.counter import Changes, Given
from shanshui.serving.studio.settings import Setting, address_of
from shanshui.serving.studio.words import WORDS

MOST_REMEMBERED = 40


class Results:
    """The newest result of a tab, and those before."""

    def __init__(self, tab: str, settings: Sequence[Setting]) -> None:
        """Of `tab`, whose `settings` go into its address, where the page is being built."""
        self._tab, self._settings = tab, settings
        self._shown = gr.ImageSlider(type="filepath", label=WORDS("result"), interactive=False, elem_id=f"{tab}-result")
        self._file = gr.DownloadButton(WORDS("download"), interactive=False, elem_id=f"{tab}-download")
        self._address = gr.Textbox(label=WORDS("address"), interactive=False, elem_id=f"{tab}-address")
        self._history = gr.Gallery(
            label=WORDS("history"), columns=4, height="auto", interactive=False, elem_id=f"{tab}-history"
        )
        self.made = gr.State([])

    @property
    def components(self) -> list[Any]:
        """All that `add` changes."""
        return [self._shown, self._file, self._address, self._history, self.made]

    def add(
        self, before: str | Path, picture: Path, caption: str, made: Sequence[tuple[str, str]], given: Given
    ) -> Changes:
        """Show `picture` beside what it was made of, and after those `made` so far."""
        kept = [(str(picture), caption), *made][:MOST_REMEMBERED]
        return {
            self._shown: (str(before), str(picture)),
            self._file: gr.DownloadButton(value=str(picture), interactive=True),
            self._address: address_of(self._tab, self._settings, given),
            self._history: kept,
            self.made: kept,
        }
