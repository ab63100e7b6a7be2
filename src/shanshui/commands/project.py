"""`shanshui project`: the scene of a model that is nearest to a photo, and its code."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import tyro

from shanshui.commands.crediting import Credited, credited
from shanshui.commands.options import parse, require_positive, resolve_device
from shanshui.commands.outcome import Outcome
from shanshui.commands.terminal import terminal
from shanshui.events import Emit, Finished, ImageReady, Started
from shanshui.images.credentials import Making
from shanshui.images.files import from_any, read_picture, write_picture
from shanshui.images.grids import grid
from shanshui.images.pixels import Pixels
from shanshui.pipelines.codes import CODE_SUFFIX, CodeSpace
from shanshui.pipelines.project import TASK, Projection, Projector, Search


@dataclass(frozen=True, kw_only=True)
class Project(Credited):
    """Find the scene of a model that is nearest to a photo.

    OUT/NAME-code.safetensors can stand wherever `shanshui interpolate` and `shanshui mix` take a seed;
    OUT/NAME-found.png shows the photo, the scene that was found, and the nearest of the random scenes. For example:

        shanshui project lake.jpg --out found
        shanshui interpolate --seeds found/lake-code.safetensors,7 --out lake.mp4
    """

    photo: Annotated[Path, tyro.conf.Positional]
    """A photo; its largest centred part with the scenes' proportions is taken."""
    out: Path
    """Folder to write to; made when missing."""
    model: str = "landscape"
    """A model that ships (see `shanshui models`), a .safetensors file, or a hub id."""
    rounds: int = Search.rounds
    """Steps of the search; more come nearer and take longer."""
    random: int = Search.random
    """Random scenes that the result is compared with."""
    seed: int = 0
    """Of the random scenes and of the noise of the search."""
    label: int | None = None
    """Class of the scene by number, for a model that was trained on labelled folders; the first when left out."""


def main(argv: Sequence[str]) -> Outcome:
    """Run the command with the options of `argv`."""
    options = parse(Project, "project", argv)
    with terminal() as emit:
        found, paths = run(options, emit)
    return Outcome(
        data={
            "model": options.model,
            "photo": str(options.photo),
            "distance": found.distance,
            "nearest_random_distance": found.random_distances[0],
            "closer_than": found.closer_than,
            "files": [str(path) for path in paths],
        },
        text="\n".join([*map(str, paths), found.verdict]),
        as_json=options.json,
    )


def run(options: Project, emit: Emit) -> tuple[Projection, list[Path]]:
    """Write the code, the scene and the comparison; return what was found, and the files in this order."""
    require_positive(rounds=options.rounds, random=options.random)
    photo = read_picture(options.photo)
    space = CodeSpace.from_pretrained(options.model, label=options.label, device=resolve_device(options.device))
    emit(Started(task=TASK, total=options.rounds))
    search = Search(rounds=options.rounds, random=options.random)
    found = Projector(space)(photo, seed=options.seed, search=search, emit=emit)
    code, scene, sheet = (
        options.out / f"{options.photo.stem}-{name}" for name in (f"code{CODE_SUFFIX}", "scene.png", "found.png")
    )
    space.write(code, found.code)
    works: Sequence[tuple[Path, Pixels, Making]] = (
        (scene, found.scene, "trainedAlgorithmicMedia"),
        (sheet, grid([found.photo, found.scene, found.nearest], 3), "compositeWithTrainedAlgorithmicMedia"),
    )
    for path, pixels, making in works:
        picture = credited(from_any(pixels), options, options.model, making, seed=options.seed, rounds=options.rounds)
        write_picture(path, picture)
        emit(ImageReady(task=TASK, name=path.stem, path=path, done=options.rounds))
    emit(Finished(task=TASK, done=options.rounds, reason="complete"))
    return found, [code, scene, sheet]
