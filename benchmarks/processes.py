"""Images a second of two training processes that learn together, beside one, and beside two that learn apart.

    python benchmarks/processes.py --photos PHOTOS.zip/train --recipes dcgan-64 projected-64 stylegan2-64 projected-128

Each process has one thread and `--batch-size` images a step, so two together learn from batches twice as large. They
run on as many cores as there are processes, through the command that users give and `torchrun`, in turns for --rounds
rounds of --seconds; of each counts the best round, as the runs' own events tell it, reading the photographs included.
Two that are apart show what the machine has to give: cores that share caches, memory or execution units are not two
machines. The machine should be quiet. Prints one row each in markdown, and what one exchange between the two costs: of
a single number, which every batch norm waits for, and of a million, about a network's gradients.
"""

import argparse
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import torch
from torch import distributed

SPEED = "speed.images_per_second"
WARM_UP = 3  # first readings of a run, in which things are still loaded


def main() -> None:
    """Train, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--photos", type=Path, required=True)
    parser.add_argument("--recipes", nargs="+", default=["dcgan-64", "projected-64", "stylegan2-64", "projected-128"])
    parser.add_argument("--batch-size", type=int, default=16, help="images a step of each process")
    parser.add_argument("--seconds", type=float, default=40.0, help="of learning, after everything is loaded")
    parser.add_argument("--rounds", type=int, default=2)
    options = parser.parse_args()
    print("| recipe | 1 process | 2 apart | 2 together | over 1 | over 2 apart |\n|---|---|---|---|---|---|")
    for recipe in options.recipes:
        best = {"alone": 0.0, "apart": 0.0, "together": 0.0}
        for _ in range(options.rounds):
            best["alone"] = max(best["alone"], speed([alone(recipe, options, 1)], 1, options))
            best["apart"] = max(best["apart"], speed([alone(recipe, options, 1)] * 2, 2, options))
            best["together"] = max(best["together"], speed([together(recipe, options)], 2, options))
        figures = " | ".join(f"{each:.1f}" for each in best.values())
        over = " | ".join(f"{best['together'] / best[each]:.2f}" for each in ("alone", "apart"))
        print(f"| `{recipe}` | {figures} | {over} |", flush=True)
    print(subprocess.run(launched(__file__), check=True, capture_output=True, text=True).stdout)


def exchange() -> None:
    """Of one of two processes: how long both take to know the sum of what they have, at the middle of many times."""
    distributed.init_process_group("gloo")
    told = []
    for numbers, times in ((1, 300), (1_000_000, 30)):
        values, taken = torch.ones(numbers), []
        for _ in range(times):
            begun = time.perf_counter()
            distributed.all_reduce(values)
            taken.append(time.perf_counter() - begun)
        told.append(f"{1000 * sorted(taken)[times // 2]:.2f} ms for {numbers:,}")
    if distributed.get_rank() == 0:
        print(f"an exchange takes {', '.join(told)} numbers")
    distributed.destroy_process_group()


def alone(recipe: str, options: argparse.Namespace, processes: int) -> list[str]:
    """The command of one process, or of each of several, but for its run."""
    batch = processes * options.batch_size
    command = [sys.executable, "-m", "shanshui", "train", "scene", "--recipe", recipe, "--data", str(options.photos)]
    command += ["--device", "cpu", "--workers", "1", "--batch-size", str(batch)]
    return [*command, "--images", "10000000", "--log-every", str(4 * batch)]


def together(recipe: str, options: argparse.Namespace) -> list[str]:
    """The command of two processes. The lonely -- keeps torchrun from taking --run for an option of its own."""
    return launched("--no-python", "--", *alone(recipe, options, 2))


def launched(*command: str) -> list[str]:
    """What starts `command` twice."""
    return [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2", *command]


def speed(commands: Sequence[Sequence[str]], cores: int, options: argparse.Namespace) -> float:
    """Images a second of all trainings together on so many cores; they are ended after a while."""
    every = sorted(os.sched_getaffinity(0))
    with tempfile.TemporaryDirectory() as folder, ThreadPoolExecutor() as threads:
        runs = [Path(folder) / str(number) for number in range(len(commands))]
        os.sched_setaffinity(0, every[:cores])
        started = [
            subprocess.Popen(
                [*command, "--run", str(run)],
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                env={**os.environ, "OMP_NUM_THREADS": "1"},
            )
            for command, run in zip(commands, runs, strict=True)
        ]
        os.sched_setaffinity(0, every)
        try:
            events = [run / "events.jsonl" for run in runs]
            return sum(threads.map(watched, events, started, [options.seconds] * len(runs)))
        finally:
            for process in started:
                process.send_signal(signal.SIGTERM)
            for process in started:
                process.wait(120)


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
    exchange() if distributed.is_torchelastic_launched() else main()
