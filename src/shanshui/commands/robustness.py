"""`shanshui evaluate --robustness`: how far pictures move when their photos are changed by next to nothing."""

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import torch
import tyro
from torch import Tensor

from shanshui.checkpoints.judges import open_distance
from shanshui.checkpoints.weights import load_snapshot
from shanshui.checkpoints.zoo import resolve
from shanshui.commands.options import Common, parse, parse_size, require_positive, resolve_device
from shanshui.commands.outcome import Outcome
from shanshui.commands.paints import paints_of
from shanshui.commands.terminal import terminal
from shanshui.errors import ConfigError
from shanshui.evaluation.estimates import Estimate
from shanshui.evaluation.robustness import Reach, Trial, reached, tried
from shanshui.evaluation.stills import stills
from shanshui.events import Emit, Finished, Progress, Started
from shanshui.images.pixels import to_tensor
from shanshui.images.resize import fit_crop
from shanshui.objectives.attacks import Paint, attacked, shaken
from shanshui.pipelines.generate import SceneGenerator
from shanshui.pipelines.generators import LARGEST_SEED, random_of
from shanshui.scenes.sources import open_source

TASK = "evaluate"
SCENES, SCENES_SEED = "landscape", 7
LARGEST_EPS = 255.0
DISTANCE = "perceptualvgg19"


@dataclass(frozen=True, kw_only=True)
class Robustness(Common):
    """Measure how far a stylizer's or composer's pictures move when their photos are changed by next to nothing.

    Each photo is attacked: of all changes of at most EPS steps of eight bits in every value, projected gradient ascent
    looks for the one that moves the picture most (Madry et al. 2018). Beside it stands noise of exactly that size at
    every value, but of random sign. For example:

        shanshui evaluate --robustness painter --photos photos.zip/heldout
        shanshui evaluate --robustness painter-any --style my-painting.jpg --eps 2
    """

    robustness: Annotated[str, tyro.conf.arg(metavar="MODEL")]
    """The model to attack: a name, a .safetensors file, or a hub id."""
    photos: Path | None = None
    """A folder, an archive, or ARCHIVE/FOLDER; when left out, scenes that the model landscape makes."""
    style: Annotated[tuple[str, ...], tyro.conf.UseAppendAction, tyro.conf.arg(metavar="NAME|IMAGE")] = ()
    """A style of the model. Repeatable; all that it knows by name when left out."""
    eps: tuple[float, ...] = (1.0, 2.0, 4.0)
    """The largest changes, in steps of eight bits."""
    steps: int = 10
    """Of each attack: more find a little more and take longer."""
    count: int = 8
    """How many photos, spread over all that there are."""
    size: str = "128x128"
    """WxH in pixels that they are brought to."""
    naturalness: float = 0.5
    """Of a composer: from 0 (the painting) to 1 (a natural scene)."""
    seed: int = 0
    """Of the places where attacks begin, of the noise, and of a composer's details."""


def main(argv: Sequence[str]) -> Outcome:
    """Run the command with the options of `argv`."""
    options = parse(Robustness, TASK, argv)
    with terminal() as emit:
        styles, trials = run(options, emit)
    reaches = [reached(row) for row in trials]
    return Outcome(
        data=_data(options, styles, trials, reaches), text=_text(options, styles, reaches), as_json=options.json
    )


def run(options: Robustness, emit: Emit) -> tuple[list[str], list[list[Trial]]]:
    """The styles, and for each eps a trial of each of them.

    Raises:
        ConfigError: a value that cannot work.
        DataError: there are too few photos.
        ModelError: there is no such model, or it is no stylizer or composer.
    """
    require_positive(steps=options.steps, count=options.count)
    if not options.eps or not all(0 < eps <= LARGEST_EPS for eps in options.eps):
        raise ConfigError(f"--eps {' '.join(map(str, options.eps))} cannot be: give numbers above 0 and up to 255.")
    if not 0 <= options.seed <= LARGEST_SEED:
        raise ConfigError(f"The seed {options.seed} is outside 0 to 2^40.")
    device = resolve_device(options.device)
    network = load_snapshot(resolve(options.robustness))[0].to(device)
    paints = paints_of(
        network, options.style, name=options.robustness, naturalness=options.naturalness, seed=options.seed
    )
    photos = _photos(options, device, emit)
    distance = open_distance(DISTANCE, device=device)
    emit(Started(task=TASK, total=len(options.eps) * len(paints) * len(photos)))
    trials: list[list[Trial]] = []
    for row, eps in enumerate(options.eps):
        trials.append([])
        for number, paint in enumerate(paints.values()):
            random = random_of(options.seed, number)
            trials[-1].append(_tried(paint, photos, eps, options.steps, distance, random))
            emit(Progress(task=TASK, done=(row * len(paints) + number + 1) * len(photos), values={}))
    emit(Finished(task=TASK, done=len(options.eps) * len(paints) * len(photos), reason="complete"))
    return list(paints), trials


def _tried(
    paint: Paint, photos: Tensor, eps: float, steps: int, distance: torch.nn.Module, random: torch.Generator
) -> Trial:
    def attack(photos: Tensor, reach: float) -> Tensor:
        return attacked(paint, photos, reach=reach, steps=steps, random=random)

    return tried(paint, photos, eps=eps, attack=attack, shake=partial(shaken, random=random), distance=distance)


def _photos(options: Robustness, device: torch.device, emit: Emit) -> Tensor:
    """What is attacked, (count, 3, H, W)."""
    height, width = parse_size(options.size)
    pixels: Iterable[Any]
    if options.photos is None:
        scenes = SceneGenerator.from_pretrained(SCENES, device=device).generate(options.count, SCENES_SEED)
        pixels = (fit_crop(np.asarray(scene), height, width) for scene in scenes)
    else:
        source = open_source(options.photos)
        pixels = stills(source, height, width, count=min(options.count, len(source)), emit=emit)
    return torch.cat([to_tensor(each) for each in pixels]).to(device)


def _data(
    options: Robustness, styles: Sequence[str], trials: Sequence[Sequence[Trial]], reaches: Sequence[Reach]
) -> dict[str, Any]:
    """Everything for programs: of each style the means over photos as well."""
    return {
        "model": options.robustness,
        "photos": SCENES if options.photos is None else str(options.photos),
        "count": len(trials[0][0].photo),
        "size": options.size,
        "steps": options.steps,
        "distance": DISTANCE,
        "reaches": [asdict(reach) for reach in reaches],
        "styles": [
            {
                "eps": row[0].eps,
                "attack": {style: float(trial.attack.mean()) for style, trial in zip(styles, row, strict=True)},
                "noise": {style: float(trial.noise.mean()) for style, trial in zip(styles, row, strict=True)},
            }
            for row in trials
        ],
    }


def _text(options: Robustness, styles: Sequence[str], reaches: Sequence[Reach]) -> str:
    """A table for people."""
    rows = [["at most", "photo", "noise", "attack", "times noise", "seen: noise", "seen: attack"]]
    for reach in reaches:
        moved = [f"{reach.photo.value:.2f}", _cell(reach.noise), _cell(reach.attack), f"{reach.ratio:.2f}"]
        rows.append([f"{reach.eps:g}/255", *moved, _cell(reach.noise_seen), _cell(reach.attack_seen)])
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    lines = ["  ".join(f"{cell:<{width}}" for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]
    named = styles[0] if len(styles) == 1 else f"{len(styles)} styles"
    return "\n".join(
        [
            f"{options.robustness}, {named}, {options.steps} steps of attack at {options.size}",
            *lines,
            f"photo, noise, attack: how far photos and pictures move (RMS, steps of 8 bits); seen: {DISTANCE}; "
            "± reaches over 95 %",
        ]
    )


def _cell(estimate: Estimate) -> str:
    interval = estimate.interval()
    assert interval is not None
    return f"{estimate.value:.3g} ± {interval[1] - estimate.value:.2g}"
