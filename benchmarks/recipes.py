"""Every recipe on the same photographs with the same processor time: what each makes of it.

    python benchmarks/recipes.py --photos photos.zip --out runs/recipes --minutes 20 \
        --recipes projected-64 stylegan2-64 r3gan-64 --size 64

`photos.zip` has the folders `train` and `heldout`. Each recipe learns in a process of its own, on one thread, until
that process has used so many minutes of processor time (other work on the machine does not count), saves and leaves; a
later call goes on where it stopped, and passes over what is finished. Then `shanshui evaluate` measures each against
the held-out photographs. Prints one row a recipe in markdown; a sheet of samples is the newest in RUN/samples.
"""

import argparse
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

SECONDS_BETWEEN_LOOKS = 2.0
MORE_THAN_ANY_BUDGET = 100_000_000


def main() -> None:
    """Train what is unfinished, then measure."""
    options = parse()
    print("| recipe | images seen | images/s | KID | precision | recall | fine detail | verdict |")
    print("|---|---|---|---|---|---|---|---|")
    for recipe in options.recipes:
        run = options.out / recipe
        seconds = train(recipe, run, options)
        print(row(recipe, run, seconds, evaluate(run, options)), flush=True)


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


def evaluate(run: Path, options: argparse.Namespace) -> dict[str, Any]:
    """What the command says of the newest snapshot, as JSON; kept beside the run."""
    snapshot = max((run / "checkpoints").glob("*.safetensors"))
    kept = run.parent / f"{run.name}-{snapshot.stem}-{options.extractor}.json"
    if not kept.exists():
        command = ["evaluate", "--real", f"{options.photos}/heldout", "--model", str(snapshot), "--json"]
        command += ["--count", str(options.count), "--extractor", options.extractor]
        done = subprocess.run([sys.executable, "-m", "shanshui", *command], check=True, capture_output=True, text=True)
        kept.write_text(done.stdout)
    judged: dict[str, Any] = json.loads(kept.read_text())["sets"][0]
    return judged


def row(recipe: str, run: Path, seconds: float, judged: dict[str, Any]) -> str:
    """One line of the table."""
    seen = int(max((run / "checkpoints").glob("*.safetensors")).stem)
    first = {name.split("_")[0]: figure for name, figure in reversed(list(judged["figures"].items()))}
    kid = f"{first['kid']['value']:.3f} ± {1.96 * first['kid']['standard_error']:.3f}"
    shares = " | ".join(f"{first[name]['value']:.2f}" for name in ("precision3", "recall3", "sharpness"))
    words = judged["verdict"]["headline"].split(":")[0]
    return f"| {recipe} | {seen:,} | {seen / seconds:.1f} | {kid} | {shares} | {words} |"


def parse() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--photos", required=True, help="archive or folder with train and heldout")
    parser.add_argument("--out", type=Path, required=True, help="folder for the runs")
    parser.add_argument("--recipes", nargs="+", required=True)
    parser.add_argument("--minutes", type=float, default=20.0, help="of processor time for each recipe")
    parser.add_argument("--size", default="64", help="of the scenes")
    parser.add_argument("--count", type=int, default=598, help="scenes judged of each")
    parser.add_argument("--extractor", default="vgg19", help="network that judges")
    return parser.parse_args()


if __name__ == "__main__":
    main()
