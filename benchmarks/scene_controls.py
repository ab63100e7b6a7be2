"""Named scene controls, measured: does the figure follow the strength, and do the others stay?

    python benchmarks/scene_controls.py --model landscape

Every control takes every scene to each strength. A row of the table is a control:

    monotone   scenes whose statistic rises from each strength to the next
    own        how far the statistic moved per unit of strength, in standard deviations among the model's scenes
               (1 is what the strength asks for)
    others     how far the other statistics moved, mean of their absolute values, in the same unit
    worst      the other statistic that moved most, and how far; `*` marks one that the control carries along by its
               meaning
    seconds    of processor time for one scene, all strengths together
"""

import argparse
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from shanshui.images.files import write_picture
from shanshui.images.grids import grid
from shanshui.pipelines.steering.controls import CONTROLS, Control, find_control
from shanshui.pipelines.steering.editor import SceneEditor
from shanshui.pipelines.steering.statistics import STATISTICS

NAMES = [*STATISTICS]


@dataclass(frozen=True, kw_only=True)
class Score:
    """A row of the table."""

    monotone: int
    own: float
    others: float
    worst: str
    worst_moved: float


def main() -> int:
    """Print the table, and write a sheet for each control where that is asked for."""
    options = parse()
    torch.set_num_threads(options.threads)
    editor = SceneEditor.from_pretrained(options.model)
    began = time.process_time()
    _ = editor.spread
    codes = editor.space.of([(seed, 0) for seed in range(options.seeds)])
    print(f"{options.model}: {options.seeds} seeds, strengths {' '.join(f'{s:g}' for s in options.strengths)}")
    print(f"spread of the statistics measured in {time.process_time() - began:.1f} s of processor time")
    print(f"{'control':<16}{'monotone':>9}{'own':>7}{'others':>8}  {'worst':<18}{'seconds':>8}")
    for control in (find_control(name)[0] for name in options.controls):
        began = time.process_time()
        versions = editor.swept(codes, control.name, options.strengths)
        seconds = (time.process_time() - began) / len(codes)
        measured = np.array([[editor.measure(version)[name] for name in NAMES] for version in versions])
        row = score(control, measured, options.strengths)
        starred = f"{row.worst}{'*' if row.worst in control.carries else ''} {row.worst_moved:.2f}"
        print(
            f"{control.name:<16}{f'{row.monotone}/{len(codes)}':>9}{row.own:>7.2f}{row.others:>8.2f}  "
            f"{starred:<18}{seconds:>8.2f}",
            flush=True,
        )
        if options.out is not None:
            columns = [[np.asarray(picture) for picture in editor.space.pictures(version)] for version in versions]
            tiles = [picture for cells in zip(*columns, strict=True) for picture in cells]
            write_picture(options.out / f"{control.name}.png", grid(tiles, len(versions)))
    return 0


def score(control: Control, measured: NDArray[np.float64], strengths: list[float]) -> Score:
    """The row of a control, from statistics (strengths, statistics, scenes)."""
    own = NAMES.index(control.statistic)
    span = strengths[-1] - strengths[0]
    moved = (measured[-1] - measured[0]) / span
    others = {name: float(np.abs(moved[k]).mean()) for k, name in enumerate(NAMES) if k != own}
    worst = max(others, key=lambda name: others[name])
    return Score(
        monotone=int((np.diff(measured[:, own], axis=0) > 0).all(axis=0).sum()),
        own=float(moved[own].mean()),
        others=float(np.mean([*others.values()])),
        worst=worst,
        worst_moved=others[worst],
    )


def parse() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", default="landscape", help="a zoo name or a .safetensors file")
    parser.add_argument(
        "--controls", nargs="+", default=[control.name for control in CONTROLS], help="rows of the table"
    )
    parser.add_argument("--seeds", type=int, default=20, help="scenes: the first one of each seed from 0")
    parser.add_argument("--strengths", type=float, nargs="+", default=[-2, -1, 0, 1, 2], help="in rising order")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--out", type=Path, help="folder for a sheet of each control")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
