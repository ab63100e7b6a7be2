"""Time and peak memory of photos made wider on a processor, beside OpenCV's Telea.

    python benchmarks/fill_size.py --sizes 1138x640 2731x1536 6000x4000 --threads 1

One of scikit-learn's photos, enlarged with Lanczos and given a little grain, gets an eighth of its width more on its
left and on its right. Each figure comes from a process of its own, from its start to its end, reading and writing the
PNG file included; `rest` is the same with one column more, which is all but the filling. The peak is what Linux counts
as resident (`ru_maxrss`). Prints one line of JSON a row.
"""

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from pathlib import Path

from print_size import make_photo

RADIUS = 5
"""Pixels around a point that Telea's method looks at."""


def main() -> None:
    """Print all rows, or in a child process do one of them."""
    if sys.argv[1:2] == ["--child"]:
        _child(*sys.argv[2:])
        return
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sizes", nargs="+", default=["1138x640", "2731x1536", "6000x4000"])
    parser.add_argument("--threads", default="2")
    options = parser.parse_args()
    for size in options.sizes:
        with tempfile.TemporaryDirectory() as folder:
            photo = str(Path(folder) / "photo.png")
            _run("photo", size, photo)
            more = str(int(size.split("x")[0]) // 8)
            for maker, side in (("shanshui", more), ("rest", "1"), ("telea", more)):
                figures = json.loads(_run(maker, photo, str(Path(folder) / "wide.png"), side, options.threads))
                print(json.dumps({"maker": maker, "size": size, **figures}), flush=True)


def _run(*arguments: str) -> str:
    command = [sys.executable, __file__, "--child", *arguments]
    return subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout.splitlines()[-1:][0]


def _child(maker: str, *arguments: str) -> None:
    start = time.perf_counter()
    _CHILDREN[maker](*arguments)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    print(json.dumps({"seconds": round(time.perf_counter() - start, 1), "peak_gb": round(peak / 2**20, 2)}))


def _photo(size: str, path: str) -> None:
    make_photo(size, "8", path)


def _shanshui(photo: str, out: str, side: str, threads: str) -> None:
    import torch

    from shanshui.cli import main as shanshui

    torch.set_num_threads(int(threads))
    if shanshui(["inpaint", photo, "--expand", f"left={side},right={side}", "--out", out, "--device", "cpu"]) != 0:
        raise SystemExit("The command failed.")


def _telea(photo: str, out: str, side: str, threads: str) -> None:
    import cv2
    import numpy as np

    cv2.setNumThreads(int(threads))
    columns = ((0, 0), (int(side), int(side)))
    wide = np.pad(cv2.imread(photo), (*columns, (0, 0)))
    mask = np.pad(np.zeros(wide.shape[:2], np.uint8)[:, 2 * int(side) :], columns, constant_values=255)
    cv2.imwrite(out, cv2.inpaint(wide, mask, RADIUS, cv2.INPAINT_TELEA))


_CHILDREN: Mapping[str, Callable[..., None]] = {
    "photo": _photo,
    "shanshui": _shanshui,
    "rest": _shanshui,
    "telea": _telea,
}


if __name__ == "__main__":
    main()
