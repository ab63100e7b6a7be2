"""Every recipe on the same photographs with the same processor time, beside two peers: what each makes of it.

    python benchmarks/recipes.py --photos photos.zip --out runs/recipes --minutes 20 \
        --recipes projected-64 stylegan2-64 r3gan-64 --extractors vgg19 default_1.pt \
        --peers lightweight-gan=runs/peers/lightweight-gan stylegan2-pytorch=runs/peers/stylegan2-pytorch

`photos.zip` has the folders `train` and `heldout`. Each recipe learns in a process of its own, on one thread, until
that process has used so many minutes of processor time (other work on the machine does not count), saves and leaves; a
later call goes on where it stopped, and passes over what is finished. The peers have learned before, for as long, with
`scene_peers.py` (see peers-scenes.md); both their averaged generator and the one of the last step have a row. Then
`shanshui evaluate` measures everyone against the held-out photographs, once with each extractor: a network that ships
or a file (`default_1.pt` is the 2015 Inception, see peers-metrics.md). What it says is kept in OUT/judged and not asked
for again. Prints one row a generator in markdown; precision and recall are those of the first extractor. KID and FID
are larger the worse; compare them within a column only. Sheets of samples are the newest in RUN/samples.
"""

import argparse
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Any

SECONDS_BETWEEN_LOOKS = 2.0
MORE_THAN_ANY_BUDGET = 100_000_000


METRICS = ("kid", "frechet", "precision3", "recall3", "sharpness")


@dataclass(frozen=True, kw_only=True)
class Trained:
    """A generator and what it cost.

    Attributes:
        name: unique among all that are judged; changes when the generator has learned more.
        made: options of `shanshui evaluate` that name its scenes.
        images_seen: photographs that its discriminator saw.
        seconds: processor time of its training.
    """

    label: str
    name: str
    made: tuple[str, ...]
    images_seen: int
    seconds: float


def main() -> None:
    """Train what is unfinished, then measure."""
    options = parse()
    figures = " | ".join(f"KID {short(each)} | Frechet {short(each)}" for each in options.extractors)
    print(f"| recipe | images seen | images/s | {figures} | precision | recall | fine detail | verdict |")
    print("|---" * (7 + 2 * len(options.extractors)) + "|")
    for trained in chain(recipes(options), peers(options)):
        print(row(trained, [evaluate(trained, each, options) for each in options.extractors]), flush=True)


def recipes(options: argparse.Namespace) -> Iterator[Trained]:
    """The newest snapshot of each recipe, trained first where its budget is not used up."""
    for recipe in options.recipes:
        run = options.out / recipe
        seconds = train(recipe, run, options)
        snapshot = max((run / "checkpoints").glob("*.safetensors"))
        yield Trained(
            label=recipe,
            name=f"{recipe}-{snapshot.stem}",
            made=("--model", str(snapshot), "--count", str(options.count)),
            images_seen=int(snapshot.stem),
            seconds=seconds,
        )


def peers(options: argparse.Namespace) -> Iterator[Trained]:
    """Both generators of each peer."""
    for peer in options.peers:
        name, _, folder = peer.partition("=")
        told = json.loads((Path(folder) / "peer.json").read_text())
        for generator in ("average", "last"):
            yield Trained(
                label=f"{name}, {generator}",
                name=f"{name}-{told['images_seen']:010}-{generator}",
                made=("--fake", str(Path(folder) / generator), "--count", str(options.count)),
                images_seen=told["images_seen"],
                seconds=told["seconds"],
            )


def train(recipe: str, run: Path, options: argparse.Namespace) -> float:
    """Train until the budget is used; the processor seconds of all calls so far."""
    clock = run.parent / f"{recipe}.seconds"
    used = float(clock.read_text()) if clock.exists() else 0.0
    budget = 60 * options.minutes
    if used >= budget:
        return used
    # The card's figures come from a judgement of their own, so none is made while learning.
    command = ["train", "scene", "--recipe", recipe, "--data", f"{options.photos}/train", "--run", str(run)]
    command += ["--size", options.size, "--images", str(MORE_THAN_ANY_BUDGET), "--device", "cpu", "--workers", "1"]
    command += ["--judge-every", str(MORE_THAN_ANY_BUDGET), "--sample-every", "4000", "--checkpoint-every", "4000"]
    if (run / "config.json").exists():
        command.append("--resume")
    run.parent.mkdir(parents=True, exist_ok=True)
    process = subprocess.Popen(
        [sys.executable, "-m", "shanshui", *command],
        stderr=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    )
    spent = 0.0
    while process.poll() is None:
        time.sleep(SECONDS_BETWEEN_LOOKS)
        spent = processor_seconds(process.pid, spent)
        if used + spent >= budget:
            process.send_signal(signal.SIGINT)
            process.wait()
    clock.write_text(str(used + spent))
    return used + spent


def processor_seconds(pid: int, before: float) -> float:
    """Processor time of a process so far; `before` once it has ended."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return before
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def evaluate(trained: Trained, extractor: str, options: argparse.Namespace) -> dict[str, Any]:
    """What the command says of a generator, as JSON; kept in OUT/judged."""
    kept: Path = options.out / "judged" / f"{trained.name}-{options.count}-{short(extractor)}.json"
    if not kept.exists():
        command = ["evaluate", "--real", f"{options.photos}/heldout", *trained.made, "--json"]
        command += ["--extractor", extractor, "--metrics", *METRICS]
        done = subprocess.run(
            [sys.executable, "-m", "shanshui", *command], check=True, stdout=subprocess.PIPE, text=True
        )
        kept.parent.mkdir(parents=True, exist_ok=True)
        kept.write_text(done.stdout)
    judged: dict[str, Any] = json.loads(kept.read_text())["sets"][0]
    return judged


def row(trained: Trained, judged: Sequence[dict[str, Any]]) -> str:
    """One line of the table."""
    measured = [{name.split("_")[0]: figure for name, figure in each["figures"].items()} for each in judged]
    distances = " | ".join(f"{interval(each['kid'], 3)} | {interval(each['frechet'], 1)}" for each in measured)
    shares = " | ".join(f"{measured[0][name]['value']:.2f}" for name in METRICS[2:])
    words = judged[0]["verdict"]["headline"].split(":")[0]
    speed = trained.images_seen / trained.seconds
    return f"| {trained.label} | {trained.images_seen:,} | {speed:.1f} | {distances} | {shares} | {words} |"


def interval(figure: dict[str, float], digits: int) -> str:
    """A figure and half the width of its 95 % interval."""
    return f"{figure['value']:.{digits}f} ± {1.96 * figure['standard_error']:.{digits}f}"


def short(extractor: str) -> str:
    """The name of a network that ships, or of a file."""
    return Path(extractor).stem


def parse() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--photos", required=True, help="archive or folder with train and heldout")
    parser.add_argument("--out", type=Path, required=True, help="folder for the runs")
    parser.add_argument("--recipes", nargs="*", default=[])
    parser.add_argument("--minutes", type=float, default=20.0, help="of processor time for each recipe")
    parser.add_argument("--size", default="64", help="of the scenes")
    parser.add_argument("--count", type=int, default=598, help="scenes judged of each")
    parser.add_argument("--extractors", nargs="+", default=["vgg19"], help="networks that judge: names or files")
    parser.add_argument("--peers", nargs="*", default=[], help="NAME=FOLDER of each peer that scene_peers.py trained")
    return parser.parse_args()


if __name__ == "__main__":
    main()
