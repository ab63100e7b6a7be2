"""`shanshui mix`: a sheet of scenes with the layout of one and the finish of another."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from shanshui.commands.crediting import Credited, credited
from shanshui.commands.interpolate import parse_scenes, public_scene
from shanshui.commands.options import parse, resolve_device
from shanshui.commands.outcome import Outcome
from shanshui.commands.terminal import terminal
from shanshui.events import Emit, Finished, ImageReady, Progress, Started
from shanshui.images.files import from_any, write_picture
from shanshui.images.grids import grid
from shanshui.pipelines.mix import StyleMixer

TASK = "mix"


@dataclass(frozen=True, kw_only=True)
class Mix(Credited):
    """Mix scenes of a style-based model (stylegan, stylegan2): the layout of one with the finish of another.

    The sheet has the coarse scenes down its left side, the fine ones along its top, and each mixture where they meet.
    For example:

        shanshui mix --model runs/mine/best.safetensors --coarse 1,2,3 --fine 4,5,6 --out sheet.png
    """

    model: str
    """A .safetensors file or a hub id of a style-based model; see `shanshui models FILE`."""
    coarse: str
    """Scenes that give the layout, with commas: seeds (7), number 3 of a seed (7:3), code files."""
    fine: str
    """Scenes that give the finish."""
    out: Path
    """The sheet, a picture file."""
    layer: int | None = None
    """How many layers are coarse; half of them when left out. With more, more is taken from the coarse scenes."""
    truncation: float = 1.0
    """Below 1: more typical scenes, less variety. 0 makes every scene the same."""
    label: int | None = None
    """Class of the scenes by number, for a model that was trained on labelled folders; the first when left out."""


def main(argv: Sequence[str]) -> Outcome:
    """Run the command with the options of `argv`."""
    options = parse(Mix, TASK, argv)
    with terminal() as emit:
        path = run(options, emit)
    return Outcome(data={"model": options.model, "files": [str(path)]}, text=str(path), as_json=options.json)


def run(options: Mix, emit: Emit) -> Path:
    """Write the sheet and return where it is."""
    coarse, fine = parse_scenes(options.coarse), parse_scenes(options.fine)
    mixer = StyleMixer.from_pretrained(options.model, label=options.label, device=resolve_device(options.device))
    pictures = mixer.mixtures(coarse, fine, layer=options.layer, truncation=options.truncation)
    left, top = (
        [np.asarray(picture) for picture in mixer.space.pictures(mixer.space.of(scenes, truncation=options.truncation))]
        for scenes in (coarse, fine)
    )
    count = len(coarse) * len(fine)
    emit(Started(task=TASK, total=count))
    cells = [np.zeros_like(top[0]), *top]
    for number, picture in enumerate(pictures):
        if number % len(fine) == 0:
            cells.append(left[number // len(fine)])
        cells.append(np.asarray(picture))
        emit(Progress(task=TASK, done=number + 1, values={}))
    sheet = credited(
        from_any(grid(cells, len(fine) + 1)),
        options,
        options.model,
        "trainedAlgorithmicMedia",
        coarse=[public_scene(text) for text in options.coarse.split(",")],
        fine=[public_scene(text) for text in options.fine.split(",")],
        layer=options.layer,
        truncation=options.truncation,
    )
    write_picture(options.out, sheet)
    emit(ImageReady(task=TASK, name=options.out.stem, path=options.out, done=count))
    emit(Finished(task=TASK, done=count, reason="complete"))
    return options.out
