"""Unpaired translation with the same processor time for every recipe, beside the stylizer and what games each measure.

    python benchmarks/translators.py --data DATA --out runs/translators --minutes 20 \
        --recipes cyclegan-128 cut-128 fastcut-256 --targets monet ink

DATA holds the archives `paintings-TARGET.zip` and the photographs of the recipes. A recipe is tried for some seconds of
processor time, on one thread; then it learns on as many images as fit the minutes, its rate falling to nothing at the
end, in a process of its own. What is finished is not trained again. The snapshot with the best kernel distance to the
paintings learned from translates held-out photographs, and `shanshui evaluate` measures them against held-out
paintings, together with the model `painter` in the style of that name and with two controls: photos left as they are,
and the paintings themselves. Its JSON is kept in OUT. Prints one row each in markdown. Read KID (0: as paintings are to
each other) and change of content (0: the photo) together. Sheets are the newest in RUN/samples.
"""

import argparse
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch

from shanshui.commands.translation_lessons import learner_of, settle_translation
from shanshui.recipes.translation import TRANSLATION_RECIPES
from shanshui.training.devices import start_fabric

TRIAL_SECONDS = 8.0
JUDGEMENTS = 4
PHOTOS = "photos-research-256.zip/heldout"
METRICS = ("kid", "content", "artfid", "sharpness")


def main() -> None:
    """Train what is unfinished, then measure."""
    options = parse()
    torch.set_num_threads(1)
    print("| paintings | maker | KID | change of content | ArtFID | fine detail |\n|---|---|---|---|---|---|")
    for target in options.targets:
        models = [str(trained(recipe, target, options) / "best.safetensors") for recipe in options.recipes]
        for each in evaluated([*models, "painter"], target, options):
            print(row(target, each), flush=True)


def trained(recipe: str, target: str, options: argparse.Namespace) -> Path:
    """The run of a recipe, trained first where it is not finished."""
    run: Path = options.out / f"{target}-{recipe}"
    count = run.parent / f"{recipe}.images"
    if not count.exists():
        run.parent.mkdir(parents=True, exist_ok=True)
        count.write_text(str(images_in(60 * options.minutes, recipe, options.data)))
    images = count.read_text()
    every = str(max(1, int(images) // JUDGEMENTS))
    command = ["train", "translation", "--recipe", recipe, "--data", str(options.data), "--run", str(run)]
    command += ["--paintings", f"paintings-{target}.zip/train", "--style", target, "--device", "cpu", "--workers", "1"]
    command += ["--images", images, "--judge-every", every, "--sample-every", every, "--checkpoint-every", every]
    for player in ("generator", "discriminator"):
        command += [f"--{player}-adam.schedule.decay-images", images]
    if (run / "config.json").exists():
        command.append("--resume")
    subprocess.run(
        [sys.executable, "-m", "shanshui", *command],
        check=True,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    )
    return run


def images_in(seconds: float, name: str, data: Path) -> int:
    """As many images as a recipe learns from in so many seconds of processor time, judgements not counted."""
    recipe = settle_translation(TRANSLATION_RECIPES[name], data)
    fabric = start_fabric(torch.device("cpu"), "auto")
    learner = learner_of(recipe.learner)(recipe.learner, data=data, photos=[], seed=0, fabric=fabric)
    batch = torch.rand(recipe.settings.batch_size, 3, recipe.size, recipe.size) * 2 - 1
    learner.step(batch, 0)
    start, done = time.process_time(), 0
    while (spent := time.process_time() - start) < TRIAL_SECONDS:
        done += len(batch)
        learner.step(batch, done)
    return int(seconds * done / spent)


def evaluated(models: list[str], target: str, options: argparse.Namespace) -> Iterator[dict[str, Any]]:
    """What `shanshui evaluate` says of the models and its controls, as JSON."""
    kept: Path = options.out / f"{target}.json"
    if not kept.exists():
        command = ["evaluate", "--real", f"{options.data}/paintings-{target}.zip/heldout", "--style", target, "--json"]
        command += ["--content", f"{options.data}/{PHOTOS}", "--count", str(options.count), "--size", options.size]
        command += [part for model in models for part in ("--model", model)]
        command += ["--metrics", *METRICS]
        done = subprocess.run(
            [sys.executable, "-m", "shanshui", *command], check=True, stdout=subprocess.PIPE, text=True
        )
        kept.write_text(done.stdout)
    yield from json.loads(kept.read_text())["sets"]


def row(target: str, judged: dict[str, Any]) -> str:
    """One line of the table."""
    measured = {name.split("_")[0]: figure for name, figure in judged["figures"].items()}
    shown = " | ".join(interval(measured[name]) if name in measured else "" for name in METRICS)
    return f"| {target} | {judged['label'].removesuffix('/best.safetensors')} | {shown} |"


def interval(figure: dict[str, float]) -> str:
    """A figure and half the width of its 95 % interval."""
    return f"{figure['value']:.3f} ± {1.96 * (figure['standard_error'] or 0):.3f}"


def parse() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True, help="folder for the runs")
    parser.add_argument("--recipes", nargs="+", default=["cyclegan-128", "cut-128", "fastcut-256"])
    parser.add_argument("--targets", nargs="+", default=["monet", "ink"])
    parser.add_argument("--minutes", type=float, default=20.0, help="of processor time for each recipe and target")
    parser.add_argument("--count", type=int, default=200, help="photographs translated to be judged")
    parser.add_argument("--size", default="128", help="of the pictures that are judged")
    return parser.parse_args()


if __name__ == "__main__":
    main()
