"""How far the optimisation of pictures is: as events, and as pictures in a folder."""

from dataclasses import replace
from pathlib import Path

from torch import Tensor

from shanshui.events import Emit, Finished, ImageReady, Progress, Started
from shanshui.images.files import from_any, write_picture
from shanshui.images.pixels import to_pixels
from shanshui.images.provenance import Note

TASK = "rounds"
ROUNDS_BETWEEN_PICTURES = 10


class Rounds:
    """Told of each round (`training.gatys.Watch`), it tells others; pictures are numbered in the order they came in."""

    def __init__(self, emit: Emit, folder: Path | None, note: Note | None = None) -> None:
        """Write pictures with `note` to `folder`, if there is one."""
        self._emit, self._folder, self._note, self._pictures = emit, folder, note, 0

    def __call__(self, picture: Tensor, done: int, total: int) -> None:
        """`picture` (1, 3, h, w) RGB in [-1, 1] after `done` of `total` rounds."""
        if done == 1:
            self._pictures += 1
            self._emit(Started(task=TASK, total=total))
        self._emit(Progress(task=TASK, done=done, values={}))
        if self._folder is not None and (done == total or done % ROUNDS_BETWEEN_PICTURES == 0):
            path = self._folder / f"{self._pictures:03}-{done:05}.png"
            write_picture(path, replace(from_any(to_pixels(picture)[0]), note=self._note))
            self._emit(ImageReady(task=TASK, name=path.stem, path=path, done=done))
        if done == total:
            self._emit(Finished(task=TASK, done=done, reason="complete"))
