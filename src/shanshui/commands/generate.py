"""`shanshui generate`: new scenes out of nothing but a seed."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

import numpy as np
import tyro
from PIL import Image

from shanshui.commands.crediting import Credited, credited
from shanshui.commands.options import Engine, parse, parse_size, require_positive, resolve_device
from shanshui.commands.outcome import Outcome
from shanshui.commands.terminal import terminal
from shanshui.errors import ConfigError
from shanshui.evaluation.references import default_cache_folder
from shanshui.events import Emit, Finished, ImageReady, Progress, Started
from shanshui.images.credentials import Making
from shanshui.images.files import from_any, write_picture
from shanshui.images.grids import grid
from shanshui.images.resize import enlarge, enlarge_ring
from shanshui.pipelines.generate import SceneGenerator
from shanshui.serving.cache import graph_for
from shanshui.serving.engine import scenes as scenes_of_graph

TASK = "generate"
MAKING: Making = "trainedAlgorithmicMedia"


@dataclass(frozen=True, kw_only=True)
class Generate(Credited):
    """Make new scenes out of nothing but a seed.

    Scene number i of seed S is the same picture on every run of this machine; it is written to
    OUT/scene-S-i.png. For example:

        shanshui generate --count 16 --seed 7 --out scenes
    """

    out: Path
    """Folder to write to; made when missing."""
    model: str = "landscape"
    """A model that ships (see `shanshui models`), a .safetensors or .onnx file, or a hub id."""
    engine: Engine = "torch"
    """What computes: torch, or onnx, onnxruntime on the processor. It exports a model when it first needs it, and keeps
    the graph in the cache folder."""
    count: int = 1
    """How many scenes."""
    seed: int = 0
    """Another seed, other scenes."""
    size: str | None = None
    """WxH in pixels, for instance 512x128: as high as the model's own scenes, and as wide as you like; the model's own
    size when left out."""
    wrap: Annotated[bool, tyro.conf.FlagCreatePairsOff] = False
    """The right edge joins the left edge: a scene to look around in, all 360 degrees, on a cylinder."""
    truncation: float = 1.0
    """Below 1: more typical scenes, less variety. 0 makes every scene the same."""
    label: int | None = None
    """Class of the scenes by number, for a model that was trained on labelled folders; all in turn when left out."""
    enlarge: int = 1
    """Enlarge each scene this many times (antialiased interpolation; it adds no detail)."""
    grid: int | None = None
    """Also write OUT/grid.png with this many scenes in a row."""
    format: Literal["png", "jpg", "webp"] = "png"
    """File format; png keeps every pixel."""


def main(argv: Sequence[str]) -> Outcome:
    """Run the command with the options of `argv`."""
    options = parse(Generate, "generate", argv)
    with terminal() as emit:
        paths = run(options, emit)
    return Outcome(
        data={"model": options.model, "seed": options.seed, "files": [str(path) for path in paths]},
        text="\n".join(str(path) for path in paths),
        as_json=options.json,
    )


def run(options: Generate, emit: Emit) -> list[Path]:
    """Write the scenes, and the grid when one is asked for; return what was written, in order."""
    require_positive(count=options.count, enlarge=options.enlarge, grid=1 if options.grid is None else options.grid)
    scenes = _scenes(options, emit)
    enlarged = enlarge_ring if options.wrap else enlarge
    emit(Started(task=TASK, total=options.count))
    told = _told(options)
    digits = max(4, len(str(options.count - 1)))
    paths, shown = [], []
    for index, scene in enumerate(scenes):
        pixels = np.asarray(scene)
        path = options.out / f"scene-{options.seed}-{index:0{digits}}.{options.format}"
        picture = from_any(enlarged(pixels, options.enlarge))
        write_picture(path, credited(picture, options, options.model, MAKING, **told, number=index))
        paths.append(path)
        if options.grid is not None:
            shown.append(pixels)
        emit(ImageReady(task=TASK, name=path.stem, path=path, done=index + 1))
        emit(Progress(task=TASK, done=index + 1, values={}))
    if options.grid is not None:
        paths.append(options.out / f"grid.{options.format}")
        sheet = from_any(grid(shown, options.grid))
        write_picture(paths[-1], credited(sheet, options, options.model, MAKING, **told, count=options.count))
    emit(Finished(task=TASK, done=options.count, reason="complete"))
    return paths


def _scenes(options: Generate, emit: Emit) -> Iterator[Image.Image]:
    if options.engine == "onnx" or options.model.lower().endswith(".onnx"):
        if options.size is not None or options.wrap or options.truncation != 1 or options.label is not None:
            raise ConfigError(
                "A graph makes scenes of the model's own size and variety: leave --size, --wrap, --truncation and "
                "--label out, or take a snapshot with --engine torch."
            )
        graph = graph_for(options.model, default_cache_folder(), emit)
        return scenes_of_graph(graph, options.count, options.seed)
    generator = SceneGenerator.from_pretrained(options.model, device=resolve_device(options.device))
    make = generator.panoramas if options.wrap else generator.generate
    return make(
        options.count,
        options.seed,
        size=None if options.size is None else parse_size(options.size),
        truncation=options.truncation,
        label=options.label,
    )


def _told(options: Generate) -> dict[str, Any]:
    """What makes the scenes what they are, beside their numbers."""
    told: dict[str, Any] = {"seed": options.seed, "truncation": options.truncation}
    more = {"size": options.size, "wrap": options.wrap or None, "label": options.label}
    return told | {name: value for name, value in more.items() if value is not None}
