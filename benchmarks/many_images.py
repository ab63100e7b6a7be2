"""Precision, recall, density and coverage of very many images: time and peak memory, beside the package prdc.

    python benchmarks/many_images.py --counts 2000 10000 50000 --peer-limit 10000

In an environment that has both (benchmarks/peers-metrics.md). Each tool runs in a process of its own on the same random
features, which lie in a file; prdc is run up to `--peer-limit`, because it holds three matrices of all pairs.
"""

import argparse
import multiprocessing
import re
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

Figures = Mapping[str, float]
NEIGHBOURS = 5


def main() -> None:
    """Print a table in markdown, with the ratios."""
    options = parse()
    print("| images a side | ours, s | prdc, s | ratio | ours, MiB | prdc, MiB | ratio | largest difference |")
    print("|---|---|---|---|---|---|---|---|")
    with tempfile.TemporaryDirectory() as folder:
        for count in options.counts:
            files = [write(Path(folder) / f"{side}.npy", side, count, options.size) for side in (0, 1)]
            ours = measured(by_shanshui, files)
            theirs = measured(by_prdc, files) if count <= options.peer_limit else None
            print(row(count, ours, theirs), flush=True)


def by_shanshui(files: Sequence[Path]) -> Figures:
    """Ours, with the standard error of each figure."""
    from shanshui.evaluation.manifolds import Comparison

    comparison = Comparison(*(np.load(file, mmap_mode="r") for file in files))
    names = ("precision", "recall", "density", "coverage")
    return {name: getattr(comparison, name)(NEIGHBOURS).value for name in names}


def by_prdc(files: Sequence[Path]) -> Figures:
    """The package's own function; it computes no errors."""
    import contextlib

    from prdc import compute_prdc

    with contextlib.redirect_stdout(sys.stderr):
        figures: Figures = compute_prdc(*(np.load(file) for file in files), nearest_k=NEIGHBOURS)
    return figures


def measured(tool: Callable[[Sequence[Path]], Figures], files: Sequence[Path]) -> tuple[Figures, float, float]:
    """Figures, seconds, and peak memory in MiB of a process that does nothing else."""
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=report, args=(tool, list(files), theirs))
    process.start()
    figures, seconds, memory = ours.recv()
    process.join()
    return figures, seconds, memory


def report(tool: Callable[[Sequence[Path]], Figures], files: Sequence[Path], answer: object) -> None:
    """In the process of the tool: send what `measured` returns."""
    began = time.perf_counter()
    figures = tool(files)
    seconds = time.perf_counter() - began
    answer.send((figures, seconds, peak_memory()))  # type: ignore[attr-defined]


def peak_memory() -> float:
    """Of this process in MiB. Linux's own counter: ru_maxrss would inherit that of the parent."""
    match = re.search(r"VmHWM:\s+(\d+) kB", Path("/proc/self/status").read_text())
    assert match is not None
    return int(match[1]) / 1024


def write(path: Path, side: int, count: int, size: int) -> Path:
    """Random features (count, size) float32; the two sides differ a little."""
    random = np.random.default_rng(side)
    features: NDArray[np.float32] = random.normal(0.1 * side, 1, (count, size)).astype(np.float32)
    np.save(path, features)
    return path


def row(count: int, ours: tuple[Figures, float, float], theirs: tuple[Figures, float, float] | None) -> str:
    """One line of the table."""
    if theirs is None:
        return f"| {count} | {ours[1]:.1f} | - | - | {ours[2]:.0f} | - | - | - |"
    difference = max(abs(ours[0][name] - theirs[0][name]) for name in ours[0])
    times, memories = ours[1] / theirs[1], ours[2] / theirs[2]
    return (
        f"| {count} | {ours[1]:.1f} | {theirs[1]:.1f} | {times:.2f} | {ours[2]:.0f} | {theirs[2]:.0f} | {memories:.2f} "
        f"| {difference:.1g} |"
    )


def parse() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--counts", type=int, nargs="+", default=[2000, 10_000, 50_000])
    parser.add_argument("--size", type=int, default=512, help="numbers in a feature")
    parser.add_argument("--peer-limit", type=int, default=10_000, help="largest count that prdc is given")
    return parser.parse_args()


if __name__ == "__main__":
    main()
