"""`shanshui inpaint`: what a mask covers filled, and photos extended beyond their borders."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated

import tyro

from shanshui.commands.crediting import Credited, credited
from shanshui.commands.options import parse, require_positive, resolve_device
from shanshui.commands.outcome import Outcome
from shanshui.commands.photos import file_photo, plan_outputs
from shanshui.commands.terminal import terminal
from shanshui.errors import ConfigError
from shanshui.events import Emit, Finished, ImageReady, Progress, Started
from shanshui.images.credentials import Making
from shanshui.images.files import Picture, write_picture
from shanshui.pipelines.inpaint import SceneInpainter

TASK = "inpaint"
SIDES = ("left", "right", "top", "bottom")


@dataclass(frozen=True, kw_only=True)
class Inpaint(Credited):
    """Fill what a mask covers of a photo, or extend the photo beyond its borders; elsewhere it stays bit for bit.

    For example:

        shanshui inpaint photo.jpg --mask mask.png --out filled.png
        shanshui inpaint photo.jpg --mask mask.png --seed 3 --count 4 --out fills/
        shanshui inpaint photo.jpg --expand left=256,right=128
    """

    photo: Annotated[Path, tyro.conf.Positional]
    """A photo."""
    mask: Annotated[Path | None, tyro.conf.arg(metavar="IMAGE")] = None
    """A picture of the photo's proportions, white where to fill."""
    expand: Annotated[str | None, tyro.conf.arg(metavar="SIDE=PIXELS,...")] = None
    """Pixels to add: left, right, top, bottom. With a mask, the photo is filled first."""
    seed: int = 0
    """Another seed, another fill."""
    count: int = 1
    """How many fills, with seeds one after the other."""
    model: str = "inpainter"
    """An inpainter that ships (see `shanshui models`), a .safetensors file, or a hub id."""
    out: Path | None = None
    """A file for one result, a folder for several; when left out, PHOTO-filled in the working directory."""


def main(argv: Sequence[str]) -> Outcome:
    """Run the command with the options of `argv`."""
    options = parse(Inpaint, "inpaint", argv)
    with terminal() as emit:
        paths = run(options, emit)
    return Outcome(
        data={"model": options.model, "seed": options.seed, "files": [str(path) for path in paths]},
        text="\n".join(str(path) for path in paths),
        as_json=options.json,
    )


def run(options: Inpaint, emit: Emit) -> list[Path]:
    """Write one result for each seed, and return the paths, in order.

    Raises:
        ConfigError: nothing to fill, or a value that cannot work.
        ImageError: the photo or the mask cannot be used.
    """
    require_positive(count=options.count)
    if options.mask is None and options.expand is None:
        raise ConfigError("What to fill is missing: give --mask with a picture, or --expand left=256.")
    sides = parse_sides(options.expand)
    photo = file_photo(options.photo)
    seeds = range(options.seed, options.seed + options.count)
    named = (
        [photo]
        if options.count == 1
        else [replace(photo, name=photo.name.with_stem(f"{photo.name.stem}-{seed}")) for seed in seeds]
    )
    targets = plan_outputs(named, "filled", options.out)
    inpainter = SceneInpainter.from_pretrained(options.model, device=resolve_device(options.device))
    picture = photo.read()
    emit(Started(task=TASK, total=len(targets)))
    for done, (seed, target) in enumerate(zip(seeds, targets, strict=True), 1):
        filled = _filled(inpainter, picture, options.mask, sides, seed)
        making: Making = "compositeWithTrainedAlgorithmicMedia"
        write_picture(target, credited(filled, options, options.model, making, seed=seed, expand=dict(sides)))
        emit(ImageReady(task=TASK, name=target.stem, path=target, done=done))
        emit(Progress(task=TASK, done=done, values={}))
    emit(Finished(task=TASK, done=len(targets), reason="complete"))
    return targets


def parse_sides(text: str | None) -> Mapping[str, int]:
    """`left=256,right=128` as numbers by side.

    Raises:
        ConfigError: another form, or a side given twice.
    """
    sides: dict[str, int] = {}
    for part in [] if text is None else text.split(","):
        match = re.fullmatch(rf"\s*({'|'.join(SIDES)})\s*=\s*(\d{{1,6}})\s*", part)
        if match is None or match[1] in sides:
            raise ConfigError(
                f"--expand {text} is not understood: write {', '.join(SIDES)} with pixels, each once at most, for "
                "instance left=256,right=128."
            )
        sides[match[1]] = int(match[2])
    return sides


def _filled(
    inpainter: SceneInpainter, picture: Picture, mask: Path | None, sides: Mapping[str, int], seed: int
) -> Picture:
    if mask is not None:
        picture = inpainter.inpaint(picture, mask, seed=seed)
    return inpainter.expand(picture, seed=seed, **sides)
