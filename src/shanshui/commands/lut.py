"""`shanshui lut`: the colours of a style as a table for game engines, editors and players."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import numpy as np
import tyro

from shanshui.commands.options import Common, parse, resolve_device
from shanshui.commands.outcome import Outcome
from shanshui.commands.photos import Photo, photos_in
from shanshui.commands.stylizers import ANY, NAMED, open_stylizer
from shanshui.commands.terminal import terminal
from shanshui.commands.wishes import is_picture, parse_blend
from shanshui.errors import ConfigError
from shanshui.events import Emit, Finished, Progress, Started
from shanshui.images.lut import fit, write_cube
from shanshui.images.pixels import Pixels
from shanshui.images.resize import resize
from shanshui.pipelines.stylize import Stylizer
from shanshui.pipelines.treatment import Treatment

TASK = "lut"
LONGEST = 1024
"""Longer side, in pixels, at which photos are painted for their colours."""


@dataclass(frozen=True, kw_only=True)
class Lut(Common):
    """Write what a style does to the colours of photos as a .cube file of 33 x 33 x 33 colours, for sRGB pixels.

    Choose photos, or screenshots, like those that the table is for: a style changes the colours of a night otherwise
    than those of a meadow. For example:

        shanshui lut photo.jpg --style monet --out monet.cube
        shanshui lut screenshots/ --style ink --strength 0.7 --out ink.cube
    """

    photo: Annotated[tuple[Path, ...], tyro.conf.Positional] = ()
    """Photos, folders or archives."""
    style: Annotated[tuple[str, ...], tyro.conf.UseAppendAction, tyro.conf.arg(metavar="NAME|IMAGE[:WEIGHT]")] = ()
    """A style of the model, or the file of a painting. Repeat it for a blend, with weights or in equal parts."""
    model: str | None = None
    """A model as for `shanshui stylize`."""
    strength: float = 1.0
    """From 0 (a table that changes nothing) to 1 (the painting's colours)."""
    out: Path = Path("style.cube")
    """Where the table goes."""


def main(argv: Sequence[str]) -> Outcome:
    """Run the command with the options of `argv`."""
    options = parse(Lut, "lut", argv)
    if options.out.suffix.lower() != ".cube":
        raise ConfigError(f"--out {options.out} does not end in .cube: give it that ending.")
    photos = [photo for place in options.photo for photo in photos_in(place)]
    if not photos:
        raise ConfigError("No photo was named: give at least one file, folder or archive.")
    with terminal() as emit:
        model = options.model or (ANY if any(map(is_picture, parse_blend(options.style, ()))) else NAMED)
        stylizer = open_stylizer(model, resolve_device(options.device), emit)
        table = fit(_pairs(options, photos, stylizer, emit))
        write_cube(options.out, table, "-".join(Path(name).stem for name in parse_blend(options.style, ())))
        emit(Finished(task=TASK, done=len(photos), reason="complete"))
    return Outcome(
        data={"model": model, "style": list(options.style), "photos": len(photos), "file": str(options.out)},
        text=str(options.out),
        as_json=options.json,
    )


def _pairs(options: Lut, photos: Sequence[Photo], stylizer: Stylizer, emit: Emit) -> Iterator[tuple[Pixels, Pixels]]:
    blend = parse_blend(options.style, stylizer.styles)
    emit(Started(task=TASK, total=len(photos)))
    for done, photo in enumerate(photos, 1):
        pixels = photo.read().over_white()
        scale = min(1.0, LONGEST / max(pixels.shape[:2]))
        small = resize(pixels, *(max(1, round(side * scale)) for side in pixels.shape[:2]))
        yield small, np.asarray(stylizer.paint(small, blend, Treatment(strength=options.strength)).pixels)
        emit(Progress(task=TASK, done=done, values={}))
