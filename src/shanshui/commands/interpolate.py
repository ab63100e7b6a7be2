"""`shanshui interpolate`: a film in which scenes turn into each other."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path
from typing import Annotated

import numpy as np
import tyro

from shanshui.commands.crediting import Credited, note_of
from shanshui.commands.options import parse, resolve_device
from shanshui.commands.outcome import Outcome
from shanshui.commands.terminal import terminal
from shanshui.errors import ConfigError
from shanshui.events import Emit, Finished, ImageReady, Progress, Started
from shanshui.images.files import WRITABLE_SUFFIXES, from_any, write_picture
from shanshui.images.film import require_film, write_film
from shanshui.images.grids import grid
from shanshui.images.resize import resize
from shanshui.images.video import Frame, exact_rate
from shanshui.pipelines.codes import Scene, parse_scene
from shanshui.pipelines.interpolate import Interpolator

TASK = "interpolate"
_SHEET_COLUMNS = 8
_SHEET_ROWS = 4


@dataclass(frozen=True, kw_only=True)
class Interpolate(Credited):
    """Make a film in which scenes turn into each other.

    The ending of OUT says what it becomes: a video (.mp4, .mov, .mkv; they need the extra `video`), an animated
    picture (.gif, .webp), or without an ending a folder of pictures. For example:

        shanshui interpolate --seeds 1,5,9 --loop --out film.mp4
        shanshui interpolate --seeds 7:3,found/lake-code.safetensors --seconds 3 --out turn.gif
    """

    seeds: str
    """Scenes to pass, in order, with commas: seeds (7), number 3 of a seed (7:3), code files of `shanshui project`."""
    out: Path
    """The film."""
    model: str = "landscape"
    """A model that ships (see `shanshui models`), a .safetensors file, or a hub id."""
    seconds: float = 6.0
    """How long the film lasts."""
    fps: str = "24"
    """Frames per second: 24, 23.976, 30000/1001."""
    loop: Annotated[bool, tyro.conf.FlagCreatePairsOff] = False
    """Go on to the first scene again, smoothly, so that the film can be repeated for ever."""
    steady: Annotated[bool, tyro.conf.FlagCreatePairsOff] = False
    """A speed that is even to the eye; every scene is made twice for it."""
    truncation: float = 1.0
    """Below 1: more typical scenes, less variety. 0 makes every scene the same."""
    label: int | None = None
    """Class of the scenes by number, for a model that was trained on labelled folders; the first when left out."""
    enlarge: int = 1
    """Enlarge each frame this many times (antialiased interpolation; it adds no detail)."""
    sheet: Path | None = None
    """Also write a picture of up to 32 frames, spread evenly over the film."""


def main(argv: Sequence[str]) -> Outcome:
    """Run the command with the options of `argv`."""
    options = parse(Interpolate, TASK, argv)
    with terminal() as emit:
        paths = run(options, emit)
    return Outcome(
        data={
            "model": options.model,
            "frames": frame_count(options),
            "rate": str(parse_rate(options.fps)),
            "files": [str(path) for path in paths],
        },
        text="\n".join(str(path) for path in paths),
        as_json=options.json,
    )


def run(options: Interpolate, emit: Emit) -> list[Path]:
    """Write the film, and the sheet when one is asked for; return what was written, in order."""
    count, rate = frame_count(options), parse_rate(options.fps)
    if options.enlarge < 1:
        raise ConfigError(f"--enlarge is {options.enlarge}: it must be at least 1.")
    require_film(options.out)
    if options.sheet is not None and options.sheet.suffix.lower() not in WRITABLE_SUFFIXES:
        raise ConfigError(f"--sheet {options.sheet} is no picture file: end it in .png or .jpg.")
    scenes = parse_scenes(options.seeds)
    interpolator = Interpolator.from_pretrained(
        options.model, label=options.label, device=resolve_device(options.device)
    )
    lay = interpolator.loop if options.loop else interpolator.journey
    journey = lay(scenes, truncation=options.truncation)
    emit(Started(task=TASK, total=count))
    if options.steady:
        journey = interpolator.steadied(journey, samples=count)
    shown: list[Frame] = []

    def frames() -> Iterator[Frame]:
        on_sheet = set(np.linspace(0, count - 1, min(count, _SHEET_COLUMNS * _SHEET_ROWS)).round().astype(int).tolist())
        for number, frame in enumerate(interpolator.frames(journey, count)):
            pixels = np.asarray(frame)
            if options.sheet is not None and number in on_sheet:
                shown.append(pixels)
            yield resize(pixels, pixels.shape[0] * options.enlarge, pixels.shape[1] * options.enlarge)
            emit(Progress(task=TASK, done=number + 1, values={}))

    note = note_of(
        options,
        options.model,
        "trainedAlgorithmicMedia",
        scenes=[public_scene(part) for part in options.seeds.split(",")],
        loop=options.loop,
        truncation=options.truncation,
    )
    write_film(options.out, frames(), rate=rate, note=note)
    paths = [options.out]
    if options.sheet is not None:
        write_picture(options.sheet, replace(from_any(grid(shown, _SHEET_COLUMNS)), note=note))
        paths.append(options.sheet)
    for path in paths:
        emit(ImageReady(task=TASK, name=path.stem, path=path, done=count))
    emit(Finished(task=TASK, done=count, reason="complete"))
    return paths


def frame_count(options: Interpolate) -> int:
    """Frames in `options.seconds`, to the nearest.

    Raises:
        ConfigError: fewer than two, or not a number.
    """
    frames = options.seconds * parse_rate(options.fps) if np.isfinite(options.seconds) else 0
    if frames < 1.5:
        raise ConfigError(
            f"A film of {options.seconds:g} s at {options.fps} frames per second has fewer than 2 frames."
        )
    return round(frames)


def parse_rate(text: str) -> Fraction:
    """`24`, `23.976` or `30000/1001` as a fraction.

    Raises:
        ConfigError: none of these, or not above 0.
    """
    try:
        return exact_rate(Fraction(text))
    except (ValueError, ZeroDivisionError) as error:
        raise ConfigError(f"--fps {text} is no rate: give 24, 23.976 or 30000/1001, for instance.") from error


def public_scene(text: str) -> str:
    """A scene as `parse_scene` takes it, but of a file only the name: where it lies on this machine is private."""
    return Path(text.strip()).name


def parse_scenes(text: str) -> list[Scene]:
    """`1,7:3,lake.safetensors` as scenes.

    Raises:
        ConfigError: a part names no scene.
    """
    return [parse_scene(part.strip()) for part in text.split(",")]
