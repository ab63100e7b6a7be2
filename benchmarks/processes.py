"""Images a second of two training processes of one thread each beside one process of one thread.

    python benchmarks/processes.py --photos PHOTOS.zip/train --recipes dcgan-64 projected-64 stylegan2-64 projected-128

Both learn the same batches (`--batch-size`, shared by two processes as half each), through `torchrun` and the command
that users give. Every --seconds long, in turns for --rounds rounds; of each counts the best round, as the run's own
events tell it, reading the photographs included. A machine that does something else has no second core to give, so it
should be quiet. Prints one row each in markdown.
"""

import argparse
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

SPEED = "speed.images_per_second"
WARM_UP = 3  # first readings of a run, in which things are still loaded


def main() -> None:
    """Train, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--photos", type=Path, required=True)
    parser.add_argument("--recipes", nargs="+", default=["dcgan-64", "projected-64", "stylegan2-64", "projected-128"])
    parser.add_argument("--batch-size", type=int, default=16)
    parser.add_argument("--seconds", type=float, default=40.0, help="of learning, after everything is loaded")
    parser.add_argument("--rounds", type=int, default=2)
    options = parser.parse_args()
    print("| recipe | 1 process | 2 processes | ratio |\n|---|---|---|---|")
    for recipe in options.recipes:
        best = {1: 0.0, 2: 0.0}
        for _ in range(options.rounds):
            for processes in best:
                best[processes] = max(best[processes], speed(recipe, processes, options))
        print(f"| `{recipe}` | {best[1]:.1f} | {best[2]:.1f} | {best[2] / best[1]:.2f} |", flush=True)


def speed(recipe: str, processes: int, options: argparse.Namespace) -> float:
    """Images a second of a run that is ended after a while."""
    with tempfile.TemporaryDirectory() as folder:
        run = Path(folder) / "run"
        training = ["-m", "shanshui", "train", "scene", "--recipe", recipe, "--data", str(options.photos)]
        training += ["--run", str(run), "--device", "cpu", "--workers", "1", "--batch-size", str(options.batch_size)]
        training += ["--images", "10000000", "--log-every", str(4 * options.batch_size)]
        launcher = ["-m", "torch.distributed.run", "--standalone", "--nproc-per-node", str(processes), "--no-python"]
        command = [sys.executable, *(training if processes == 1 else [*launcher, sys.executable, *training])]
        started = subprocess.Popen(
            command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env={**os.environ, "OMP_NUM_THREADS": "1"}
        )
        try:
            return watched(run / "events.jsonl", started, options.seconds)
        finally:
            started.send_signal(signal.SIGTERM)
            started.wait(120)


def watched(events: Path, started: "subprocess.Popen[bytes]", seconds: float) -> float:
    """Images over time between the first reading after the warm-up and the last one."""
    while True:
        if started.poll() is not None:
            raise SystemExit("The training ended by itself: run its command by hand to see why.")
        time.sleep(0.5)
        told = [json.loads(line) for line in events.read_text().splitlines()[:-1]] if events.exists() else []
        readings = [(each["time"], each["done"]) for each in told if SPEED in each.get("values", {})][WARM_UP:]
        if len(readings) > 1 and readings[-1][0] - readings[0][0] >= seconds:
            (first, before), *_, (last, after) = readings
            return float((after - before) / (last - first))


if __name__ == "__main__":
    main()
