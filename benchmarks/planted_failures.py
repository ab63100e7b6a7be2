"""Plant failures in small trainings on real photographs and print which alarms came: one row a failure.

    python benchmarks/planted_failures.py --photos photos.zip/train --heldout photos.zip/heldout --out runs/planted

Every training is the recipe dcgan-64 at 32 x 32 pixels and a quarter of its width, through `shanshui train`, with a
reading every few hundred images; an alarm that is expected is answered with a stop, so that a caught training ends.
The table says what was planted, the alarm that is expected, and those that came, each with the number of images seen.
A training that is complete already (its events.jsonl is there) is only read, so that rows can be made one by one with
--only. At the end: the run that collapses is brought back by rollbacks, and a run stops by itself when it is close
enough; the table then says whether its best snapshot is the lowest figure of the run.
"""

import argparse
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from unittest.mock import patch

import torch

from shanshui.checkpoints.weights import read_header
from shanshui.cli import main as shanshui
from shanshui.commands import lessons
from shanshui.scenes.sources import open_source
from shanshui.training.learners.scene import SceneLearner

SMALL = (
    *("--recipe", "dcgan-64", "--size", "32", "--generator.width", "16", "--discriminator.channels", "16"),
    *("--generator-adam.learning-rate", "1e-3", "--discriminator-adam.learning-rate", "1e-3"),
    *("--workers", "1", "--precision", "32-true", "--log-every", "400", "--sample-every", "4000"),
)
SHORT = ("--images", "6000", "--judge-every", "600", "--checkpoint-every", "3000")
FEW = 20
LOST = 1500
CLOSE_ENOUGH = 1.65
JUDGED = 150
"""Images in a reading: fewer than `shanshui train` takes, so that a processor gets through."""


@dataclass(frozen=True, kw_only=True)
class Plant:
    """A failure to plant.

    Attributes:
        what: in words.
        expected: the alarm that has to come; None for none.
        flags: of the training.
        spoil: what is done to the program for as long as it trains.
        few: learns from `FEW` photographs only.
    """

    what: str
    expected: str | None
    flags: Sequence[str] = SHORT
    spoil: Callable[[], AbstractContextManager[Any]] = field(default=nullcontext)
    few: bool = False


@contextmanager
def _without_latents() -> Iterator[None]:
    draw = SceneLearner._latents

    def zero(self: SceneLearner, count: int, random: torch.Generator) -> torch.Tensor:
        return 0 * draw(self, count, random)

    with patch.object(SceneLearner, "_latents", zero):
        yield


@contextmanager
def _latents_lost_at_a_high_rate() -> Iterator[None]:
    draw, step = SceneLearner._latents, SceneLearner.step
    images = {"seen": 0}

    def counted(self: SceneLearner, batch: torch.Tensor, images_seen: int) -> Mapping[str, torch.Tensor]:
        images["seen"] = images_seen
        return step(self, batch, images_seen)

    def lost(self: SceneLearner, count: int, random: torch.Generator) -> torch.Tensor:
        gone = images["seen"] >= LOST and self._config.generator_adam.learning_rate > 5e-4
        return draw(self, count, random) * (0 if gone else 1)

    with patch.object(SceneLearner, "_latents", lost), patch.object(SceneLearner, "step", counted):
        yield


_RATES = ("--generator-adam.learning-rate", "1", "--discriminator-adam.learning-rate", "1")

PLANTS: Mapping[str, Plant] = {
    "healthy": Plant(what="nothing", expected=None),
    "zeroed": Plant(what="every latent is zero", expected="collapse", spoil=_without_latents),
    "twenty": Plant(
        what=f"{FEW} photographs, no augmentation",
        expected="memorisation",
        few=True,
        flags=(
            *("--images", "60000", "--judge-every", "3000", "--checkpoint-every", "30000", "--batch-size", "8"),
            *("--augmentation", "none", "--no-flip", "--min-scale", "1", "--generator.width", "32"),
            *("--discriminator.normalization", "none", "--penalties.r1", "0.5", "--penalties.r1-every", "4"),
            *("--average-half-life", "1000"),
        ),
    ),
    "rates": Plant(what="learning rates x 1000", expected="exploding", flags=(*SHORT, *_RATES)),
    "frozen": Plant(
        what="a generator that does not learn",
        expected="stalled",
        flags=(*SHORT, "--generator-adam.learning-rate", "0"),
    ),
}


def main() -> None:
    """Train what is missing and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--photos", type=Path, required=True)
    parser.add_argument("--heldout", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--only", nargs="*", choices=[*PLANTS, "rollback", "stop"])
    options = parser.parse_args()
    chosen = options.only or [*PLANTS, "rollback", "stop"]
    print(f"{'planted':34} {'expected':13} came")
    for name, plant in PLANTS.items():
        if name in chosen:
            events = _train(options, name, plant)
            print(f"{plant.what:34} {plant.expected or 'none':13} {_alarms(events)}", flush=True)
    if "rollback" in chosen:
        _bring_back(options)
    if "stop" in chosen:
        _stop_by_itself(options)


def _train(options: argparse.Namespace, name: str, plant: Plant, *more: str) -> list[dict[str, Any]]:
    run, photos = options.out / name, options.photos
    if plant.few:
        photos = _few(photos, options.out / "twenty-photographs")
    heldout = () if plant.few else ("--heldout", str(options.heldout))
    answer = () if plant.expected in (None, "exploding") else (f"--on-{plant.expected}", "stop")
    command = ["train", "scene", *SMALL, *plant.flags, "--data", str(photos), "--run", str(run), *heldout]
    if not run.exists():
        with plant.spoil(), patch.object(lessons, "JUDGED", JUDGED):
            shanshui([*command, *answer, *more])
    return [json.loads(line) for line in (run / "events.jsonl").read_text().splitlines()]


def _few(photos: Path, folder: Path) -> Path:
    """The first `FEW` files of a data set, spread over it, in a folder of their own."""
    folder.mkdir(parents=True, exist_ok=True)
    source = open_source(photos)
    for name in source.names[:: len(source) // FEW][:FEW]:
        (folder / Path(name).name).write_bytes(source.read(name))
    return folder


def _bring_back(options: argparse.Namespace) -> None:
    """Latents that are lost after `LOST` images at the recipe's rate, and not at the lower rate of the remedy."""
    plant = Plant(
        what="latents lost at a high rate",
        expected=None,
        spoil=_latents_lost_at_a_high_rate,
        flags=(
            *("--images", "4200", "--judge-every", "600", "--checkpoint-every", "3000"),
            *("--on-collapse", "rollback"),
        ),
    )
    events = _train(options, "rollback", plant)
    print(f"{plant.what:34} {'collapse':13} {_alarms(events)}")
    for event in events:
        if event["event"] == "Answered":
            print(f"  {event['done']:>7,} {event['alarm']}: {event['message']}")
        if event["event"] == "Progress" and "watch.variety" in event["values"]:
            print(f"  {event['done']:>7,} variety {event['values']['watch.variety']:.3f}")


def _stop_by_itself(options: argparse.Namespace) -> None:
    """A training of up to 60,000 images that ends as soon as its figure is below `CLOSE_ENOUGH`."""
    plant = Plant(
        what="--stop-when",
        expected=None,
        flags=("--images", "60000", "--judge-every", "2000", "--checkpoint-every", "10000"),
    )
    events = _train(options, "stop", plant, "--stop-when", f"kid<{CLOSE_ENOUGH}")
    (ended,) = (event for event in events if event["event"] == "Finished")
    best = read_header(options.out / "stop" / "best.safetensors").card
    lowest = min(_figures(events))
    print(f"--stop-when kid<{CLOSE_ENOUGH}: {ended['reason']} after {ended['done']:,} images")
    print(f"  lowest figure {lowest:.4g}, that of best.safetensors {next(iter(best['scores'].values())):.4g}")


def _figures(events: Sequence[Mapping[str, Any]]) -> list[float]:
    """The values of the first figure, in order."""
    metrics = [event for event in events if event["event"] == "Metric"]
    return [event["value"] for event in metrics if event["name"] == metrics[0]["name"]]


def _alarms(events: Sequence[Mapping[str, Any]]) -> str:
    came = [f"{event['alarm']} after {event['done']:,}" for event in events if event["event"] == "Alarmed"]
    return ", ".join(came) or "none"


if __name__ == "__main__":
    main()
