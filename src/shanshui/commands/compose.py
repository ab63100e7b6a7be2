"""`shanshui compose`: photos, or scenes out of noise, painted and taken back to nature as far as one likes."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path, PurePosixPath
from typing import Annotated

import tyro

from shanshui.commands.batch import paint_batch
from shanshui.commands.controls import Controls, told, treatment_of
from shanshui.commands.crediting import credited, licence_of
from shanshui.commands.options import parse, require_positive, resolve_device
from shanshui.commands.outcome import Outcome
from shanshui.commands.photos import Photo, photos_in, plan_outputs
from shanshui.commands.terminal import terminal
from shanshui.commands.wishes import addition, parse_blend, public_style
from shanshui.errors import ConfigError
from shanshui.events import Emit
from shanshui.images.files import Picture, from_any
from shanshui.pipelines.compose import SceneComposer
from shanshui.pipelines.generate import SceneGenerator

TASK = "compose"


@dataclass(frozen=True, kw_only=True)
class Compose(Controls):
    """Photo -> style -> natural scene: paint photos, and take the paintings back to nature as far as you like.

    Without a photo, scenes out of noise are composed. For example:

        shanshui compose photo.jpg --style ink --naturalness 0.5
        shanshui compose photo.jpg --style my-painting.jpg --naturalness 0.8 --seed 3
        shanshui compose --style monet --count 4 --out scenes/
    """

    photo: Annotated[tuple[Path, ...], tyro.conf.Positional] = ()
    """Photos, folders or archives; scenes out of noise when left out."""
    style: Annotated[tuple[str, ...], tyro.conf.UseAppendAction, tyro.conf.arg(metavar="NAME|IMAGE[:WEIGHT]")] = ()
    """A style of the model, or the file of a painting. Repeat it for a blend, with weights or in equal parts."""
    naturalness: float = 0.5
    """From 0 (the painting) to 1 (a natural scene)."""
    seed: int = 0
    """Another seed, other details, and other scenes out of noise."""
    count: int = 1
    """How many scenes out of noise."""
    model: str = "composer"
    """A composer that ships (see `shanshui models`), a .safetensors file, or a hub id."""
    scenes: str = "landscape"
    """The scene generator that scenes out of noise come from."""
    skip_existing: Annotated[bool, tyro.conf.FlagCreatePairsOff] = False
    """Leave results alone that are there already: a batch that was interrupted goes on where it was."""
    manifest: Annotated[Path | None, tyro.conf.arg(metavar="FILE.jsonl")] = None
    """Append a line for each photo: done, skipped or failed, and why."""
    out: Path | None = None
    """A file for one result, a folder for several; when left out, PHOTO-STYLE in the working directory."""


def main(argv: Sequence[str]) -> Outcome:
    """Run the command with the options of `argv`."""
    options = parse(Compose, "compose", argv)
    with terminal() as emit:
        paths = run(options, emit)
    return Outcome(
        data={
            "model": options.model,
            "style": list(options.style),
            "naturalness": options.naturalness,
            "seed": options.seed,
            "files": [str(path) for path in paths],
        },
        text="\n".join(str(path) for path in paths),
        as_json=options.json,
    )


def run(options: Compose, emit: Emit) -> list[Path]:
    """Write one scene for each photo, or so many out of noise, and return the paths, in order.

    Raises:
        ConfigError: a value that cannot work.
        ImageError: a photo cannot be read; where there are several, the others are composed first.
    """
    require_positive(count=options.count)
    if options.photo and options.count != 1:
        raise ConfigError("--count is for scenes out of noise: leave it out where photos are given.")
    composer = SceneComposer.from_pretrained(options.model, device=resolve_device(options.device))
    blend = parse_blend(options.style, composer.styles)
    stylizer = composer.at(options.naturalness, seed=options.seed)
    treatment = treatment_of(options)
    photos = [photo for place in options.photo for photo in photos_in(place)] if options.photo else _noise(options)
    settings = {
        "style": [public_style(text) for text in options.style],
        "naturalness": options.naturalness,
        "seed": options.seed,
        **told(options),
    }
    if not options.photo:  # the scenes have a maker of their own, with a licence of its own
        settings |= {"scenes": options.scenes, "licence_of_scenes": licence_of(options.scenes)}
    batch = paint_batch(
        photos,
        plan_outputs(photos, addition(blend), options.out),
        lambda photo: credited(
            stylizer.paint(photo, blend, treatment),
            options,
            options.model,
            "compositeWithTrainedAlgorithmicMedia" if options.photo else "trainedAlgorithmicMedia",
            **settings,
        ),
        emit,
        task=TASK,
        skip_existing=options.skip_existing,
        manifest=options.manifest,
    )
    return batch.written


def _noise(options: Compose) -> list[Photo]:
    """The first scenes of so many seeds, made when they are asked for."""
    generator = SceneGenerator.from_pretrained(options.scenes, device=resolve_device(options.device))

    def scene(seed: int) -> Picture:
        return from_any(next(generator.generate(1, seed)))

    seeds = range(options.seed, options.seed + options.count)
    return [Photo(PurePosixPath(f"scene-{seed}.png"), None, partial(scene, seed)) for seed in seeds]
