"""`shanshui stylize`: photos painted in a named style, or in a blend of styles."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import tyro

from shanshui.commands.options import Common, parse, resolve_device
from shanshui.commands.outcome import Outcome
from shanshui.commands.photos import photos_in, plan_outputs
from shanshui.commands.terminal import terminal
from shanshui.errors import ConfigError, ImageError
from shanshui.events import Emit, Finished, ImageReady, Progress, Started, Warned
from shanshui.images.files import write_picture
from shanshui.pipelines.stylize import Stylizer

TASK = "stylize"


@dataclass(frozen=True, kw_only=True)
class Stylize(Common):
    """Paint photos in a named style, or a blend of styles; the result has exactly the photo's size.

    A photo is a file, a folder or an archive of photos. For example:

        shanshui stylize photo.jpg --style monet
        shanshui stylize photo.jpg --style monet:0.6 --style ink:0.4 --out blend.png
        shanshui stylize holiday/ --style ukiyoe --strength 0.8 --out painted/
    """

    photo: Annotated[tuple[Path, ...], tyro.conf.Positional]
    """Photos, folders or archives."""
    style: Annotated[tuple[str, ...], tyro.conf.UseAppendAction, tyro.conf.arg(metavar="NAME[:WEIGHT]")] = ()
    """A style of the model. Repeat it for a blend, with weights or in equal parts."""
    model: str = "painter"
    """A model that ships (see `shanshui models`), a .safetensors file, or a hub id."""
    strength: float = 1.0
    """From 0 (the photo) to 1 (the painting)."""
    keep_colors: Annotated[bool, tyro.conf.FlagCreatePairsOff] = False
    """Take brush and light from the style, but colours from the photo."""
    out: Path | None = None
    """A file for one photo, a folder for several; when left out, PHOTO-STYLE in the working directory."""


def main(argv: Sequence[str]) -> Outcome:
    """Run the command with the options of `argv`."""
    options = parse(Stylize, "stylize", argv)
    with terminal() as emit:
        paths = run(options, emit)
    return Outcome(
        data={"model": options.model, "style": list(options.style), "files": [str(path) for path in paths]},
        text="\n".join(str(path) for path in paths),
        as_json=options.json,
    )


def run(options: Stylize, emit: Emit) -> list[Path]:
    """Write one picture for each photo and return the paths, in order.

    Raises:
        ImageError: a photo cannot be read; where there are several, the others are painted first.
    """
    stylizer = Stylizer.from_pretrained(options.model, device=resolve_device(options.device))
    blend = parse_blend(options.style, stylizer.styles)
    photos = [photo for place in options.photo for photo in photos_in(place)]
    if not photos:
        raise ConfigError("No photo was named: give at least one file, folder or archive.")
    targets = plan_outputs(photos, "-".join(blend), options.out)
    emit(Started(task=TASK, total=len(photos)))
    written: list[Path] = []
    failures: list[ImageError] = []
    for done, (photo, target) in enumerate(zip(photos, targets, strict=True), 1):
        try:
            painted = stylizer.paint(photo.read(), blend, strength=options.strength, keep_colors=options.keep_colors)
        except ImageError as error:
            if len(photos) == 1:
                raise
            failures.append(error)
            emit(Warned(task=TASK, message=str(error)))
        else:
            write_picture(target, painted)
            written.append(target)
            emit(ImageReady(task=TASK, name=target.stem, path=target, done=done))
        emit(Progress(task=TASK, done=done, values={}))
    if failures:
        raise ImageError(f"{len(failures)} of {len(photos)} photos could not be painted; the first: {failures[0]}")
    emit(Finished(task=TASK, done=len(photos), reason="complete"))
    return written


def parse_blend(texts: Sequence[str], known: Sequence[str]) -> dict[str, float]:
    """`["monet:0.6", "ink:0.4"]` as {"monet": 0.6, "ink": 0.4}; without weights, equal parts.

    Args:
        texts: what `--style` was given.
        known: the styles of the model, for the message when `texts` is empty.

    Raises:
        ConfigError: no style, one named twice, or weights given to some styles only.
    """
    if not texts:
        raise ConfigError(f"--style is missing: the styles of this model are {', '.join(known)}.")
    parts = [text.partition(":") for text in texts]
    names = [name for name, _, _ in parts]
    if len(set(names)) < len(names):
        raise ConfigError(f"--style names {max(names, key=names.count)!r} twice: name each style once.")
    weighted = [weight for _, colon, weight in parts if colon]
    if not weighted:
        return dict.fromkeys(names, 1 / len(names))
    if len(weighted) < len(names):
        raise ConfigError("--style gives weights to some styles only: write NAME:WEIGHT for each of them or for none.")
    return {name: _weight(name, weight) for name, _, weight in parts}


def _weight(name: str, text: str) -> float:
    try:
        return float(text)
    except ValueError as error:
        raise ConfigError(
            f"--style {name}:{text} has no weight after the colon: write a number, as in {name}:0.5."
        ) from error
